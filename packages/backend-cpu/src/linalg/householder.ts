/** @file Householder reflections and the QR factorization made of them, in LAPACK's form: H = I − τ v vᴴ with v₀ = 1. */
import type { View } from '@flambeau/tensor/internal';
import {
  addScaled,
  type Complex,
  column,
  conjugate,
  difference,
  get,
  type Line,
  loadMatrices,
  loadVectors,
  type Matrix,
  modulus,
  negated,
  norm,
  one,
  product,
  quotient,
  row,
  set,
  storeMatrix,
  update,
  zero,
  zeros,
} from './matrix.ts';

/**
 * The reflection with Hᴴ [α, x] = [β, 0] and β real: overwrites x with the rest of v and returns β and τ. β has the
 * sign opposite to α's, so that α − β does not cancel.
 */
export function reflection(alpha: Complex, x: Line): [beta: number, tau: Complex] {
  const rest = norm(x);
  if (rest === 0 && alpha.im === 0) return [alpha.re, zero];
  const length = Math.hypot(modulus(alpha), rest);
  const beta = alpha.re >= 0 && !Object.is(alpha.re, -0) ? -length : length;
  const pivot = difference(alpha, { re: beta, im: 0 });
  update(x, (value) => quotient(value, pivot));
  return [beta, { re: (beta - alpha.re) / beta, im: -alpha.im / beta }];
}

/** Rows `from` and below of C become (I − τ v vᴴ) times them; v is 1 followed by `rest`. */
export function reflect(tau: Complex, rest: Line, c: Matrix, from: number, firstColumn = 0): void {
  if (tau.re === 0 && tau.im === 0) return;
  const { re, im, start, step, length } = rest;
  const at = (k: number): Complex =>
    k === 0 ? one : { re: re[start + (k - 1) * step]!, im: im === null ? 0 : im[start + (k - 1) * step]! };
  const projection = zeros(1, c.columns - firstColumn, c.im !== null);
  for (let k = 0; k <= length; k++) addScaled(conjugate(at(k)), row(c, from + k, firstColumn), row(projection, 0));
  for (let k = 0; k <= length; k++)
    addScaled(negated(product(tau, at(k))), row(projection, 0), row(c, from + k, firstColumn));
}

/**
 * Overwrites a matrix with R on and above the diagonal and the v below it; returns the τ. `choose` is called before each
 * step, and may exchange its column with a later one.
 */
export function qrInPlace(m: Matrix, choose?: (step: number) => void): Matrix {
  const steps = Math.min(m.rows, m.columns);
  const taus = zeros(1, steps, m.im !== null);
  for (let k = 0; k < steps; k++) {
    choose?.(k);
    const rest = column(m, k, k + 1);
    const [beta, tau] = reflection(get(m, k, k), rest);
    set(m, k, k, { re: beta, im: 0 });
    set(taus, 0, k, tau);
    reflect(conjugate(tau), rest, m, k, k + 1);
  }
  return taus;
}

/** Overwrites C with Q C or Qᴴ C, Q = H₀ H₁ … from the columns of `a` below the diagonal. */
export function applyReflections(a: Matrix, taus: Matrix, c: Matrix, adjoint: boolean): void {
  const count = taus.columns;
  for (let step = 0; step < count; step++) {
    const k = adjoint ? step : count - 1 - step;
    const tau = get(taus, 0, k);
    reflect(adjoint ? conjugate(tau) : tau, column(a, k, k + 1), c, k);
  }
}

/** See `LinalgRoutines`. */
export function geqrf(x: View, out: View, tau: View): void {
  loadMatrices(x).forEach((m, b) => {
    const taus = qrInPlace(m);
    storeMatrix(out, b, m);
    storeMatrix(tau, b, taus);
  });
}

/** See `LinalgRoutines`. */
export function householder(a: View, tau: View, c: View, adjoint: boolean, out: View): void {
  const [reflections, taus] = [loadMatrices(a), loadVectors(tau)];
  loadMatrices(c).forEach((m, b) => {
    applyReflections(reflections[b]!, taus[b]!, m, adjoint);
    storeMatrix(out, b, m);
  });
}
