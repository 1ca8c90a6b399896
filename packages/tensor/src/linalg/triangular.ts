/** @file Systems of equations with triangular matrices. */
import { allocateLike } from '../allocate.ts';
import { signature } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import type { OutOption } from '../ops/make.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { checkAlike, checkMatrix, checkSquare, commonBatch, routineOf } from './common.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface TriangularOps {
  /** X of T X = B, for (T, B). */
  linalgSolveTriangular: { readonly upper: boolean; readonly unit: boolean };
}

/** X of T X = B, or of X T = B where not `left`, recorded. */
export function solveTriangularOf(
  op: string,
  t: Tensor,
  b: Tensor,
  upper: boolean,
  unit: boolean,
  left = true,
): Tensor {
  checkSquare(op, t);
  checkMatrix(op, b);
  checkAlike(op, t, b);
  if (b.shape.at(left ? -2 : -1) !== t.shape.at(-1)) {
    throw new ShapeError(
      `${op}(): shapes ${formatShape(t.shape)} and ${formatShape(b.shape)} do not fit: B must have ${t.shape.at(-1)} ${left ? 'rows' : 'columns'}`,
    );
  }
  // X T = B is Tᵀ Xᵀ = Bᵀ.
  if (!left) return solveTriangularOf(op, t.mT, b.mT, !upper, unit).mT;
  const [matrix, side] = commonBatch(op, t, b);
  const out = allocateLike(side, side.shape);
  routineOf(op, t, 'triangularSolve')(matrix, side, upper, unit, out);
  return record('linalgSolveTriangular', [matrix, side], out, { upper, unit });
}

export interface SolveTriangularOptions extends OutOption {
  /** Whether A is upper (true) or lower triangular; the other triangle is not read. */
  upper: boolean;
  /** Solves A X = B (the default), or X A = B. */
  left?: boolean | undefined;
  /** Takes the diagonal of A for ones without reading it. */
  unitriangular?: boolean | undefined;
}

const parse = signature<{ upper: boolean; left: boolean; unitriangular: boolean; out: Tensor | undefined }>(
  'linalg.solveTriangular',
  ['upper'],
  { left: true, unitriangular: false, out: undefined },
);

/**
 * The solution X of A X = B for triangular matrices A. Batch dimensions broadcast. A zero on the diagonal gives infinities.
 *
 * ```ts
 * linalg.solveTriangular(tensor([[2, 0], [1, 1]]), tensor([[2], [3]]), { upper: false }); // [[1], [2]]
 * ```
 * @param A [..., N, N]
 * @param B [..., N, K], or [..., K, N] where not `left`
 */
export function solveTriangular(A: Tensor, B: Tensor, options: SolveTriangularOptions): Tensor {
  const { upper, left, unitriangular, out } = parse([options]);
  return intoOut('linalg.solveTriangular', out, [A, B], () =>
    solveTriangularOf('linalg.solveTriangular', A, B, upper, unitriangular, left),
  );
}
