/**
 * @file Fused multiply-add: a * b + c with a single rounding, which JavaScript lacks. PyTorch's kernels are compiled to
 * it, so that its random numbers cannot be matched in the last bit without.
 */

const fround = Math.fround;

/**
 * `a * b + c` rounded once to float32, for float32 `a`, `b` and `c`.
 *
 * The product is exact in double precision. Rounding the sum to double and then to float32 is wrong only if the first
 * rounding lands halfway between two float32 numbers, of which it then takes either.
 */
export function fma32(a: number, b: number, c: number): number {
  const sum = a * b + c;
  const near = fround(sum);
  // As far from the sum as `near`, on its other side: a float32 only if both are the same, or the sum is halfway.
  const other = 2 * sum - near;
  return fround(other) === other && other !== near ? nearer(near, other, a * b, c) : near;
}

/** Which of two float32 numbers is nearer to `product + c`, given that its rounded value is halfway between them. */
function nearer(near: number, other: number, product: number, c: number): number {
  const dropped = sumError(product, c, product + c);
  return dropped !== 0 && dropped > 0 === other > near ? other : near;
}

/** What rounding dropped from `sum = a + b`, exactly (Knuth's TwoSum). */
export function sumError(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return a - (sum - bPart) + (b - bPart);
}

/** What rounding dropped from `product = a * b`, exactly (Dekker 1971, with Veltkamp's splitting). */
export function productError(a: number, b: number, product: number): number {
  const aSplit = a * 134217729;
  const aHigh = aSplit - (aSplit - a);
  const aLow = a - aHigh;
  const bSplit = b * 134217729;
  const bHigh = bSplit - (bSplit - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);

/** `a + b` rounded to odd: when inexact, to that one of the two neighbours whose last bit is 1. */
function addToOdd(a: number, b: number): number {
  const sum = a + b;
  const dropped = sumError(a, b, sum);
  if (dropped === 0) return sum;
  float64[0] = sum;
  if ((words[0]! & 1) !== 0) return sum;
  // The last bit of `sum` is 0, so one step towards the exact value changes the low word only, up or down by one.
  if (dropped > 0 === sum > 0) {
    words[0]!++;
  } else {
    if (words[0] === 0) words[1]!--;
    words[0]!--;
  }
  return float64[0]!;
}

/**
 * `a * b + c` rounded once to double (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
 * Where an intermediate value overflows, or the product is below 1e-290, the last bit may be off.
 */
export function fma64(a: number, b: number, c: number): number {
  const product = a * b;
  if (b === 1 || c === 0) return product + c;
  const low = productError(a, b, product);
  const cSum = c + low;
  const cRest = sumError(c, low, cSum);
  const sum = product + cSum;
  const result = sum + addToOdd(sumError(product, cSum, sum), cRest);
  return Number.isNaN(result) ? product + c : result;
}
