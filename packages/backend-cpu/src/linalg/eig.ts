/** @file Eigenvalues and eigenvectors of general matrices, from the Schur form. */
import type { View } from '@flambeau/tensor/internal';
import {
  addScaled,
  allFinite,
  type Complex,
  column,
  conjugate,
  copyOf,
  difference,
  get,
  loadMatrices,
  type Matrix,
  modulus,
  negated,
  norm,
  normalized,
  product,
  quotient,
  row,
  scaled,
  set,
  storeMatrix,
  sum,
  update,
  zero,
  zeros,
} from './matrix.ts';
import { complexSchur, hessenberg, realSchur } from './schur.ts';

const real = (re: number): Complex => ({ re, im: 0 });

/** The eigenvalues of the 2 × 2 block at k of a real Schur form: two real ones, or an exact conjugate pair. */
function pairOf(t: Matrix, k: number): [Complex, Complex] {
  const at = (i: number, j: number): number => get(t, k + i, k + j).re;
  const half = (at(0, 0) - at(1, 1)) / 2;
  const bc = at(0, 1) * at(1, 0);
  const discriminant = half * half + bc;
  if (discriminant < 0) {
    const root = Math.sqrt(-discriminant);
    return [
      { re: at(1, 1) + half, im: root },
      { re: at(1, 1) + half, im: -root },
    ];
  }
  const far = half + (half >= 0 ? Math.sqrt(discriminant) : -Math.sqrt(discriminant));
  return [real(at(1, 1) + far), real(far === 0 ? at(1, 1) : at(1, 1) - bc / far)];
}

/** Makes the 2 × 2 block at k triangular by a unitary transformation, with the given eigenvalues on the diagonal. */
function splitBlock(t: Matrix, z: Matrix, k: number, [first, second]: [Complex, Complex]): void {
  const n = t.rows;
  // An eigenvector of the block, from the row that gives the longer one.
  const upper: [Complex, Complex] = [get(t, k, k + 1), difference(first, get(t, k, k))];
  const lower: [Complex, Complex] = [difference(first, get(t, k + 1, k + 1)), get(t, k + 1, k)];
  const length = ([a, b]: [Complex, Complex]): number => Math.hypot(modulus(a), modulus(b));
  const vector = length(upper) >= length(lower) ? upper : lower;
  const size = length(vector);
  const [x, y] = [scaled(vector[0], 1 / size), scaled(vector[1], 1 / size)];
  // G = [[x, −conj(y)], [y, conj(x)]]; T becomes Gᴴ T G and Z becomes Z G.
  for (let j = 0; j < n; j++) {
    const [a, b] = [get(t, k, j), get(t, k + 1, j)];
    set(t, k, j, sum(product(conjugate(x), a), product(conjugate(y), b)));
    set(t, k + 1, j, difference(product(x, b), product(y, a)));
  }
  for (const m of [t, z]) {
    for (let i = 0; i < n; i++) {
      const [a, b] = [get(m, i, k), get(m, i, k + 1)];
      set(m, i, k, sum(product(a, x), product(b, y)));
      set(m, i, k + 1, difference(product(b, conjugate(x)), product(a, conjugate(y))));
    }
  }
  set(t, k, k, first);
  set(t, k + 1, k + 1, second);
  set(t, k + 1, k, zero);
}

/** The eigenvector of a triangular T for its k-th eigenvalue, by back substitution. */
function triangularVector(t: Matrix, k: number, smallest: number): Complex[] {
  const x: Complex[] = new Array<Complex>(t.rows).fill(zero);
  x[k] = real(1);
  const value = get(t, k, k);
  for (let i = k - 1; i >= 0; i--) {
    let rest = zero;
    for (let j = i + 1; j <= k; j++) rest = sum(rest, product(get(t, i, j), x[j]!));
    const gap = difference(get(t, i, i), value);
    // Of a repeated eigenvalue, the vector of one that differs by a rounding error.
    x[i] = negated(quotient(rest, modulus(gap) < smallest ? real(smallest) : gap));
    const size = modulus(x[i]!);
    if (size > 1e100) for (let j = i; j <= k; j++) x[j] = scaled(x[j]!, 1 / size);
  }
  return x;
}

/** Scales a column to length 1 and turns it so that its largest element is real, as LAPACK does. */
function normalize(vectors: Matrix, k: number): void {
  const line = column(vectors, k);
  const length = norm(line);
  if (length === 0) return;
  update(line, (value) => scaled(value, 1 / length));
  let largest = zero;
  update(line, (value) => {
    if (modulus(value) > modulus(largest)) largest = value;
    return value;
  });
  const turn = scaled(conjugate(largest), 1 / modulus(largest));
  update(line, (value) => product(value, turn));
}

const complexOf = (m: Matrix): Matrix => ({ ...copyOf(m), im: m.im?.slice() ?? new Float64Array(m.re.length) });

/** The vectors Z x of all eigenvalues, as columns of length 1. */
function vectorsOf(t: Matrix, z: Matrix, isReal: boolean): Matrix {
  const n = t.rows;
  const smallest = Number.EPSILON * Math.max(norm({ ...row(t, 0), length: n * n }), Number.MIN_VALUE * 2 ** 105);
  const out = zeros(n, n, true);
  for (let k = 0; k < n; k++) {
    triangularVector(t, k, smallest).forEach((factor, j) => {
      addScaled(factor, column(z, j), column(out, k));
    });
    normalize(out, k);
    if (!isReal) continue;
    const { im } = get(t, k, k);
    if (im === 0) for (let i = 0; i < n; i++) set(out, i, k, real(get(out, i, k).re));
    if (im < 0) for (let i = 0; i < n; i++) set(out, i, k, conjugate(get(out, i, k - 1)));
  }
  return out;
}

/** Eigenvalues, as a matrix of one row, and eigenvectors as columns; null for NaN, infinities and no convergence. */
export function eigOf(a: Matrix, vectors: boolean): [values: Matrix, vectors: Matrix | null] | null {
  if (!allFinite(a)) return null;
  const n = a.rows;
  const isReal = a.im === null;
  const [normal, scale] = normalized(a);
  const schur = hessenberg(normal, vectors);
  if (!(isReal ? realSchur(schur) : complexSchur(schur))) return null;
  const [t, z] = [complexOf(schur.t), schur.z === null ? null : complexOf(schur.z)];
  const values = zeros(1, n, true);
  for (let k = 0; k < n; k++) {
    const block = k + 1 < n && modulus(get(t, k + 1, k)) > 0;
    const pair = block ? pairOf(t, k) : null;
    if (pair !== null && z !== null) splitBlock(t, z, k, pair);
    set(values, 0, k, pair === null ? get(t, k, k) : pair[0]);
    if (pair !== null) set(values, 0, ++k, pair[1]);
  }
  const found = z === null ? null : vectorsOf(t, z, isReal);
  update(row(values, 0), (value) => scaled(value, scale));
  return [values, found];
}

/** See `LinalgRoutines`. */
export function eig(x: View, values: View, vectors: View | null): number {
  return loadMatrices(x).findIndex((a, b) => {
    const found = eigOf(a, vectors !== null);
    if (found === null) return true;
    storeMatrix(values, b, found[0]);
    if (vectors !== null) storeMatrix(vectors, b, found[1]!);
    return false;
  });
}
