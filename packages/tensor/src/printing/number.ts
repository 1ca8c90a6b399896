/**
 * @file Numbers as Python's format() writes them. JavaScript's toFixed and toExponential round ties up, Python's exact
 * value rounds to even: 0.125 with two digits is 0.13 here and 0.12 there.
 */

const float64 = new Float64Array(1);
const words = new BigUint64Array(float64.buffer);

/** The integer and the power of two whose product a positive finite number is. */
function exactParts(x: number): { mantissa: bigint; exponent: number } {
  float64[0] = x;
  const biased = Number(words[0]! >> 52n);
  const fraction = words[0]! & 0xfffffffffffffn;
  if (biased === 0) return { mantissa: fraction, exponent: -1074 };
  return { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

/** `x * 10 ** digits` rounded to an integer, ties to even, for x >= 0. */
function scaledToInteger(x: number, digits: number): bigint {
  const { mantissa, exponent } = exactParts(x);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (digits >= 0) numerator *= 10n ** BigInt(digits);
  else denominator *= 10n ** BigInt(-digits);
  const quotient = numerator / denominator;
  const twiceRest = (numerator % denominator) * 2n;
  const up = twiceRest > denominator || (twiceRest === denominator && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

function signOf(x: number): string {
  return x < 0 || Object.is(x, -0) ? '-' : '';
}

function nonFinite(x: number): string {
  return Number.isNaN(x) ? 'nan' : `${signOf(x)}inf`;
}

/** `digits`, a string of at least one, with a point after the first `whole` of them. */
function withPoint(digits: string, whole: number): string {
  return digits.length > whole ? `${digits.slice(0, whole)}.${digits.slice(whole)}` : digits;
}

/** Python's `'{:.<digits>f}'.format(x)`. */
export function formatFixed(x: number, digits: number): string {
  if (!Number.isFinite(x)) return nonFinite(x);
  const text = scaledToInteger(Math.abs(x), digits)
    .toString()
    .padStart(digits + 1, '0');
  return signOf(x) + withPoint(text, text.length - digits);
}

/** Python's `'{:.<digits>e}'.format(x)`. */
export function formatExponential(x: number, digits: number): string {
  if (!Number.isFinite(x)) return nonFinite(x);
  const magnitude = Math.abs(x);
  let exponent = magnitude === 0 ? 0 : Math.floor(Math.log10(magnitude));
  let text = scaledToInteger(magnitude, digits - exponent).toString();
  // The logarithm may be off by one, and rounding may carry into another digit.
  while (magnitude !== 0 && text.length !== digits + 1) {
    exponent += text.length > digits + 1 ? 1 : -1;
    text = scaledToInteger(magnitude, digits - exponent).toString();
  }
  const power = Math.abs(exponent).toString().padStart(2, '0');
  return `${signOf(x)}${withPoint(text.padEnd(digits + 1, '0'), 1)}e${exponent < 0 ? '-' : '+'}${power}`;
}
