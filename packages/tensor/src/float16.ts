/**
 * @file Conversions between numbers and the bits of float16 (IEEE 754 binary16) and bfloat16 (the upper half of a
 * float32). Numbers are first rounded to float32, as PyTorch does, then to nearest, ties to even.
 */
const float32 = new Float32Array(1);
const bits32 = new Uint32Array(float32.buffer);

/** Value of every float16, indexed by its bits; made on first use. */
let float16Values: Float32Array | undefined;

function makeFloat16Values(): Float32Array {
  const values = new Float32Array(0x10000);
  for (let bits = 0; bits < 0x8000; bits++) {
    const exponent = bits >>> 10;
    const fraction = bits & 0x3ff;
    let value: number;
    if (exponent === 0) value = fraction * 2 ** -24;
    else if (exponent === 31) value = fraction === 0 ? Infinity : NaN;
    else value = (1024 + fraction) * 2 ** (exponent - 25);
    values[bits] = value;
    values[bits | 0x8000] = -value;
  }
  return values;
}

/**
 * The number that float16 bits stand for.
 *
 * ```ts
 * float16ToNumber(0x3c00); // 1
 * ```
 */
export function float16ToNumber(bits: number): number {
  float16Values ??= makeFloat16Values();
  return float16Values[bits]!;
}

/**
 * The float16 bits nearest to a number; magnitudes from 65520 on become infinite, NaN becomes 0x7e00 with x's sign.
 *
 * ```ts
 * numberToFloat16(1); // 0x3c00
 * ```
 */
export function numberToFloat16(x: number): number {
  float32[0] = x;
  const bits = bits32[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude < 0x38800000) {
    // Below 2^-14 the spacing is 2^-24, which is that of float32 in [0.5, 1): adding 0.5 rounds to it.
    float32[0] = Math.abs(float32[0]!) + 0.5;
    return sign | (bits32[0]! - 0x3f000000);
  }
  // Change the exponent's bias and drop 13 bits; a carry out of the fraction is what rounding up needs.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** The number that bfloat16 bits stand for. */
export function bfloat16ToNumber(bits: number): number {
  bits32[0] = bits << 16;
  return float32[0]!;
}

/** The bfloat16 bits nearest to a number; NaN becomes 0x7fc0. */
export function numberToBfloat16(x: number): number {
  if (Number.isNaN(x)) return 0x7fc0;
  float32[0] = x;
  const bits = bits32[0]!;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/** `out[i] = value of bits[i]`, for all of `bits`. */
export function decodeFloat16(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  float16Values ??= makeFloat16Values();
  const values = float16Values;
  for (let i = 0; i < bits.length; i++) out[i] = values[bits[i]!]!;
  return out;
}

/** `out[i] = value of bits[i]`, for all of `bits`. */
export function decodeBfloat16(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return out;
}

/** `out[i] = float16 bits of values[i]`, for all of `values`. */
export function encodeFloat16(
  values: ArrayLike<number>,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  for (let i = 0; i < values.length; i++) out[i] = numberToFloat16(values[i]!);
  return out;
}

/** `out[i] = bfloat16 bits of values[i]`, for all of `values`. */
export function encodeBfloat16(
  values: ArrayLike<number>,
  out: Uint16Array = new Uint16Array(values.length),
): Uint16Array {
  for (let i = 0; i < values.length; i++) out[i] = numberToBfloat16(values[i]!);
  return out;
}
