/**
 * @file Matrix products in plain JavaScript: for dtypes that have no WebAssembly kernel, for machines without it, and for
 * products so small that calling it does not pay.
 */

import type { Matrix, Product } from './matrix.ts';

// Typed arrays seen as what they are read and written as; several classes of array share each kernel.
type Numbers = Float64Array;
type Integers = Int32Array;

/** Columns that are computed together. */
const WIDTH = 4;
let panel = new Float64Array(WIDTH * 1024);

/** C[m, n] = alpha · A[m, k] · B[k, n] (+ C) (+ bias) for floating-point elements, summed in double precision. */
export const floatProduct: Product<Numbers> = (m, n, k, a, b, c, { alpha, accumulate, bias }) => {
  if (panel.length < k * WIDTH) panel = new Float64Array(k * WIDTH);
  const packed = panel;
  const left = a.data;
  const out = c.data;
  for (let j = 0; j < n; j += WIDTH) {
    const columns = Math.min(WIDTH, n - j);
    packPanel(packed, k, b, j, columns);
    for (let i = 0; i < m; i++) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let at = a.offset + i * a.rowStride;
      for (let p = 0; p < k * WIDTH; p += WIDTH, at += a.columnStride) {
        const x = left[at]!;
        s0 += x * packed[p]!;
        s1 += x * packed[p + 1]!;
        s2 += x * packed[p + 2]!;
        s3 += x * packed[p + 3]!;
      }
      for (let q = 0; q < columns; q++) {
        let value = alpha * (q === 0 ? s0 : q === 1 ? s1 : q === 2 ? s2 : s3);
        const to = c.offset + i * c.rowStride + (j + q) * c.columnStride;
        if (bias !== null) value += bias.data[bias.offset + (j + q) * bias.stride]!;
        out[to] = accumulate ? value + out[to]! : value;
      }
    }
  }
};

/** Copies up to four columns of B side by side, zeros for those that are missing. */
function packPanel(packed: Float64Array, k: number, b: Matrix<Numbers>, j: number, columns: number): void {
  for (let q = 0; q < WIDTH; q++) {
    let from = b.offset + (j + q) * b.columnStride;
    for (let p = q; p < k * WIDTH; p += WIDTH, from += b.rowStride) packed[p] = q < columns ? b.data[from]! : 0;
  }
}

/** The same for integers of up to 32 bits; sums wrap around, as PyTorch's do. */
export const integerProduct: Product<Integers> = (m, n, k, a, b, c, { alpha, accumulate, bias }) => {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      let left = a.offset + i * a.rowStride;
      let right = b.offset + j * b.columnStride;
      for (let p = 0; p < k; p++, left += a.columnStride, right += b.rowStride) {
        sum = (sum + Math.imul(a.data[left]!, b.data[right]!)) | 0;
      }
      const to = c.offset + i * c.rowStride + j * c.columnStride;
      let value = Math.imul(alpha, sum);
      if (bias !== null) value += bias.data[bias.offset + j * bias.stride]!;
      c.data[to] = accumulate ? value + c.data[to]! : value;
    }
  }
};

/** The same for int64, modulo 2^64. */
export const bigintProduct: Product<BigInt64Array> = (m, n, k, a, b, c, { alpha, accumulate, bias }) => {
  const scale = BigInt(alpha);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0n;
      let left = a.offset + i * a.rowStride;
      let right = b.offset + j * b.columnStride;
      for (let p = 0; p < k; p++, left += a.columnStride, right += b.rowStride) {
        sum = BigInt.asIntN(64, sum + a.data[left]! * b.data[right]!);
      }
      const to = c.offset + i * c.rowStride + j * c.columnStride;
      let value = scale * sum;
      if (bias !== null) value += bias.data[bias.offset + j * bias.stride]!;
      c.data[to] = accumulate ? value + c.data[to]! : value;
    }
  }
};

/** The same for complex elements, interleaved; offsets and strides count complex elements. */
export const complexProduct: Product<Numbers> = (m, n, k, a, b, c, { alpha, accumulate, bias }) => {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let re = 0;
      let im = 0;
      let left = 2 * (a.offset + i * a.rowStride);
      let right = 2 * (b.offset + j * b.columnStride);
      for (let p = 0; p < k; p++, left += 2 * a.columnStride, right += 2 * b.rowStride) {
        const [x, y, u, v] = [a.data[left]!, a.data[left + 1]!, b.data[right]!, b.data[right + 1]!];
        re += x * u - y * v;
        im += x * v + y * u;
      }
      const to = 2 * (c.offset + i * c.rowStride + j * c.columnStride);
      const at = bias === null ? 0 : 2 * (bias.offset + j * bias.stride);
      const addRe = (bias === null ? 0 : bias.data[at]!) + (accumulate ? c.data[to]! : 0);
      const addIm = (bias === null ? 0 : bias.data[at + 1]!) + (accumulate ? c.data[to + 1]! : 0);
      c.data[to] = alpha * re + addRe;
      c.data[to + 1] = alpha * im + addIm;
    }
  }
};
