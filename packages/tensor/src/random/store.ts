/** @file How drawn numbers get into the array of a dtype. */
import type { DType, TypedArray } from '../dtype.ts';
import {
  bfloat16ToNumber,
  encodeBfloat16,
  encodeFloat16,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
} from '../float16.ts';

/** Bits of precision of a floating dtype, the leading one included. */
export function precisionOf(dtype: DType): number {
  if (dtype === 'float64') return 53;
  if (dtype === 'float16') return 11;
  return dtype === 'bfloat16' ? 8 : 24;
}

/** `x` rounded to a floating dtype. */
export function roundTo(x: number, dtype: DType): number {
  if (dtype === 'float64') return x;
  if (dtype === 'float16') return float16ToNumber(numberToFloat16(x));
  return dtype === 'bfloat16' ? bfloat16ToNumber(numberToBfloat16(x)) : Math.fround(x);
}

const chunk = new Float64Array(1024);

/**
 * Stores `draw()` in the `n` elements from `offset`, one after the other. Integers are truncated.
 *
 * Numbers are drawn in chunks of one array type, since a loop that stores to any type of array is several times slower.
 */
export function fillWith(data: TypedArray, offset: number, n: number, dtype: DType, draw: () => number): void {
  for (let start = 0; start < n; start += chunk.length) {
    const length = Math.min(chunk.length, n - start);
    for (let i = 0; i < length; i++) chunk[i] = draw();
    store(chunk.subarray(0, length), data, offset + start, dtype);
  }
}

/** Converts numbers to a dtype and stores them from `offset` on. */
export function store(values: Float64Array | Float32Array, data: TypedArray, offset: number, dtype: DType): void {
  if (dtype === 'float16') encodeFloat16(values, data.subarray(offset, offset + values.length) as Uint16Array);
  else if (dtype === 'bfloat16') encodeBfloat16(values, data.subarray(offset, offset + values.length) as Uint16Array);
  else if (data instanceof BigInt64Array) storeInt64(values, data, offset);
  else data.set(values, offset);
}

/** Stores integers of magnitude up to 2^53 without making bigints. */
function storeInt64(values: Float64Array | Float32Array, data: BigInt64Array, offset: number): void {
  const words = wordsOf(data);
  for (let i = 0, at = 2 * offset; i < values.length; i++, at += 2) {
    const value = Math.trunc(values[i]!);
    words[at] = value;
    words[at + 1] = Math.floor(value / 2 ** 32);
  }
}

/** The 32-bit halves of each element, the low one first: every JavaScript engine's memory is little-endian. */
export function wordsOf(data: BigInt64Array): Int32Array {
  return new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
}
