/** @file Cholesky factors. */
import type { View } from '@flambeau/tensor/internal';
import {
  adjoint,
  difference,
  dot,
  get,
  loadMatrices,
  type Matrix,
  quotient,
  row,
  set,
  storeMatrix,
  storeNumbers,
  zeros,
} from './matrix.ts';

/**
 * The lower triangular L with A = L Lᴴ, row by row from the lower triangle of A, and 0; or, with what there is of L,
 * the order of the first leading minor that is not positive.
 */
export function choleskyOf(a: Matrix): [factor: Matrix, info: number] {
  const n = a.rows;
  const l = zeros(n, n, a.im !== null);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = difference(get(a, i, j), dot(row(l, j, 0, j), row(l, i, 0, j)));
      if (j < i) set(l, i, j, quotient(rest, get(l, j, j)));
      else if (rest.re > 0) set(l, i, i, { re: Math.sqrt(rest.re), im: 0 });
      else return [l, i + 1];
    }
  }
  return [l, 0];
}

/** See `LinalgRoutines`. */
export function cholesky(x: View, upper: boolean, out: View, info: View): void {
  loadMatrices(x).forEach((a, b) => {
    // The upper triangle of A is the lower one of Aᴴ = A.
    const [l, failed] = choleskyOf(upper ? adjoint(a) : a);
    storeMatrix(out, b, upper ? adjoint(l) : l);
    storeNumbers(info, b, [failed]);
  });
}
