/** @file Cholesky factors, and what is solved and inverted with them. */

import { allocateLike } from '../allocate.ts';
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
import {
  batchOf,
  checkAlike,
  checkInfo,
  checkMatrix,
  checkSquare,
  commonBatch,
  inDouble,
  namedInto,
  type OutsOption,
  routineOf,
} from './common.ts';
import { solveTriangularOf } from './triangular.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface CholeskyOps {
  /** [factor, info] of (A). */
  linalgCholeskyEx: { readonly upper: boolean };
  /** The solution for (B, factor). */
  choleskySolve: { readonly upper: boolean };
  /** The inverse for (factor). */
  choleskyInverse: { readonly upper: boolean };
}

export interface CholeskyOptions extends OutOption {
  /** Gives the upper factor instead, from the upper triangle. */
  upper?: boolean | undefined;
}

export interface CholeskyExOptions extends OutsOption {
  upper?: boolean | undefined;
  /** Throws where `info` is not 0. */
  checkErrors?: boolean | undefined;
}

const describe = (info: number): string => `the leading minor of order ${info} is not positive-definite`;

/** The factor and its info, recorded. */
export function choleskyOf(op: string, a: Tensor, upper: boolean): readonly [Tensor, Tensor] {
  checkSquare(op, a);
  const factor = allocateLike(a, a.shape);
  const info = allocateLike(a, batchOf(a), 'int32');
  routineOf(op, a, 'cholesky')(a, upper, factor, info);
  return record('linalgCholeskyEx', [a], [factor, info] as const, { upper });
}

const parse = signature<{ upper: boolean; out: Tensor | undefined }>('linalg.cholesky', [], {
  upper: false,
  out: undefined,
});

/**
 * The lower triangular L of Hermitian positive-definite matrices A = L Lᴴ. Only one triangle of A is read.
 *
 * ```ts
 * linalg.cholesky(tensor([[4, 2], [2, 2]])); // [[2, 0], [1, 1]]
 * ```
 * @param A [..., N, N]
 * @throws LinAlgError where a matrix is not positive-definite.
 */
export function cholesky(A: Tensor, options?: CholeskyOptions): Tensor {
  if (state.autocasting) return withAutocast('linalg.cholesky', cholesky, A, options);
  const { upper, out } = parse([options]);
  return intoOut('linalg.cholesky', out, [A], () => {
    const [factor, info] = choleskyOf('linalg.cholesky', A, upper);
    checkInfo('linalg.cholesky', info, describe);
    return factor;
  });
}

const parseEx = signature<{ upper: boolean; checkErrors: boolean; out: readonly Tensor[] | undefined }>(
  'linalg.choleskyEx',
  [],
  { upper: false, checkErrors: false, out: undefined },
);

/**
 * {@link cholesky} that does not throw: `info` (int32) is 0, or the order of the first leading minor that is not positive,
 * and then the factor is of no use.
 */
export function choleskyEx(A: Tensor, options?: CholeskyExOptions): Named<readonly ['L', 'info'], Tensor> {
  if (state.autocasting) return withAutocast('linalg.choleskyEx', choleskyEx, A, options);
  const { upper, checkErrors, out } = parseEx([options]);
  return namedInto('linalg.choleskyEx', ['L', 'info'], [A], out, () => {
    const results = choleskyOf('linalg.choleskyEx', A, upper);
    if (checkErrors) checkInfo('linalg.choleskyEx', results[1], describe);
    return results;
  });
}

/** The solution X of A X = B for A = L Lᴴ, or Uᴴ U where `upper`, of which only that triangle is read. */
export function choleskySolveOf(op: string, right: Tensor, factor: Tensor, upper: boolean): Tensor {
  checkMatrix(op, right);
  checkSquare(op, factor);
  checkAlike(op, right, factor);
  if (right.shape.at(-2) !== factor.shape.at(-1))
    throw new ShapeError(
      `${op}(): ${formatShape(right.shape)} has other rows than the factor ${formatShape(factor.shape)}`,
    );
  const [l, b] = commonBatch(op, factor, right);
  const x = untracked(() => {
    const [wide, side] = [inDouble(op, l), inDouble(op, b)];
    const half = solveTriangularOf(op, upper ? wide.mH : wide, side, false, false);
    return solveTriangularOf(op, upper ? wide : wide.mH, half, true, false).to(b.dtype);
  });
  return record('choleskySolve', [b, l], x, { upper });
}

/** The inverse of A = L Lᴴ, or Uᴴ U where `upper`. */
export function choleskyInverseOf(op: string, factor: Tensor, upper: boolean): Tensor {
  checkSquare(op, factor);
  const inverse = untracked(() => {
    const wide = inDouble(op, factor);
    return choleskySolveOf(op, identityLike(wide), wide, upper).to(factor.dtype);
  });
  return record('choleskyInverse', [factor], inverse, { upper });
}

/** Identity matrices of a batch's shape; read only, since the batch shares one. */
export const identityLike = (x: Tensor): Tensor =>
  x
    .newOnes([x.shape.at(-1)!])
    .diagEmbed()
    .expand(x.shape);
