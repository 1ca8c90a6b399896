/**
 * @file Factors of symmetric and Hermitian indefinite matrices with the diagonal pivoting of Bunch & Kaufman (1977), which
 * keeps the growth of elements bounded; blocks of D are 1 × 1 or 2 × 2. The layout is that of LAPACK's sytf2 and hetf2.
 */
import type { View } from '@flambeau/tensor/internal';
import { readSync } from '../kernels/read.ts';
import {
  addScaled,
  type Complex,
  conjugate,
  difference,
  get,
  loadMatrices,
  type Matrix,
  negated,
  product,
  quotient,
  row,
  set,
  storeMatrix,
  storeNumbers,
  sum,
  swap,
  update,
  zero,
} from './matrix.ts';

/** Between 0 and 1; this one bounds the growth best. */
const threshold = (1 + Math.sqrt(17)) / 8;

const size = ({ re, im }: Complex): number => Math.abs(re) + Math.abs(im);

/** A factorization in progress; `turn` conjugates for a Hermitian matrix. Only the lower triangle is used. */
interface Work {
  readonly m: Matrix;
  readonly n: number;
  readonly turn: (value: Complex) => Complex;
}

/** Element (i, j) of the symmetric or Hermitian matrix. */
const entry = ({ m, turn }: Work, i: number, j: number): Complex => (i >= j ? get(m, i, j) : turn(get(m, j, i)));

/** Row of the largest element of column `j` among rows from `from` on, other than `j`; −1 if there are none. */
function largest(work: Work, j: number, from: number): number {
  let best = -1;
  for (let i = from; i < work.n; i++) {
    if (i !== j && (best < 0 || size(entry(work, i, j)) > size(entry(work, best, j)))) best = i;
  }
  return best;
}

/** Rows and columns p < q exchanged in what is not factored yet, column `from` on; finished columns stay, as in LAPACK. */
function exchange(work: Work, from: number, p: number, q: number): void {
  const { m, n, turn } = work;
  if (p === q) return;
  const [pp, qq] = [get(m, p, p), get(m, q, q)];
  set(m, p, p, qq);
  set(m, q, q, pp);
  for (let i = q + 1; i < n; i++) {
    const kept = get(m, i, p);
    set(m, i, p, get(m, i, q));
    set(m, i, q, kept);
  }
  for (let i = p + 1; i < q; i++) {
    const kept = get(m, i, p);
    set(m, i, p, turn(get(m, q, i)));
    set(m, q, i, turn(kept));
  }
  set(m, q, p, turn(get(m, q, p)));
  for (let j = from; j < p; j++) {
    const kept = get(m, p, j);
    set(m, p, j, get(m, q, j));
    set(m, q, j, kept);
  }
}

/** The pivot of step k: one row, or two. */
function choosePivot(work: Work, k: number): { row: number; steps: 1 | 2 } {
  const diagonal = size(entry(work, k, k));
  const r = largest(work, k, k + 1);
  if (r < 0) return { row: k, steps: 1 };
  const column = size(entry(work, r, k));
  if (diagonal >= threshold * column) return { row: k, steps: 1 };
  const other = size(entry(work, largest(work, r, k), r));
  if (diagonal >= threshold * column * (column / other)) return { row: k, steps: 1 };
  return { row: r, steps: size(entry(work, r, r)) >= threshold * other ? 1 : 2 };
}

/** Column k of L from a 1 × 1 block, and what is left of the matrix. */
function eliminateOne({ m, n, turn }: Work, k: number): void {
  const d = get(m, k, k);
  for (let i = n - 1; i > k; i--) {
    const factor = quotient(get(m, i, k), d);
    for (let j = k + 1; j <= i; j++) set(m, i, j, difference(get(m, i, j), product(factor, turn(get(m, j, k)))));
  }
  for (let i = k + 1; i < n; i++) set(m, i, k, quotient(get(m, i, k), d));
}

/** [a, b] D⁻¹ for D = [[d11, d12], [d21, d22]], scaled by the elements off the diagonal, which are the largest. */
function dividedBy(d11: Complex, d12: Complex, d21: Complex, d22: Complex, a: Complex, b: Complex): [Complex, Complex] {
  const [p, q] = [quotient(d11, d12), quotient(d22, d21)];
  const bottom = difference(product(p, q), { re: 1, im: 0 });
  const x = difference(product(q, quotient(a, d12)), quotient(b, d12));
  const y = difference(product(p, quotient(b, d21)), quotient(a, d21));
  return [quotient(x, bottom), quotient(y, bottom)];
}

/** Columns k and k + 1 of L from a 2 × 2 block, and what is left of the matrix. */
function eliminateTwo({ m, n, turn }: Work, k: number): void {
  const [d11, d21, d22] = [get(m, k, k), get(m, k + 1, k), get(m, k + 1, k + 1)];
  const factors: [Complex, Complex][] = [];
  for (let i = k + 2; i < n; i++) factors.push(dividedBy(d11, turn(d21), d21, d22, get(m, i, k), get(m, i, k + 1)));
  for (let j = k + 2; j < n; j++) {
    const [first, second] = [turn(get(m, j, k)), turn(get(m, j, k + 1))];
    for (let i = j; i < n; i++) {
      const [x, y] = factors[i - k - 2]!;
      set(m, i, j, difference(get(m, i, j), sum(product(x, first), product(y, second))));
    }
  }
  factors.forEach(([x, y], i) => {
    set(m, i + k + 2, k, x);
    set(m, i + k + 2, k + 1, y);
  });
}

/** Overwrites the lower triangle with L and D; returns the pivots and the first zero block of D, counted from 1, or 0. */
function ldlInPlace(m: Matrix, hermitian: boolean): [pivots: Int32Array, info: number] {
  const n = m.rows;
  const complex = hermitian && m.im !== null;
  const work: Work = { m, n, turn: complex ? conjugate : (value) => value };
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) set(m, i, j, zero);
    if (complex) m.im![i * n + i] = 0;
  }
  const pivots = new Int32Array(n);
  let info = 0;
  for (let k = 0; k < n; ) {
    const { row: chosen, steps } = choosePivot(work, k);
    exchange(work, k, k + steps - 1, chosen);
    if (steps === 2) {
      eliminateTwo(work, k);
      pivots.fill(-chosen - 1, k, k + 2);
    } else {
      pivots[k] = chosen + 1;
      if (size(get(m, k, k)) > 0) eliminateOne(work, k);
      else if (info === 0) info = k + 1;
    }
    if (complex) for (let i = k; i < n; i++) m.im![i * n + i] = 0;
    k += steps;
  }
  return [pivots, info];
}

/** See `LinalgRoutines`. */
export function ldl(x: View, hermitian: boolean, out: View, pivots: View, info: View): void {
  loadMatrices(x).forEach((m, b) => {
    const [exchanges, failed] = ldlInPlace(m, hermitian);
    storeMatrix(out, b, m);
    storeNumbers(pivots, b, exchanges);
    storeNumbers(info, b, [failed]);
  });
}

/** Overwrites B with L⁻¹ and then D⁻¹ times it. */
function forward({ m, n, turn }: Work, pivots: Int32Array, b: Matrix): void {
  for (let k = 0; k < n; ) {
    const steps = pivots[k]! > 0 ? 1 : 2;
    const chosen = Math.abs(pivots[k]!) - 1;
    const last = k + steps - 1;
    if (chosen !== last) swap(row(b, last), row(b, chosen));
    for (let i = last + 1; i < n; i++)
      for (let j = k; j <= last; j++) addScaled(negated(get(m, i, j)), row(b, j), row(b, i));
    if (steps === 1) {
      const d = get(m, k, k);
      update(row(b, k), (value) => quotient(value, d));
    } else {
      const [d11, d21, d22] = [get(m, k, k), get(m, k + 1, k), get(m, k + 1, k + 1)];
      for (let j = 0; j < b.columns; j++) {
        // D z = c is zᵀ Dᵀ = cᵀ.
        const [x, y] = dividedBy(d11, d21, turn(d21), d22, get(b, k, j), get(b, k + 1, j));
        set(b, k, j, x);
        set(b, k + 1, j, y);
      }
    }
    k += steps;
  }
}

/** Overwrites B with L⁻ᵀ (or L⁻ᴴ) times it. */
function backward({ m, n, turn }: Work, pivots: Int32Array, b: Matrix): void {
  for (let k = n - 1; k >= 0; ) {
    const steps = pivots[k]! > 0 ? 1 : 2;
    for (let j = k - steps + 1; j <= k; j++)
      for (let i = k + 1; i < n; i++) addScaled(negated(turn(get(m, i, j))), row(b, i), row(b, j));
    const chosen = Math.abs(pivots[k]!) - 1;
    if (chosen !== k) swap(row(b, k), row(b, chosen));
    k -= steps;
  }
}

/** See `LinalgRoutines`. */
export function ldlSolve(factors: View, pivots: View, right: View, hermitian: boolean, out: View): void {
  const exchanges = readSync(pivots) as Int32Array;
  const sides = loadMatrices(right);
  loadMatrices(factors).forEach((m, i) => {
    const work: Work = { m, n: m.rows, turn: hermitian && m.im !== null ? conjugate : (value) => value };
    const own = exchanges.subarray(i * m.rows, (i + 1) * m.rows);
    forward(work, own, sides[i]!);
    backward(work, own, sides[i]!);
    storeMatrix(out, i, sides[i]!);
  });
}
