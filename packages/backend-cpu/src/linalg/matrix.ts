/**
 * @file Matrices as the routines of linear algebra compute with them: in double precision whatever the dtype, real or
 * complex. The algorithms are written with the few operations on rows and columns here, which do both.
 */
import type { TypedArray } from '@flambeau/tensor';
import { dtypeInfo, numelOf, type View } from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';
import { readSync } from '../kernels/read.ts';

/** Row-major; `im` is null for a real matrix. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly re: Float64Array;
  readonly im: Float64Array | null;
}

export interface Complex {
  readonly re: number;
  readonly im: number;
}

/** Part of a row or column of a matrix: elements `start`, `start + step` … */
export interface Line {
  readonly re: Float64Array;
  readonly im: Float64Array | null;
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

export const zero: Complex = { re: 0, im: 0 };
export const one: Complex = { re: 1, im: 0 };

export function zeros(rows: number, columns: number, complex: boolean): Matrix {
  const size = rows * columns;
  return { rows, columns, re: new Float64Array(size), im: complex ? new Float64Array(size) : null };
}

export function identity(n: number, complex: boolean): Matrix {
  const m = zeros(n, n, complex);
  for (let i = 0; i < n; i++) m.re[i * n + i] = 1;
  return m;
}

/** Consecutive matrices of that many rows and columns from the values of a view, copied. */
function load(x: View, rows: number, columns: number, count: number): Matrix[] {
  const size = rows * columns;
  const values = readSync(x) as Float64Array;
  return Array.from({ length: count }, (_, b) => {
    if (dtypeInfo(x.dtype).lanes === 1)
      return { rows, columns, re: new Float64Array(values.subarray(b * size, (b + 1) * size)), im: null };
    const m = zeros(rows, columns, true);
    for (let i = 0; i < size; i++) {
      m.re[i] = values[2 * (b * size + i)]!;
      m.im![i] = values[2 * (b * size + i) + 1]!;
    }
    return m;
  });
}

/** The matrices of a batch, in its last two dimensions. */
export const loadMatrices = (x: View): Matrix[] =>
  load(x, x.shape.at(-2)!, x.shape.at(-1)!, numelOf(x.shape.slice(0, -2)));

/** The vectors of a batch, in its last dimension, as matrices of one row. */
export const loadVectors = (x: View): Matrix[] => load(x, 1, x.shape.at(-1)!, numelOf(x.shape.slice(0, -1)));

/** Writes matrix `index` of a batch whose memory is row-major and fresh. */
export function storeMatrix(out: View, index: number, { re, im }: Matrix): void {
  const data = dataOf(out) as TypedArray & Float64Array;
  const size = re.length;
  if (dtypeInfo(out.dtype).lanes === 1) {
    data.set(re, out.offset + index * size);
    return;
  }
  for (let i = 0; i < size; i++) {
    const at = 2 * (out.offset + index * size + i);
    data[at] = re[i]!;
    data[at + 1] = im === null ? 0 : im[i]!;
  }
}

/** Writes real numbers or integers of matrix `index`. */
export function storeNumbers(out: View, index: number, numbers: ArrayLike<number>): void {
  (dataOf(out) as Float64Array).set(numbers, out.offset + index * numbers.length);
}

export const row = ({ re, im, columns }: Matrix, i: number, from = 0, to = columns): Line => ({
  re,
  im,
  start: i * columns + from,
  step: 1,
  length: Math.max(to - from, 0),
});

export const column = ({ re, im, rows, columns }: Matrix, j: number, from = 0, to = rows): Line => ({
  re,
  im,
  start: from * columns + j,
  step: columns,
  length: Math.max(to - from, 0),
});

export const get = ({ re, im, columns }: Matrix, i: number, j: number): Complex => ({
  re: re[i * columns + j]!,
  im: im === null ? 0 : im[i * columns + j]!,
});

export function set({ re, im, columns }: Matrix, i: number, j: number, value: Complex): void {
  re[i * columns + j] = value.re;
  if (im !== null) im[i * columns + j] = value.im;
}

export function transposed(m: Matrix): Matrix {
  const out = zeros(m.columns, m.rows, m.im !== null);
  for (let i = 0; i < m.rows; i++) for (let j = 0; j < m.columns; j++) set(out, j, i, get(m, i, j));
  return out;
}

export const conjugated = (m: Matrix): Matrix => (m.im === null ? m : { ...m, im: m.im.map((value) => -value) });

/** The transpose, conjugated. */
export const adjoint = (m: Matrix): Matrix => conjugated(transposed(m));

export const copyOf = (m: Matrix): Matrix => ({ ...m, re: m.re.slice(), im: m.im?.slice() ?? null });

/** A copy divided by the power of two next to its greatest entry, so that products neither overflow nor vanish. */
export function normalized(m: Matrix): [Matrix, scale: number] {
  const copy = copyOf(m);
  let greatest = 0;
  for (const part of [copy.re, copy.im]) for (const value of part ?? []) greatest = Math.max(greatest, Math.abs(value));
  const scale = greatest === 0 ? 1 : 2 ** Math.max(Math.min(Math.round(Math.log2(greatest)), 1020), -1020);
  update({ ...row(copy, 0), length: copy.re.length }, (value) => scaled(value, 1 / scale));
  return [copy, scale];
}

export const allFinite = ({ re, im }: Matrix): boolean =>
  re.every(Number.isFinite) && (im === null || im.every(Number.isFinite));

export const conjugate = ({ re, im }: Complex): Complex => ({ re, im: -im });
export const negated = ({ re, im }: Complex): Complex => ({ re: -re, im: -im });
export const sum = (a: Complex, b: Complex): Complex => ({ re: a.re + b.re, im: a.im + b.im });
export const difference = (a: Complex, b: Complex): Complex => ({ re: a.re - b.re, im: a.im - b.im });
export const scaled = (a: Complex, factor: number): Complex => ({ re: a.re * factor, im: a.im * factor });
/** |a|, without overflow. */
export const modulus = (a: Complex): number => (a.im === 0 ? Math.abs(a.re) : Math.hypot(a.re, a.im));

export function product(a: Complex, b: Complex): Complex {
  if (a.im === 0 && b.im === 0) return { re: a.re * b.re, im: 0 };
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

/** a / b by Smith's method (1962), which overflows only where the quotient does. */
export function quotient(a: Complex, b: Complex): Complex {
  if (b.im === 0) return { re: a.re / b.re, im: a.im === 0 ? 0 : a.im / b.re };
  if (Math.abs(b.re) >= Math.abs(b.im)) {
    const ratio = b.im / b.re;
    const bottom = b.re + b.im * ratio;
    return { re: (a.re + a.im * ratio) / bottom, im: (a.im - a.re * ratio) / bottom };
  }
  const ratio = b.re / b.im;
  const bottom = b.re * ratio + b.im;
  return { re: (a.re * ratio + a.im) / bottom, im: (a.im * ratio - a.re) / bottom };
}

/** Σ conj(x) y. */
export function dot(x: Line, y: Line): Complex {
  const { re: a, im: p, step, length } = x;
  const { re: b, im: q, step: other } = y;
  let re = 0;
  if (p === null || q === null) {
    for (let k = 0, i = x.start, j = y.start; k < length; k++, i += step, j += other) re += a[i]! * b[j]!;
    return { re, im: 0 };
  }
  let im = 0;
  for (let k = 0, i = x.start, j = y.start; k < length; k++, i += step, j += other) {
    re += a[i]! * b[j]! + p[i]! * q[j]!;
    im += a[i]! * q[j]! - p[i]! * b[j]!;
  }
  return { re, im };
}

/** y += a x. */
export function addScaled({ re, im }: Complex, x: Line, y: Line): void {
  if (re === 0 && im === 0) return;
  const { re: a, im: p, step, length } = x;
  const { re: b, im: q, step: other } = y;
  if (p === null || q === null) {
    for (let k = 0, i = x.start, j = y.start; k < length; k++, i += step, j += other) b[j] = b[j]! + re * a[i]!;
    return;
  }
  for (let k = 0, i = x.start, j = y.start; k < length; k++, i += step, j += other) {
    b[j] = b[j]! + re * a[i]! - im * p[i]!;
    q[j] = q[j]! + re * p[i]! + im * a[i]!;
  }
}

/** Every element replaced by a function of it. */
export function update({ re, im, start, step, length }: Line, f: (value: Complex) => Complex): void {
  for (let k = 0, i = start; k < length; k++, i += step) {
    const value = f({ re: re[i]!, im: im === null ? 0 : im[i]! });
    re[i] = value.re;
    if (im !== null) im[i] = value.im;
  }
}

export function swap(x: Line, y: Line): void {
  for (let k = 0, i = x.start, j = y.start; k < x.length; k++, i += x.step, j += y.step) {
    const re = x.re[i]!;
    x.re[i] = y.re[j]!;
    y.re[j] = re;
    if (x.im === null || y.im === null) continue;
    const im = x.im[i]!;
    x.im[i] = y.im[j]!;
    y.im[j] = im;
  }
}

/** The Euclidean norm, without overflow or underflow on the way. */
export function norm({ re, im, start, step, length }: Line): number {
  let greatest = 0;
  for (let k = 0, i = start; k < length; k++, i += step) {
    const size = Math.max(Math.abs(re[i]!), im === null ? 0 : Math.abs(im[i]!));
    if (!(size <= greatest)) greatest = size;
  }
  if (greatest === 0 || !Number.isFinite(greatest)) return greatest;
  // Squares of numbers in this range neither overflow nor lose digits.
  const factor = greatest > 1e140 || greatest < 1e-140 ? greatest : 1;
  let total = 0;
  for (let k = 0, i = start; k < length; k++, i += step) {
    total += (re[i]! / factor) ** 2;
    if (im !== null) total += (im[i]! / factor) ** 2;
  }
  return factor * Math.sqrt(total);
}

/** The plane rotation x' = c x − conj(s) y, y' = s x + c y, with a real c. */
export function rotate(x: Line, y: Line, c: number, { re, im }: Complex): void {
  const { re: a, im: p, step, length } = x;
  const { re: b, im: q, step: other } = y;
  if (p === null || q === null) {
    for (let k = 0, i = x.start, j = y.start; k < length; k++, i += step, j += other) {
      const u = a[i]!;
      const v = b[j]!;
      a[i] = c * u - re * v;
      b[j] = re * u + c * v;
    }
    return;
  }
  for (let k = 0, i = x.start, j = y.start; k < length; k++, i += step, j += other) {
    const u = a[i]!;
    const v = b[j]!;
    const f = p[i]!;
    const g = q[j]!;
    a[i] = c * u - re * v - im * g;
    p[i] = c * f - re * g + im * v;
    b[j] = re * u - im * f + c * v;
    q[j] = re * f + im * u + c * g;
  }
}
