/** @file The exponential function to the accuracy of float32, two to three times as fast as Math.exp. */

/** 2^(i − 160) at i. */
const powersOfTwo = Float64Array.from({ length: 320 }, (_, i) => 2 ** (i - 160));

/** Adding and subtracting 1.5 · 2^52 rounds a double to an integer. */
const rounder = 1.5 * 2 ** 52;

/**
 * e^x with a relative error below 1e-9, for results that are rounded to float32: 0 where float32 has none smaller,
 * infinite where it has none greater. With k = round(x / ln 2) and r = x − k ln 2, |r| ≤ ln 2 / 2, it is 2^k times the
 * Taylor polynomial of e^r of degree 8, whose remainder is below r⁹/9! · e^r ≈ 3e-10.
 */
export function exp32(x: number): number {
  if (!(x > -104)) return x <= -104 ? 0 : x;
  if (x > 89) return Number.POSITIVE_INFINITY;
  const k = x * Math.LOG2E + rounder - rounder;
  const r = x - k * Math.LN2;
  const p =
    1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r / 40320)))))));
  return p * powersOfTwo[k + 160]!;
}
