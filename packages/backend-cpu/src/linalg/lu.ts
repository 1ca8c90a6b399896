/** @file LU factors with partial pivoting, and substitution in triangular matrices. */
import type { View } from '@flambeau/tensor/internal';
import {
  addScaled,
  get,
  loadMatrices,
  type Matrix,
  negated,
  quotient,
  row,
  set,
  storeMatrix,
  storeNumbers,
  swap,
  update,
} from './matrix.ts';

/** |re| + |im|: what LAPACK chooses pivots by. */
const size = (m: Matrix, i: number, j: number): number => {
  const { re, im } = get(m, i, j);
  return Math.abs(re) + Math.abs(im);
};

function pivotRow(m: Matrix, k: number): number {
  let best = k;
  for (let i = k + 1; i < m.rows; i++) if (size(m, i, k) > size(m, best, k)) best = i;
  return best;
}

/**
 * Overwrites a matrix with its factors: the unit lower triangular L below the diagonal, U on and above it. Returns the
 * row that each row was exchanged with, counted from 1, and the first zero of U's diagonal, counted from 1, or 0.
 */
export function luInPlace(m: Matrix, pivoting: boolean): [pivots: Int32Array, info: number] {
  const steps = Math.min(m.rows, m.columns);
  const pivots = new Int32Array(steps);
  let info = 0;
  for (let k = 0; k < steps; k++) {
    const chosen = pivoting ? pivotRow(m, k) : k;
    pivots[k] = chosen + 1;
    if (chosen !== k) swap(row(m, k), row(m, chosen));
    const pivot = get(m, k, k);
    if (pivot.re === 0 && pivot.im === 0) {
      if (info === 0) info = k + 1;
      continue;
    }
    for (let i = k + 1; i < m.rows; i++) {
      const factor = quotient(get(m, i, k), pivot);
      set(m, i, k, factor);
      addScaled(negated(factor), row(m, k, k + 1), row(m, i, k + 1));
    }
  }
  return [pivots, info];
}

/** See `LinalgRoutines`. */
export function lu(x: View, pivoting: boolean, out: View, pivots: View, info: View): void {
  loadMatrices(x).forEach((m, b) => {
    const [exchanges, failed] = luInPlace(m, pivoting);
    storeMatrix(out, b, m);
    storeNumbers(pivots, b, exchanges);
    storeNumbers(info, b, [failed]);
  });
}

/** Overwrites B with the solution of T X = B, for a T of which one triangle is read, row by row. */
export function substitute(t: Matrix, b: Matrix, upper: boolean, unit: boolean): void {
  const n = t.rows;
  for (let step = 0; step < n; step++) {
    const i = upper ? n - 1 - step : step;
    const [from, to] = upper ? [i + 1, n] : [0, i];
    for (let k = from; k < to; k++) addScaled(negated(get(t, i, k)), row(b, k), row(b, i));
    if (unit) continue;
    const pivot = get(t, i, i);
    update(row(b, i), (value) => quotient(value, pivot));
  }
}

/** See `LinalgRoutines`. */
export function triangularSolve(a: View, b: View, upper: boolean, unit: boolean, out: View): void {
  const right = loadMatrices(b);
  loadMatrices(a).forEach((t, i) => {
    substitute(t, right[i]!, upper, unit);
    storeMatrix(out, i, right[i]!);
  });
}
