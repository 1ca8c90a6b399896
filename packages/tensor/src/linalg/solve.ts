/** @file Systems of linear equations, and inverses. */

import { signature } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { untracked } from '../modes.ts';
import type { Named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { identityLike } from './cholesky.ts';
import {
  checkAlike,
  checkInfo,
  checkSquare,
  commonBatch,
  describeSingular,
  inDouble,
  isVectorSide,
  namedInto,
  type OutsOption,
} from './common.ts';
import { luFactorOf, luSolveOf } from './lu.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface SolveOps {
  /** X of A X = B, for (A, B). */
  linalgSolveEx: object;
  /** The inverse of (A). */
  linalgInvEx: object;
}

type WithInfo = readonly [result: Tensor, info: Tensor];

/** X of A X = B for matrices A and B of one batch shape, and the info of A's factors; no history. */
function solved(op: string, a: Tensor, b: Tensor): WithInfo {
  return untracked(() => {
    const [factors, pivots, info] = luFactorOf(op, inDouble(op, a), true);
    return [luSolveOf(op, factors, pivots, inDouble(op, b), false).to(b.dtype), info] as const;
  });
}

/** A X = B, or X A = B where not `left`, recorded. */
function solveOf(op: string, a: Tensor, b: Tensor, left: boolean): WithInfo {
  checkSquare(op, a);
  if (b.ndim === 0) throw new ShapeError(`${op}(): B needs at least 1 dimension, got a 0-d tensor`);
  checkAlike(op, a, b);
  const vector = isVectorSide(a, b);
  const matrix = vector ? b.unsqueeze(-1) : b;
  if (matrix.shape.at(left ? -2 : -1) !== a.shape.at(-1)) {
    throw new ShapeError(`${op}(): shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} do not fit`);
  }
  if (!left && vector) throw new ShapeError(`${op}(): vectors as B need left: true`);
  const [square, side] = left ? commonBatch(op, a, matrix) : commonBatch(op, a.mT, matrix.mT);
  const [x, info] = solved(op, square, side);
  const result = record('linalgSolveEx', [square, side], x, {});
  return [left ? (vector ? result.squeeze(-1) : result) : result.mT, info];
}

/** The inverse, recorded. */
export function invOf(op: string, a: Tensor): WithInfo {
  checkSquare(op, a);
  const [inverse, info] = solved(
    op,
    a,
    untracked(() => identityLike(a.detach())),
  );
  return [record('linalgInvEx', [a], inverse, {}), info];
}

interface LeftOption {
  /** Solves A X = B (the default), or X A = B. */
  left?: boolean | undefined;
}
interface CheckOption {
  /** Throws where `info` is not 0. */
  checkErrors?: boolean | undefined;
}

const parseSolve = signature<{ left: boolean; out: Tensor | undefined }>('linalg.solve', [], {
  left: true,
  out: undefined,
});
const parseSolveEx = signature<{ left: boolean; checkErrors: boolean; out: readonly Tensor[] | undefined }>(
  'linalg.solveEx',
  [],
  { left: true, checkErrors: false, out: undefined },
);
const parseInv = signature<{ out: Tensor | undefined }>('linalg.inv', [], { out: undefined });
const parseInvEx = signature<{ checkErrors: boolean; out: readonly Tensor[] | undefined }>('linalg.invEx', [], {
  checkErrors: false,
  out: undefined,
});

/**
 * The solution X of A X = B. Batch dimensions broadcast. B is a vector for each matrix where it is 1-d or has A's shape
 * without the last dimension.
 *
 * ```ts
 * linalg.solve(tensor([[2, 1], [1, 3]]), tensor([3, 5])); // [0.8000, 1.4000]
 * ```
 * @param A [..., N, N]
 * @param B [..., N, K], [..., N], or [..., K, N] where not `left`
 * @throws LinAlgError where A is singular.
 */
export function solve(A: Tensor, B: Tensor, options?: OutOption & LeftOption): Tensor {
  if (state.autocasting) return withAutocast('linalg.solve', solve, A, B, options);
  const { left, out } = parseSolve([options]);
  return intoOut('linalg.solve', out, [A, B], () => {
    const [result, info] = solveOf('linalg.solve', A, B, left);
    checkInfo('linalg.solve', info, describeSingular);
    return result;
  });
}

/** {@link solve} that does not throw for singular matrices: `info` (int32) is not 0 there. */
export function solveEx(
  A: Tensor,
  B: Tensor,
  options?: OutsOption & LeftOption & CheckOption,
): Named<readonly ['result', 'info'], Tensor> {
  const { left, checkErrors, out } = parseSolveEx([options]);
  return namedInto('linalg.solveEx', ['result', 'info'], [A, B], out, () => {
    const results = solveOf('linalg.solveEx', A, B, left);
    if (checkErrors) checkInfo('linalg.solveEx', results[1], describeSingular);
    return results;
  });
}

/**
 * The inverse. Where it is to be multiplied with something, `solve` is faster and more accurate.
 * @param A [..., N, N]
 * @throws LinAlgError where A is singular.
 */
export function inv(A: Tensor, options?: OutOption): Tensor {
  if (state.autocasting) return withAutocast('linalg.inv', inv, A, options);
  const { out } = parseInv([options]);
  return intoOut('linalg.inv', out, [A], () => {
    const [inverse, info] = invOf('linalg.inv', A);
    checkInfo('linalg.inv', info, describeSingular);
    return inverse;
  });
}

/** {@link inv} that does not throw for singular matrices: `info` (int32) is not 0 there. */
export function invEx(A: Tensor, options?: OutsOption & CheckOption): Named<readonly ['inverse', 'info'], Tensor> {
  if (state.autocasting) return withAutocast('linalg.invEx', invEx, A, options);
  const { checkErrors, out } = parseInvEx([options]);
  return namedInto('linalg.invEx', ['inverse', 'info'], [A], out, () => {
    const results = invOf('linalg.invEx', A);
    if (checkErrors) checkInfo('linalg.invEx', results[1], describeSingular);
    return results;
  });
}

const parseTensorinv = signature<{ ind: number; out: Tensor | undefined }>('linalg.tensorinv', ['ind'], {
  ind: 2,
  out: undefined,
});

const numel = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * The inverse of a tensor as a map from its last dimensions to its first `ind` ones: `tensordot(inverse, A, ind)` is the
 * identity.
 * @param A its first `ind` sizes have the same product as the others
 */
export function tensorinv(
  A: Tensor,
  ...args: [ind: number, options?: OutOption] | [options?: OutOption & { ind?: number | undefined }]
): Tensor {
  if (state.autocasting) return withAutocast('linalg.tensorinv', tensorinv, A, ...args);
  const { ind, out } = parseTensorinv(args);
  if (!Number.isInteger(ind) || ind <= 0)
    throw new RangeError(`linalg.tensorinv(): ind must be a positive integer, got ${ind}`);
  const [first, last] = [A.shape.slice(0, ind), A.shape.slice(ind)];
  if (numel(first) !== numel(last)) {
    throw new ShapeError(
      `linalg.tensorinv(): the products of the first ${ind} sizes of ${formatShape(A.shape)} and of the others must be equal`,
    );
  }
  return intoOut('linalg.tensorinv', out, [A], () =>
    inv(A.reshape([numel(last), numel(first)])).reshape([...last, ...first]),
  );
}

const parseTensorsolve = signature<{ dims: readonly number[] | null; out: Tensor | undefined }>(
  'linalg.tensorsolve',
  ['dims'],
  { dims: null, out: undefined },
);

/**
 * X of `tensordot(A, X, X.ndim)` = B.
 * @param A [B's shape ..., X's shape ...], once `dims` are moved to the end
 */
export function tensorsolve(
  A: Tensor,
  B: Tensor,
  ...args:
    | [dims: readonly number[] | null, options?: OutOption]
    | [options?: OutOption & { dims?: readonly number[] | null | undefined }]
): Tensor {
  if (state.autocasting) return withAutocast('linalg.tensorsolve', tensorsolve, A, B, ...args);
  const { dims, out } = parseTensorsolve(args);
  const moved =
    dims === null
      ? A
      : A.movedim(
          dims,
          dims.map((_, i) => A.ndim - dims.length + i),
        );
  const rest = moved.shape.slice(B.ndim);
  if (numel(rest) !== B.elementCount || numel(moved.shape) !== B.elementCount ** 2) {
    throw new ShapeError(
      `linalg.tensorsolve(): shapes ${formatShape(moved.shape)} and ${formatShape(B.shape)} do not fit: the tensor must be as a square matrix`,
    );
  }
  return intoOut('linalg.tensorsolve', out, [A, B], () =>
    solve(moved.reshape([B.elementCount, B.elementCount]), B.flatten()).reshape(rest),
  );
}
