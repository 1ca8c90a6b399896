/**
 * @file The Schur form A = Z T Zᴴ of general matrices by shifted QR steps (Golub & Van Loan, Matrix Computations, 7.4-7.5):
 * complex matrices with one shift at a time, real ones with a pair of conjugate shifts, so that real eigenvalues come
 * out real and others in exact pairs. T is upper triangular, for real matrices with 2 × 2 blocks on its diagonal.
 */
import { reflection } from './householder.ts';
import {
  addScaled,
  type Complex,
  column,
  conjugate,
  difference,
  get,
  identity,
  type Line,
  type Matrix,
  modulus,
  negated,
  one,
  product,
  quotient,
  rotate,
  row,
  scaled,
  set,
  sum,
  zero,
  zeros,
} from './matrix.ts';

export interface Schur {
  readonly t: Matrix;
  /** Zᵀ: the Schur vectors as rows. Null where only eigenvalues are wanted. */
  readonly basis: Matrix | null;
}

/** Sweeps that an eigenvalue gets; hardly any needs more than four. */
const patience = 60;

/** Lines `from` and following, as many as v has, become (I − τ v vᴴ) times them. */
function reflectLines(lines: (i: number) => Line, tau: Complex, v: readonly Complex[], from: number): void {
  const { length, im } = lines(from);
  const total = zeros(1, length, im !== null);
  v.forEach((value, i) => {
    addScaled(conjugate(value), lines(from + i), row(total, 0));
  });
  v.forEach((value, i) => {
    addScaled(negated(product(tau, value)), row(total, 0), lines(from + i));
  });
}

/** Rows of m, in columns `first` and following, become H times them, H = I − τ v vᴴ. */
const reflectRows = (m: Matrix, tau: Complex, v: readonly Complex[], from: number, first: number): void =>
  reflectLines((i) => row(m, i, first), tau, v, from);

/** Columns of m, in rows up to `last`, become them times Hᴴ: the transpose of conj(H) times the transpose. */
const reflectColumns = (m: Matrix, tau: Complex, v: readonly Complex[], from: number, last: number): void =>
  reflectLines((j) => column(m, j, 0, last), conjugate(tau), v.map(conjugate), from);

/** Hᴴ A H of one reflection after the other, until only one subdiagonal is left. */
export function hessenberg(t: Matrix, vectors: boolean): Schur {
  const n = t.rows;
  const basis = vectors ? identity(n, t.im !== null) : null;
  for (let k = 0; k < n - 2; k++) {
    const rest = column(t, k, k + 2);
    const [beta, tau] = reflection(get(t, k + 1, k), rest);
    const v = [one, ...Array.from({ length: n - k - 2 }, (_, i) => get(t, k + 2 + i, k))];
    set(t, k + 1, k, { re: beta, im: 0 });
    for (let i = k + 2; i < n; i++) set(t, i, k, zero);
    if (tau.re === 0 && tau.im === 0) continue;
    reflectRows(t, conjugate(tau), v, k + 1, k + 1);
    reflectColumns(t, conjugate(tau), v, k + 1, n);
    // The transpose of Z H.
    if (basis !== null) reflectRows(basis, tau, v.map(conjugate), k + 1, 0);
  }
  return { t, basis };
}

/** First row of the block that ends at `high` and has no negligible subdiagonal element; negligible ones become 0. */
function blockStart(t: Matrix, high: number): number {
  for (let k = high; k > 0; k--) {
    const scale = modulus(get(t, k, k)) + modulus(get(t, k - 1, k - 1));
    if (modulus(get(t, k, k - 1)) <= Number.EPSILON * (scale === 0 ? 1 : scale)) {
      set(t, k, k - 1, zero);
      return k;
    }
  }
  return 0;
}

/** A square root, the one with a real part that is not negative. */
function squareRoot({ re, im }: Complex): Complex {
  const size = Math.sqrt((modulus({ re, im }) + Math.abs(re)) / 2);
  if (size === 0) return zero;
  return re >= 0 ? { re: size, im: im / (2 * size) } : { re: Math.abs(im) / (2 * size), im: im < 0 ? -size : size };
}

/** The eigenvalue of the last 2 × 2 block that is nearer to its last element (Wilkinson). */
function wilkinsonShift(t: Matrix, high: number): Complex {
  const [a, b] = [get(t, high - 1, high - 1), get(t, high - 1, high)];
  const [c, d] = [get(t, high, high - 1), get(t, high, high)];
  const half = scaled(difference(a, d), 0.5);
  const bc = product(b, c);
  const root = squareRoot(sum(product(half, half), bc));
  // d − bc / (half ± root), with the sign that does not cancel.
  const aligned = half.re * root.re + half.im * root.im >= 0;
  const bottom = aligned ? sum(half, root) : difference(half, root);
  return modulus(bottom) === 0 ? d : difference(d, quotient(bc, bottom));
}

/** One QR step with a shift on the block from `low` to `high`. */
function complexStep({ t, basis }: Schur, low: number, high: number, shift: Complex): void {
  let [x, y] = [difference(get(t, low, low), shift), get(t, low + 1, low)];
  for (let k = low; k < high; k++) {
    const r = Math.hypot(modulus(x), modulus(y));
    if (r > 0) {
      const size = modulus(x);
      const c = size / r;
      const s = size === 0 ? { re: -1, im: 0 } : scaled(quotient(y, x), -c);
      const first = Math.max(k - 1, low);
      rotate(row(t, k, first), row(t, k + 1, first), c, s);
      const last = Math.min(k + 2, high) + 1;
      rotate(column(t, k, 0, last), column(t, k + 1, 0, last), c, conjugate(s));
      if (basis !== null) rotate(row(basis, k), row(basis, k + 1), c, conjugate(s));
    }
    if (k > low) set(t, k + 1, k - 1, zero);
    if (k + 2 <= high) [x, y] = [get(t, k + 1, k), get(t, k + 2, k)];
  }
}

/** Makes a Hessenberg matrix triangular. False when it does not converge. */
export function complexSchur(schur: Schur): boolean {
  const { t } = schur;
  let tries = 0;
  for (let high = t.rows - 1; high > 0; ) {
    const low = blockStart(t, high);
    if (low === high) {
      high--;
      tries = 0;
      continue;
    }
    if (++tries > patience) return false;
    // Now and then another shift, against cycles.
    const shift =
      tries % 10 === 0
        ? { re: modulus(get(t, high, high - 1)) + get(t, high, high).re, im: get(t, high, high).im }
        : wilkinsonShift(t, high);
    complexStep(schur, low, high, shift);
  }
  return true;
}

/** The first column of (H − s₁)(H − s₂), for shifts with that sum and product. */
function francisStart(t: Matrix, low: number, total: number, product: number): [number, number, number] {
  const at = (i: number, j: number): number => get(t, low + i, low + j).re;
  return [
    at(0, 0) * (at(0, 0) - total) + at(0, 1) * at(1, 0) + product,
    at(1, 0) * (at(0, 0) + at(1, 1) - total),
    at(1, 0) * at(2, 1),
  ];
}

/** A few real lines become (I − τ v vᵀ) times them, all at once: that is faster than line by line. */
function reflectFew(lines: readonly Line[], tau: number, v: readonly number[]): void {
  const { re, step, length } = lines[0]!;
  const starts = lines.map((line) => line.start);
  for (let k = 0, shift = 0; k < length; k++, shift += step) {
    let total = 0;
    for (let i = 0; i < starts.length; i++) total += v[i]! * re[starts[i]! + shift]!;
    total *= tau;
    for (let i = 0; i < starts.length; i++) re[starts[i]! + shift] = re[starts[i]! + shift]! - total * v[i]!;
  }
}

/** One QR step with two shifts at once, in real arithmetic (Francis 1961), on the block from `low` to `high`. */
function francisStep({ t, basis }: Schur, low: number, high: number, total: number, determinant: number): void {
  let bulge: number[] = francisStart(t, low, total, determinant);
  for (let k = low; k < high; k++) {
    const rest = Float64Array.from(bulge.slice(1));
    const line = { re: rest, im: null, start: 0, step: 1, length: rest.length };
    const [, { re: tau }] = reflection({ re: bulge[0]!, im: 0 }, line);
    const v = [1, ...rest];
    const each = (make: (i: number) => Line): Line[] => v.map((_, i) => make(k + i));
    if (tau !== 0) {
      const [first, last] = [Math.max(k - 1, low), Math.min(k + 3, high) + 1];
      reflectFew(
        each((i) => row(t, i, first)),
        tau,
        v,
      );
      reflectFew(
        each((j) => column(t, j, 0, last)),
        tau,
        v,
      );
      if (basis !== null)
        reflectFew(
          each((i) => row(basis, i)),
          tau,
          v,
        );
    }
    for (let i = k + 1; k > low && i <= Math.min(k + 2, high); i++) set(t, i, k - 1, zero);
    bulge = [k + 1, k + 2, k + 3].filter((i) => i <= high).map((i) => get(t, i, k).re);
  }
}

/** Makes a real Hessenberg matrix triangular but for 2 × 2 blocks. False when it does not converge. */
export function realSchur(schur: Schur): boolean {
  const { t } = schur;
  let tries = 0;
  for (let high = t.rows - 1; high > 0; ) {
    const low = blockStart(t, high);
    if (low >= high - 1) {
      high = low - 1;
      tries = 0;
      continue;
    }
    if (++tries > patience) return false;
    const at = (i: number, j: number): number => get(t, high - 1 + i, high - 1 + j).re;
    if (tries % 10 === 0) {
      // Shifts of Wilkinson & Reinsch (1971) against cycles.
      const size = Math.abs(at(1, 0)) + Math.abs(get(t, high - 1, high - 2).re);
      francisStep(schur, low, high, 1.5 * size, size * size);
    } else francisStep(schur, low, high, at(0, 0) + at(1, 1), at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0));
  }
  return true;
}
