/**
 * @file The Box-Muller transform of float32 uniforms as PyTorch's AVX2 kernel computes it: logarithm, sine and cosine are
 * the polynomials of Cephes (Moshier; single precision, files logf.c and sinf.c), with the fused multiply-adds that the
 * compiler makes of them. Any other logarithm would give other last bits.
 */
import type { DType } from '../dtype.ts';
import { fma32, fma64 } from './fma.ts';
import { log, sinCos } from './preciseMath.ts';
import { roundTo } from './store.ts';

const fround = Math.fround;

/** Uniforms per block: the first half become radii, the other half angles. */
export const blockSize = 16;

// Each step of a polynomial waits for the one before it; taking every step for eight numbers keeps the processor busy.
const lanes = 8;

const floats = new Float32Array(lanes);
const floatBits = new Int32Array(floats.buffer);
const exponent = new Float32Array(lanes);
const reduced = new Float32Array(lanes);
const square = new Float32Array(lanes);
const sine = new Float32Array(lanes);
const cosine = new Float32Array(lanes);
const octant = new Int32Array(lanes);

/** `y = y * x + c`, rounded once, in every lane. */
function multiplyAdd(y: Float32Array, x: Float32Array, c: number): void {
  for (let k = 0; k < lanes; k++) y[k] = fma32(y[k]!, x[k]!, c);
}

const sqrtHalf = fround(Math.SQRT1_2);
// log(1 + x) = x - x²/2 + x³ P(x), P by Horner's rule
const logarithm = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(fround);
// ln 2 in two parts, the larger of which has few bits, so that its product with an exponent is exact.
const ln2Low = fround(-2.1219444e-4);
const ln2High = 0.693359375;

/** The natural logarithms of the eight normal float32 numbers x > 0 in `floats`, in their place. */
function logFloats(): void {
  for (let k = 0; k < lanes; k++) {
    const bits = floatBits[k]!;
    floatBits[k] = (bits & 0x007fffff) | 0x3f000000;
    const mantissa = floats[k]!;
    const small = mantissa < sqrtHalf;
    exponent[k] = (bits >>> 23) - (small ? 127 : 126);
    reduced[k] = (small ? 2 * mantissa : mantissa) - 1;
    square[k] = reduced[k]! * reduced[k]!;
  }
  floats.fill(logarithm[0]!);
  for (let i = 1; i < logarithm.length; i++) multiplyAdd(floats, reduced, logarithm[i]!);
  for (let k = 0; k < lanes; k++) {
    let y = fround(floats[k]! * reduced[k]!);
    y = fma32(y, square[k]!, fround(exponent[k]! * ln2Low));
    // These products are exact in float32, so that rounding the sum is all that is left of the multiply-add.
    y = fround(y - square[k]! * 0.5);
    floats[k] = fround(reduced[k]! + y) + exponent[k]! * ln2High;
  }
}

const fourOverPi = fround(1.27323954473516);
// -π/4 in three parts with few bits each, whose products with the octant are exact (Cody and Waite).
const quarterPi1 = -0.78515625;
const quarterPi2 = fround(-2.4187564849853516e-4);
const quarterPi3 = fround(-3.774894977445941e-8);
// cos x = 1 - x²/2 + x⁴ C(x²), sin x = x + x³ S(x²) for |x| ≤ π/4
const cosines = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);
const sines = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);

/** Sine and cosine, in `sine` and `cosine`, of the eight float32 numbers in [0, 2π] in `floats`. */
function sinCosFloats(): void {
  for (let k = 0; k < lanes; k++) {
    const x = floats[k]!;
    const j = (Math.trunc(fround(x * fourOverPi)) + 1) & ~1;
    const t = fround(fround(fround(x + j * quarterPi1) + j * quarterPi2) + j * quarterPi3);
    octant[k] = j;
    reduced[k] = t;
    square[k] = t * t;
  }
  cosine.fill(cosines[0]!);
  sine.fill(sines[0]!);
  for (let i = 1; i < cosines.length; i++) {
    multiplyAdd(cosine, square, cosines[i]!);
    multiplyAdd(sine, square, sines[i]!);
  }
  for (let k = 0; k < lanes; k++) {
    const z = square[k]!;
    const c = fround(fma32(fround(cosine[k]! * z), z, z * -0.5) + 1);
    const s = fma32(fround(sine[k]! * z), reduced[k]!, reduced[k]!);
    const j = octant[k]!;
    const swapped = (j & 2) !== 0;
    sine[k] = ((j & 4) !== 0 ? -1 : 1) * (swapped ? c : s);
    cosine[k] = (((j - 2) & 4) === 0 ? -1 : 1) * (swapped ? s : c);
  }
}

const twoPi = fround(2 * Math.PI);
const radius = new Float32Array(lanes);

/** Turns the 16 uniforms of `data` from `at` into normals. `mean` and `std` are float32. */
export function boxMullerFloat32(data: Float32Array, at: number, mean: number, std: number): void {
  for (let k = 0; k < lanes; k++) floats[k] = 1 - data[at + k]!;
  logFloats();
  for (let k = 0; k < lanes; k++) radius[k] = Math.sqrt(fround(-2 * floats[k]!));
  for (let k = 0; k < lanes; k++) floats[k] = twoPi * data[at + lanes + k]!;
  sinCosFloats();
  for (let k = 0; k < lanes; k++) {
    data[at + k] = fma32(fround(radius[k]! * cosine[k]!), std, mean);
    data[at + lanes + k] = fma32(fround(radius[k]! * sine[k]!), std, mean);
  }
}

const direction = new Float64Array(2);

/** Turns the 16 uniforms of `data` from `at` into normals, in double precision. */
export function boxMullerFloat64(data: Float64Array, at: number, mean: number, std: number): void {
  for (let i = at; i < at + 8; i++) {
    const radius = Math.sqrt(-2 * log(1 - data[i]!));
    sinCos(2 * Math.PI * data[i + 8]!, direction);
    data[i] = fma64(radius * direction[1]!, std, mean);
    data[i + 8] = fma64(radius * direction[0]!, std, mean);
  }
}

/**
 * Turns 16 uniforms of float16 or bfloat16 values into normals of that dtype. PyTorch rounds every intermediate value to
 * bfloat16, but computes float16 in float32 and rounds only what it names: radius, angle and result.
 */
export function boxMullerHalf(data: Float32Array, at: number, mean: number, std: number, dtype: DType): void {
  const step = dtype === 'bfloat16' ? (x: number) => roundTo(x, dtype) : fround;
  for (let i = at; i < at + 8; i++) {
    const logarithm = step(Math.log(1 - data[i]!));
    const radius = roundTo(Math.sqrt(step(-2 * logarithm)), dtype);
    const angle = roundTo(2 * Math.PI * data[i + 8]!, dtype);
    data[i] = scaled(step(radius * step(Math.cos(angle))), mean, std, dtype);
    data[i + 8] = scaled(step(radius * step(Math.sin(angle))), mean, std, dtype);
  }
}

function scaled(x: number, mean: number, std: number, dtype: DType): number {
  if (dtype === 'bfloat16') return roundTo(roundTo(x * std, dtype) + mean, dtype);
  return roundTo(fma32(x, std, mean), dtype);
}
