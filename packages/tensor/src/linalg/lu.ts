/** @file LU factors with partial pivoting, in LAPACK's packed form and unpacked. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { fromTypedArray } from '../creation.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import type { Named } from '../named.ts';
import type { OutOption } from '../ops/make.ts';
import { record } from '../record.ts';
import { broadcastShapes, formatShape, numelOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import {
  batchOf,
  checkAlike,
  checkInfo,
  checkMatrix,
  checkSquare,
  describeSingular,
  expandBatch,
  integersOf,
  namedInto,
  type OutsOption,
  routineOf,
} from './common.ts';
import { solveTriangularOf } from './triangular.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface LuOps {
  /** [packed factors, pivots, info] of (A). */
  linalgLuFactorEx: object;
}

/** Packed factors, pivots and info, recorded. */
export function luFactorOf(op: string, a: Tensor, pivot: boolean): readonly [Tensor, Tensor, Tensor] {
  checkMatrix(op, a);
  const batch = batchOf(a);
  const factors = allocateLike(a, a.shape);
  const pivots = allocateLike(a, [...batch, Math.min(a.shape.at(-1)!, a.shape.at(-2)!)], 'int32');
  const info = allocateLike(a, batch, 'int32');
  routineOf(op, a, 'lu')(a, pivot, factors, pivots, info);
  return record('linalgLuFactorEx', [a], [factors, pivots, info] as const, {});
}

/** For each matrix, which of `rows` rows stands where after the exchanges: (P A)ᵢ = A at order[i]. */
function ordersOf(op: string, pivots: Tensor, rows: number): number[][] {
  const list = integersOf(op, pivots);
  const steps = pivots.shape.at(-1)!;
  return Array.from({ length: numelOf(pivots.shape.slice(0, -1)) }, (_, b) => {
    const order = Array.from({ length: rows }, (_, i) => i);
    for (let i = 0; i < steps; i++) {
      const other = list[b * steps + i]! - 1;
      if (!(other >= 0 && other < rows))
        throw new RangeError(`pivots must be from 1 to ${rows}, got ${other + 1}: they are those of luFactor()`);
      [order[i], order[other]] = [order[other]!, order[i]!];
    }
    return order;
  });
}

/** Such an order, or its inverse, as an int32 tensor [..., rows]. */
export function permutationOf(op: string, pivots: Tensor, rows: number, inverse: boolean): Tensor {
  const flat = new Int32Array(numelOf(pivots.shape.slice(0, -1)) * rows);
  ordersOf(op, pivots, rows).forEach((order, b) => {
    order.forEach((from, to) => {
      flat[b * rows + (inverse ? from : to)] = inverse ? to : from;
    });
  });
  return fromTypedArray(flat, [...pivots.shape.slice(0, -1), rows]);
}

/** +1 or −1 for each matrix: the determinant of its P. */
export function signsOf(op: string, pivots: Tensor): number[] {
  const list = integersOf(op, pivots);
  const steps = pivots.shape.at(-1)!;
  return Array.from({ length: numelOf(pivots.shape.slice(0, -1)) }, (_, b) =>
    Array.from({ length: steps }, (_, i) => (list[b * steps + i] === i + 1 ? 1 : -1)).reduce<number>(
      (a, c) => a * c,
      1,
    ),
  );
}

/** Rows of every matrix in another order, recorded. */
const reorderRows = (x: Tensor, order: Tensor): Tensor => x.gather(-2, order.unsqueeze(-1).expand(x.shape));

/** X of A X = B, or of Aᴴ X = B where `adjoint`, from the packed factors of A; made of recorded ops. */
export function luSolveOf(op: string, factors: Tensor, pivots: Tensor, right: Tensor, adjoint: boolean): Tensor {
  const n = factors.shape.at(-1)!;
  const batch = broadcastShapes(op, batchOf(factors), batchOf(right));
  const [lu, b] = [expandBatch(factors, batch), expandBatch(right, batch)];
  const order = permutationOf(op, pivots, n, adjoint).expand([...batch, n]);
  if (adjoint) {
    const half = solveTriangularOf(op, lu.mH, b, false, false);
    return reorderRows(solveTriangularOf(op, lu.mH, half, true, true), order);
  }
  return solveTriangularOf(op, lu, solveTriangularOf(op, lu, reorderRows(b, order), false, true), true, false);
}

interface PivotOption {
  /** Exchanges rows (the default); without, the factors need not exist, and may be inaccurate. */
  pivot?: boolean | undefined;
}
export interface LuOptions extends OutsOption, PivotOption {}
export interface LuFactorExOptions extends LuOptions {
  /** Throws where `info` is not 0. */
  checkErrors?: boolean | undefined;
}

type Parsed = { pivot: boolean; checkErrors: boolean; out: readonly Tensor[] | undefined };
const defaults = { pivot: true, out: undefined };
const parseLu = signature<Parsed>('linalg.lu', [], defaults);
const parseFactor = signature<Parsed>('linalg.luFactor', [], defaults);
const parseFactorEx = signature<Parsed>('linalg.luFactorEx', [], { ...defaults, checkErrors: false });

/**
 * P A = L U in one matrix: L below the diagonal, without its ones, and U on and above it. `pivots` (int32) has for each
 * row the one that it was exchanged with, counted from 1.
 * @param A [..., M, N]
 * @throws LinAlgError where U has a zero on its diagonal; luFactorEx does not.
 */
export function luFactor(A: Tensor, options?: LuOptions): Named<readonly ['LU', 'pivots'], Tensor> {
  const { pivot, out } = parseFactor([options]);
  return namedInto('linalg.luFactor', ['LU', 'pivots'], [A], out, () => {
    const [factors, pivots, info] = luFactorOf('linalg.luFactor', A, pivot);
    checkInfo('linalg.luFactor', info, describeSingular);
    return [factors, pivots];
  });
}

/** {@link luFactor} that does not throw: `info` (int32) is 0, or the place of U's first zero, counted from 1. */
export function luFactorEx(A: Tensor, options?: LuFactorExOptions): Named<readonly ['LU', 'pivots', 'info'], Tensor> {
  const { pivot, checkErrors, out } = parseFactorEx([options]);
  return namedInto('linalg.luFactorEx', ['LU', 'pivots', 'info'], [A], out, () => {
    const results = luFactorOf('linalg.luFactorEx', A, pivot);
    if (checkErrors) checkInfo('linalg.luFactorEx', results[2], describeSingular);
    return results;
  });
}

/**
 * A = P L U with a permutation matrix P, a unit lower triangular L and an upper triangular U.
 *
 * ```ts
 * const { P, L, U } = linalg.lu(A);
 * P.matmul(L).matmul(U); // A
 * ```
 * @param A [..., M, N]; P is [..., M, M], L [..., M, K], U [..., K, N] with K = min(M, N). P is empty without `pivot`.
 */
export function lu(A: Tensor, options?: LuOptions): Named<readonly ['P', 'L', 'U'], Tensor> {
  const { pivot, out } = parseLu([options]);
  return namedInto('linalg.lu', ['P', 'L', 'U'], [A], out, () => {
    const [factors, pivots] = luFactorOf('linalg.lu', A, pivot);
    return unpacked('linalg.lu', factors, pivots, true, pivot);
  });
}

function unpacked(
  op: string,
  factors: Tensor,
  pivots: Tensor,
  data: boolean,
  permutation: boolean,
): [Tensor, Tensor, Tensor] {
  const [rows, columns] = factors.shape.slice(-2) as [number, number];
  const k = Math.min(rows, columns);
  const empty = (): Tensor => factors.detach().newEmpty([0]);
  const unit = factors.detach().newOnes([k]).diagEmbed();
  const lower = data ? factors.narrow(-1, 0, k).tril(-1) : empty();
  const square = lower.detach().newOnes([rows]).diagEmbed();
  const diagonal = rows === k ? unit : square.narrow(1, 0, k);
  const upper = data ? factors.narrow(-2, 0, k).triu() : empty();
  // Column order[i] of P has its one in row i of L U.
  const p = permutation
    ? reorderRows(square.expand([...batchOf(factors), rows, rows]), permutationOf(op, pivots, rows, true))
    : empty();
  return [p, data ? lower.add(diagonal) : lower, upper];
}

const parseUnpack = signature<{ unpackData: boolean; unpackPivots: boolean; out: readonly Tensor[] | undefined }>(
  'luUnpack',
  ['unpackData', 'unpackPivots'],
  { unpackData: true, unpackPivots: true, out: undefined },
);

/** P, L and U of packed factors, as `linalg.lu` gives them; empty ones where not asked for. */
export function luUnpack(
  factors: Tensor,
  pivots: Tensor,
  ...args: Trailing<
    [unpackData: boolean, unpackPivots: boolean],
    OutsOption & { unpackData?: boolean | undefined; unpackPivots?: boolean | undefined }
  >
): Named<readonly ['P', 'L', 'U'], Tensor> {
  const { unpackData, unpackPivots, out } = parseUnpack(args);
  checkMatrix('luUnpack', factors);
  checkPivots('luUnpack', factors, pivots);
  return namedInto('luUnpack', ['P', 'L', 'U'], [factors], out, () =>
    unpacked('luUnpack', factors, pivots, unpackData, unpackPivots),
  );
}

export function checkPivots(op: string, factors: Tensor, pivots: Tensor): void {
  if (pivots.dtype !== 'int32')
    throw new DTypeError(`${op}(): pivots must be int32, as luFactor() gives them, got ${pivots.dtype}`);
  const wanted = [...batchOf(factors), Math.min(factors.shape.at(-1)!, factors.shape.at(-2)!)];
  if (pivots.shape.join() !== wanted.join()) {
    throw new ShapeError(
      `${op}(): pivots of shape ${formatShape(pivots.shape)} do not fit factors of shape ${formatShape(factors.shape)}; expected ${formatShape(wanted)}`,
    );
  }
}

export interface LuSolveOptions extends OutOption {
  /** Solves A X = B (the default), or X A = B. */
  left?: boolean | undefined;
  /** Solves with the transposed, for complex numbers conjugated, A. */
  adjoint?: boolean | undefined;
}

const parseSolve = signature<{ left: boolean; adjoint: boolean; out: Tensor | undefined }>('linalg.luSolve', [], {
  left: true,
  adjoint: false,
  out: undefined,
});

/**
 * The solution of A X = B for an A that `luFactor` has factored: many systems for one factorization.
 * @param LU [..., N, N]
 * @param pivots [..., N], int32
 * @param B [..., N, K], or [..., K, N] where not `left`
 */
export function luSolve(LU: Tensor, pivots: Tensor, B: Tensor, options?: LuSolveOptions): Tensor {
  const { left, adjoint, out } = parseSolve([options]);
  const op = 'linalg.luSolve';
  checkSquare(op, LU);
  checkMatrix(op, B);
  checkAlike(op, LU, B);
  checkPivots(op, LU, pivots);
  if (B.shape.at(left ? -2 : -1) !== LU.shape.at(-1))
    throw new ShapeError(`${op}(): shapes ${formatShape(LU.shape)} and ${formatShape(B.shape)} do not fit`);
  // X A = B is Aᴴ Xᴴ = Bᴴ.
  return intoOut(op, out, [LU, B], () =>
    left ? luSolveOf(op, LU, pivots, B, adjoint) : luSolveOf(op, LU, pivots, B.mH, !adjoint).mH,
  );
}
