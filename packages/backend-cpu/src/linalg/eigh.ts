/**
 * @file Eigenvalues and eigenvectors of Hermitian matrices: reflections make the matrix real and tridiagonal, implicit
 * QL steps with Wilkinson's shift make it diagonal (Golub & Van Loan, Matrix Computations, 8.3).
 */
import type { View } from '@flambeau/tensor/internal';
import { applyReflections, reflection } from './householder.ts';
import {
  addScaled,
  allFinite,
  column,
  conjugate,
  conjugated,
  copyOf,
  dot,
  get,
  identity,
  loadMatrices,
  type Matrix,
  negated,
  one,
  product,
  rotate,
  row,
  scaled,
  set,
  storeMatrix,
  storeNumbers,
  transposed,
  zeros,
} from './matrix.ts';

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Element i couples rows i and i + 1; the last one is room to work. */
  readonly off: Float64Array;
}

/** The full Hermitian matrix of which one triangle is given. */
function mirrored(a: Matrix, upper: boolean): Matrix {
  const m = copyOf(a);
  for (let i = 0; i < m.rows; i++) {
    set(m, i, i, { re: get(m, i, i).re, im: 0 });
    for (let j = 0; j < i; j++) {
      if (upper) set(m, i, j, conjugate(get(m, j, i)));
      else set(m, j, i, conjugate(get(m, i, j)));
    }
  }
  return m;
}

/** A − v wᴴ − w vᴴ on the rows and columns from `from` on, with v and w given as rows. */
function subtractProducts(m: Matrix, from: number, v: Matrix, w: Matrix): void {
  const [conjugateV, conjugateW] = [row(conjugated(v), 0), row(conjugated(w), 0)];
  for (let i = from; i < m.rows; i++) {
    const target = row(m, i, from);
    addScaled(negated(get(v, 0, i - from)), conjugateW, target);
    addScaled(negated(get(w, 0, i - from)), conjugateV, target);
  }
}

/** Makes a full Hermitian matrix tridiagonal: A = Q T Qᴴ. Column k of A below row k + 1 keeps v, τ is returned. */
function tridiagonalize(m: Matrix): [Tridiagonal, taus: Matrix] {
  const n = m.rows;
  const complex = m.im !== null;
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  const taus = zeros(1, Math.max(n - 1, 0), complex);
  for (let k = 0; k < n - 1; k++) {
    diagonal[k] = get(m, k, k).re;
    const [beta, tau] = reflection(get(m, k + 1, k), column(m, k, k + 2));
    off[k] = beta;
    set(taus, 0, k, tau);
    if (tau.re === 0 && tau.im === 0) continue;
    const size = n - k - 1;
    const v = zeros(1, size, complex);
    for (let i = 0; i < size; i++) set(v, 0, i, i === 0 ? { re: 1, im: 0 } : get(m, k + 1 + i, k));
    // Hᴴ A H = A − v wᴴ − w vᴴ with p = τ A v and w = p − ½ τ (pᴴ v) v; the last factor is real.
    const w = zeros(1, size, complex);
    for (let i = 0; i < size; i++) {
      // (A v)ᵢ = Σ conj(Aⱼᵢ) vⱼ, since A is Hermitian.
      set(w, 0, i, product(tau, dot(column(m, k + 1 + i, k + 1), row(v, 0))));
    }
    const half = scaled(product(tau, dot(row(w, 0), row(v, 0))), -0.5);
    addScaled(half, row(v, 0), row(w, 0));
    subtractProducts(m, k + 1, v, w);
  }
  if (n > 0) diagonal[n - 1] = get(m, n - 1, n - 1).re;
  return [{ diagonal, off }, taus];
}

/** Q of the tridiagonalization, transposed: its rows are Q's columns. */
function basis(m: Matrix, taus: Matrix): Matrix {
  const n = m.rows;
  const q = identity(n, m.im !== null);
  // The reflections act below the first row: those of the matrix without its first row.
  const below = { rows: n - 1, columns: n, re: m.re.subarray(n), im: m.im?.subarray(n) ?? null };
  const rest = { rows: n - 1, columns: n, re: q.re.subarray(n), im: q.im?.subarray(n) ?? null };
  applyReflections(below, taus, rest, false);
  return transposed(q);
}

/** First row from `low` on whose coupling with the row below is negligible. */
function splitAfter({ diagonal, off }: Tridiagonal, low: number): number {
  let m = low;
  for (; m < diagonal.length - 1; m++) {
    const scale = Math.abs(diagonal[m]!) + Math.abs(diagonal[m + 1]!);
    if (Math.abs(off[m]!) <= Number.EPSILON * scale) break;
  }
  return m;
}

/** One implicit QL sweep over rows `low` to `high`; the rotations turn the rows of `z` too. */
function sweep({ diagonal: d, off: e }: Tridiagonal, low: number, high: number, z: Matrix | null): void {
  const gap = (d[low + 1]! - d[low]!) / (2 * e[low]!);
  const root = Math.hypot(gap, 1);
  let g = d[high]! - d[low]! + e[low]! / (gap + (gap >= 0 ? root : -root));
  let s = 1;
  let c = 1;
  let shift = 0;
  for (let i = high - 1; i >= low; i--) {
    const f = s * e[i]!;
    const b = c * e[i]!;
    const r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      // The bulge vanished: the matrix splits here, and the next sweep is a shorter one.
      d[i + 1] = d[i + 1]! - shift;
      e[high] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    const moved = d[i + 1]! - shift;
    const turn = (d[i]! - moved) * s + 2 * c * b;
    shift = s * turn;
    d[i + 1] = moved + shift;
    g = c * turn - b;
    if (z !== null) rotate(row(z, i), row(z, i + 1), c, { re: s, im: 0 });
  }
  d[low] = d[low]! - shift;
  e[low] = g;
  e[high] = 0;
}

/** Makes T diagonal. Seldom are more than two sweeps needed for an eigenvalue; false when 60 are not enough. */
function diagonalize(t: Tridiagonal, z: Matrix | null): boolean {
  for (let low = 0; low < t.diagonal.length; low++) {
    for (let sweeps = 0; ; sweeps++) {
      const high = splitAfter(t, low);
      if (high === low) break;
      if (sweeps === 60) return false;
      sweep(t, low, high, z);
    }
  }
  return true;
}

/**
 * Ascending eigenvalues of a Hermitian matrix given by one triangle and, as rows, its
 * eigenvectors. Null when it has NaN or infinities, or does not converge.
 */
export function eighOf(a: Matrix, upper: boolean, vectors: boolean): [Float64Array, Matrix | null] | null {
  const n = a.rows;
  const m = mirrored(a, upper);
  if (!allFinite(m)) return null;
  if (n === 0) return [new Float64Array(0), vectors ? m : null];
  const [t, taus] = tridiagonalize(m);
  const z = vectors ? basis(m, taus) : null;
  if (!diagonalize(t, z)) return null;
  const order = Array.from(t.diagonal, (_, i) => i).sort((i, j) => t.diagonal[i]! - t.diagonal[j]!);
  const values = Float64Array.from(order, (i) => t.diagonal[i]!);
  if (z === null) return [values, null];
  const sorted = zeros(n, n, z.im !== null);
  order.forEach((from, to) => {
    addScaled(one, row(z, from), row(sorted, to));
  });
  return [values, sorted];
}

/** See `LinalgRoutines`. */
export function eigh(x: View, upper: boolean, values: View, vectors: View | null): number {
  return loadMatrices(x).findIndex((a, b) => {
    const found = eighOf(a, upper, vectors !== null);
    if (found === null) return true;
    storeNumbers(values, b, found[0]);
    if (vectors !== null) storeMatrix(vectors, b, transposed(found[1]!));
    return false;
  });
}
