/** @file Eigenvalues and eigenvectors of general matrices, from the Schur form. */
import type { View } from '@flambeau/tensor/internal';
import { balance } from './balance.ts';
import {
  addScaled,
  allFinite,
  type Complex,
  column,
  conjugate,
  conjugated,
  copyOf,
  difference,
  get,
  type Line,
  loadMatrices,
  type Matrix,
  modulus,
  negated,
  norm,
  normalized,
  one,
  product,
  quotient,
  rotate,
  row,
  scaled,
  set,
  storeMatrix,
  transposed,
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
function splitBlock(t: Matrix, basis: Matrix, k: number, [first, second]: [Complex, Complex]): void {
  // An eigenvector of the block, from the row that gives the longer one.
  const upper: [Complex, Complex] = [get(t, k, k + 1), difference(first, get(t, k, k))];
  const lower: [Complex, Complex] = [difference(first, get(t, k + 1, k + 1)), get(t, k + 1, k)];
  const length = ([a, b]: [Complex, Complex]): number => Math.hypot(modulus(a), modulus(b));
  const [a, b] = length(upper) >= length(lower) ? upper : lower;
  const size = length([a, b]);
  const c = modulus(a) / size;
  // The vector [c, s], turned so that c is real, is the first column of G; T becomes Gᴴ T G and Z becomes Z G.
  const s = c === 0 ? one : scaled(product(b, conjugate(a)), 1 / (modulus(a) * size));
  rotate(row(t, k), row(t, k + 1), c, negated(s));
  rotate(column(t, k), column(t, k + 1), c, negated(conjugate(s)));
  rotate(row(basis, k), row(basis, k + 1), c, negated(conjugate(s)));
  set(t, k, k, first);
  set(t, k + 1, k + 1, second);
  set(t, k + 1, k, zero);
}

/** The eigenvector of a triangular T for its k-th eigenvalue, by back substitution in the columns of T, here rows. */
function triangularVector(columns: Matrix, k: number, smallest: number): Matrix {
  const x = zeros(1, k + 1, true);
  set(x, 0, k, one);
  const value = get(columns, k, k);
  const rest = zeros(1, k, true);
  addScaled(one, row(columns, k, 0, k), row(rest, 0));
  for (let i = k - 1; i >= 0; i--) {
    const gap = difference(get(columns, i, i), value);
    // Of a repeated eigenvalue, the vector of one that differs by a rounding error.
    const element = negated(quotient(get(rest, 0, i), modulus(gap) < smallest ? real(smallest) : gap));
    set(x, 0, i, element);
    addScaled(element, row(columns, i, 0, i), row(rest, 0, 0, i));
    const size = modulus(element);
    if (size > 1e100) for (const m of [x, rest]) update(row(m, 0), (entry) => scaled(entry, 1 / size));
  }
  return x;
}

/** Scales a row to length 1 and turns it so that its largest element is real, as LAPACK does. */
function normalize(vectors: Matrix, k: number): void {
  const line = row(vectors, k);
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
function vectorsOf(t: Matrix, basis: Matrix, isReal: boolean): Matrix {
  const n = t.rows;
  const smallest = Number.EPSILON * Math.max(norm({ ...row(t, 0), length: n * n }), 2 ** -900);
  const columns = transposed(t);
  const out = zeros(n, n, true);
  for (let k = 0; k < n; k++) {
    const { im } = get(t, k, k);
    if (isReal && im < 0) {
      // The second of a conjugate pair.
      addScaled(one, conjugatedRow(out, k - 1), row(out, k));
      continue;
    }
    const x = triangularVector(columns, k, smallest);
    for (let j = 0; j <= k; j++) addScaled(get(x, 0, j), row(basis, j), row(out, k));
    normalize(out, k);
    if (!isReal || im !== 0) continue;
    // The real part of an eigenvector is one as well; of a repeated eigenvalue's it may be shorter.
    update(row(out, k), ({ re }) => real(re));
    normalize(out, k);
  }
  return transposed(out);
}

const conjugatedRow = (m: Matrix, i: number): Line => {
  const { columns, re, im } = m;
  const part = (list: Float64Array): Float64Array => list.subarray(i * columns, (i + 1) * columns);
  return row(conjugated({ rows: 1, columns, re: part(re), im: im && part(im) }), 0);
};

/** Eigenvalues, as a matrix of one row, and eigenvectors as columns; null for NaN, infinities and no convergence. */
export function eigOf(a: Matrix, vectors: boolean): [values: Matrix, vectors: Matrix | null] | null {
  if (!allFinite(a)) return null;
  const n = a.rows;
  const isReal = a.im === null;
  const [normal, scale] = normalized(a);
  const balancing = balance(normal);
  const schur = hessenberg(normal, vectors);
  if (!(isReal ? realSchur(schur) : complexSchur(schur))) return null;
  const [t, basis] = [complexOf(schur.t), schur.basis === null ? null : complexOf(schur.basis)];
  const values = zeros(1, n, true);
  for (let k = 0; k < n; k++) {
    const block = k + 1 < n && modulus(get(t, k + 1, k)) > 0;
    const pair = block ? pairOf(t, k) : null;
    if (pair !== null && basis !== null) splitBlock(t, basis, k, pair);
    set(values, 0, k, pair === null ? get(t, k, k) : pair[0]);
    if (pair !== null) set(values, 0, ++k, pair[1]);
  }
  // Vectors of D⁻¹ A D are D⁻¹ times those of A.
  balancing.forEach((factor, i) => {
    if (basis !== null) update(column(basis, i), (value) => scaled(value, factor));
  });
  const found = basis === null ? null : vectorsOf(t, basis, isReal);
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
