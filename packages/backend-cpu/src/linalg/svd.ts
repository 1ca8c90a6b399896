/**
 * @file Singular values by one-sided Jacobi rotations (Hestenes), of the triangular factor of a QR factorization with
 * column pivoting, for which they converge fast (Drmač & Veselić 2008). They keep more digits of small
 * singular values than bidiagonalization does.
 */
import type { View } from '@flambeau/tensor/internal';
import { applyReflections, qrInPlace } from './householder.ts';
import {
  addScaled,
  adjoint,
  allFinite,
  column,
  conjugate,
  copyOf,
  dot,
  get,
  identity,
  loadMatrices,
  type Matrix,
  modulus,
  norm,
  normalized,
  one,
  rotate,
  row,
  scaled,
  set,
  storeMatrix,
  storeNumbers,
  swap,
  transposed,
  zeros,
} from './matrix.ts';

/** A P = Q R with falling |Rᵢᵢ|: each step takes the longest column that is left. */
function pivotedQr(m: Matrix): [taus: Matrix, order: number[]] {
  const order = Array.from({ length: m.columns }, (_, j) => j);
  const taus = qrInPlace(m, (k) => {
    const lengths = order.map((_, j) => (j < k ? -1 : norm(column(m, j, k))));
    const longest = lengths.indexOf(Math.max(...lengths));
    if (longest === k) return;
    swap(column(m, k), column(m, longest));
    [order[k], order[longest]] = [order[longest]!, order[k]!];
  });
  return [taus, order];
}

/**
 * One sweep of rotations that make the rows of `y` orthogonal, longest first; `w` is turned alike. False when none was
 * needed.
 */
function jacobiSweep(y: Matrix, w: Matrix | null): boolean {
  const n = y.rows;
  const negligible = Number.EPSILON * Math.sqrt(n);
  const squares = Array.from({ length: n }, (_, i) => dot(row(y, i), row(y, i)).re);
  let turned = false;
  for (let p = 0; p < n - 1; p++) {
    for (let q = p + 1; q < n; q++) {
      const [x, z] = [row(y, p), row(y, q)];
      if (squares[q]! > squares[p]!) {
        swap(x, z);
        if (w !== null) swap(row(w, p), row(w, q));
        [squares[p], squares[q]] = [squares[q]!, squares[p]!];
      }
      const cross = dot(x, z);
      const size = modulus(cross);
      if (size === 0 || size <= negligible * Math.sqrt(squares[p]!) * Math.sqrt(squares[q]!)) continue;
      turned = true;
      const ratio = (squares[p]! - squares[q]!) / (2 * size);
      const tangent = -1 / (ratio + Math.hypot(1, ratio));
      const c = 1 / Math.hypot(1, tangent);
      const s = scaled(cross, (c * tangent) / size);
      rotate(x, z, c, s);
      if (w !== null) rotate(row(w, p), row(w, q), c, s);
      squares[p] = squares[p]! - tangent * size;
      // Differences lose digits: a row that got much shorter is measured again.
      const shorter = squares[q]! + tangent * size;
      squares[q] = shorter > 0.1 * squares[q]! ? shorter : dot(z, z).re;
    }
  }
  return turned;
}

/** The rows of `y` from `known` on, replaced so that all rows together are orthonormal. */
function complete(y: Matrix, known: number): void {
  const rest = copyOf({
    ...y,
    rows: known,
    re: y.re.subarray(0, known * y.columns),
    im: y.im?.subarray(0, known * y.columns) ?? null,
  });
  const basis = transposed(rest);
  const taus = qrInPlace(basis);
  const q = identity(y.columns, y.im !== null);
  applyReflections(basis, taus, q, false);
  const columns = transposed(q);
  for (let i = known; i < y.rows; i++) {
    row(y, i).re.fill(0, i * y.columns, (i + 1) * y.columns);
    y.im?.fill(0, i * y.columns, (i + 1) * y.columns);
    addScaled(one, row(columns, i), row(y, i));
  }
}

/** The least number whose reciprocal is finite, or nearly so: shorter vectors have no direction. */
const smallest = 2 ** -1022;

interface Decomposition {
  readonly u: Matrix;
  readonly s: Float64Array;
  readonly v: Matrix;
}

/** The decomposition of a matrix that has at least as many rows as columns, and no entry above 1; `u` has `width` columns. */
function tallSvd(a: Matrix, vectors: boolean, width: number): Decomposition | null {
  const complex = a.im !== null;
  const [m, n] = [a.rows, a.columns];
  const [taus, order] = pivotedQr(a);
  // Rows of y are the columns of Rᴴ. Y = Rᴴ W has orthogonal columns V₁ Σ, so that R = W Σ V₁ᴴ.
  const y = zeros(n, n, complex);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) set(y, i, j, conjugate(get(a, i, j)));
  const w = vectors ? identity(n, complex) : null;
  let sweeps = 0;
  while (jacobiSweep(y, w)) if (++sweeps === 60) return null;
  const lengths = Array.from({ length: n }, (_, i) => norm(row(y, i)));
  const ranks = lengths.map((_, i) => i).sort((i, j) => lengths[j]! - lengths[i]!);
  const s = Float64Array.from(ranks, (i) => lengths[i]!);
  if (w === null) return { u: a, s, v: a };
  const v1 = zeros(n, n, complex);
  ranks.forEach((from, to) => {
    if (lengths[from]! >= smallest) addScaled({ re: 1 / lengths[from]!, im: 0 }, row(y, from), row(v1, to));
  });
  const known = s.findIndex((value) => value < smallest);
  if (known >= 0) complete(v1, known);
  const u = zeros(m, width, complex);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < width; j++) {
      if (i < n && j < n) set(u, i, j, get(w, ranks[j]!, i));
      else if (i === j) set(u, i, j, one);
    }
  }
  applyReflections(a, taus, u, false);
  const v = zeros(n, n, complex);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) set(v, order[i]!, j, get(v1, j, i));
  return { u, s, v };
}

/** U (square where `full`, else as many columns as there are singular values), S, V likewise; null for NaN and infinities. */
export function svdOf(a: Matrix, vectors: boolean, full: boolean): Decomposition | null {
  if (!allFinite(a)) return null;
  const [normal, scale] = normalized(a);
  const wide = a.rows < a.columns;
  const tall = wide ? adjoint(normal) : normal;
  const found = tallSvd(tall, vectors, full ? tall.rows : tall.columns);
  if (found === null) return null;
  const s = found.s.map((value) => value * scale);
  return wide ? { u: found.v, s, v: found.u } : { ...found, s };
}

/** See `LinalgRoutines`. */
export function svd(x: View, u: View | null, s: View, vh: View | null): number {
  const full = u !== null && vh !== null && u.shape.at(-1) === u.shape.at(-2) && vh.shape.at(-1) === vh.shape.at(-2);
  return loadMatrices(x).findIndex((a, b) => {
    const found = svdOf(a, u !== null, full);
    if (found === null) return true;
    storeNumbers(s, b, found.s);
    if (u !== null) storeMatrix(u, b, found.u);
    if (vh !== null) storeMatrix(vh, b, adjoint(found.v));
    return false;
  });
}
