/**
 * @file Logarithm, sine, cosine, tangent and exponential in double precision, rounded correctly but for about one in ten
 * thousand arguments. `Math.log` and its companions may differ from engine to engine, and do differ from the C library
 * behind PyTorch in the last bit of every tenth to thirtieth result, so that the same seed would give other numbers.
 *
 * All work by the same scheme: the argument is the sum of a value from a table and a small rest, for which a short series
 * in double precision is exact enough, as it corrects a pair of doubles (a high part and the low part that it lacks).
 */
import { productError, sumError } from './fma.ts';

/** The tables are computed from integers that count units of 2^-128. */
const one = 1n << 128n;

type Pairs = { readonly high: Float64Array; readonly low: Float64Array };

function pairs(first: number, last: number, exact: (index: number) => bigint): Pairs {
  const high = new Float64Array(last - first + 1);
  const low = new Float64Array(last - first + 1);
  for (let i = first; i <= last; i++) {
    const value = exact(i);
    high[i - first] = Number(value) * 2 ** -128;
    low[i - first] = Number(value - BigInt(high[i - first]! * 2 ** 128)) * 2 ** -128;
  }
  return { high, low };
}

/** `start` plus the terms that `next` makes of each other, until they vanish. */
function series(start: bigint, next: (term: bigint, k: number) => bigint): bigint {
  let sum = 0n;
  let term = start;
  for (let k = 1; term !== 0n; k++) {
    sum += term;
    term = next(term, k);
  }
  return sum;
}

/** log(a / b) = 2 artanh((a - b) / (a + b)) */
function exactLog(a: number, b: number): bigint {
  const s = (BigInt(a - b) * one) / BigInt(a + b);
  let power = s;
  const artanh = series(s, (_, k) => {
    power = (((power * s) / one) * s) / one;
    return power / BigInt(2 * k + 1);
  });
  return 2n * artanh;
}

function exactSin(x: bigint): bigint {
  return series(x, (term, k) => (((-term * x) / one) * x) / one / BigInt(2 * k * (2 * k + 1)));
}

function exactCos(x: bigint): bigint {
  return series(one, (term, k) => (((-term * x) / one) * x) / one / BigInt(2 * k * (2 * k - 1)));
}

function exactExp(x: bigint): bigint {
  return series(one, (term, k) => (term * x) / one / BigInt(k));
}

function makeTables() {
  const ln2 = exactLog(2, 1);
  const ln2High = Number(ln2 >> 88n) * 2 ** -40;
  return {
    /** The logarithm of 2, the high part short enough for its products with exponents to be exact. */
    ln2High,
    ln2Low: Number(ln2 - BigInt(ln2High * 2 ** 40) * 2n ** 88n) * 2 ** -128,
    /** Logarithms of i / 64, from i = 45 on. */
    log: pairs(45, 91, (i) => exactLog(i, 64)),
    /** Sines and cosines of i / 32. */
    sin: pairs(0, 26, (i) => exactSin((BigInt(i) * one) / 32n)),
    cos: pairs(0, 26, (i) => exactCos((BigInt(i) * one) / 32n)),
    /** Exponentials of i / 32, from i = -12 on. */
    exp: pairs(-12, 12, (i) => exactExp((BigInt(i) * one) / 32n)),
  };
}

let tables: ReturnType<typeof makeTables> | undefined;

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);

/** The natural logarithm of a normal number x > 0. */
export function log(x: number): number {
  tables ??= makeTables();
  float64[0] = x;
  let exponent = (words[1]! >>> 20) - 1023;
  words[1] = (words[1]! & 0xfffff) | 0x3ff00000;
  let mantissa = float64[0]!;
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const index = Math.round(mantissa * 64);
  const near = index / 64;
  // log(mantissa / near) = 2 artanh(s), s = (mantissa - near) / (mantissa + near)
  const difference = mantissa - near;
  const sum = mantissa + near;
  const s = difference / sum;
  const product = s * sum;
  const missing = difference - product - productError(s, sum, product) - s * sumError(mantissa, near, sum);
  const square = s * s;
  const tail = s * square * (2 / 3 + square * (2 / 5 + square * (2 / 7 + square * (2 / 9 + square * (2 / 11)))));

  const power = exponent * tables.ln2High;
  const table = tables.log.high[index - 45]!;
  const partial = power + table;
  const high = partial + 2 * s;
  const low = sumError(power, table, partial) + sumError(partial, 2 * s, high);
  return high + (low + (exponent * tables.ln2Low + tables.log.low[index - 45]! + (2 * missing) / sum + tail));
}

// π / 2 in three parts, of which the first two have 33 bits each, so that their products with a quadrant are exact.
const halfPi1 = 1.5707963267341256;
const halfPi2 = 6.077100506303966e-11;
const halfPi3 = 2.0222662487959506e-21;

/** High and low part of the sine, then of the cosine, of the last argument of {@link evaluate}. */
const parts = new Float64Array(4);

/** Puts the sine and the cosine of x in [-2π, 2π] into `parts`. */
function evaluate(x: number): void {
  tables ??= makeTables();
  const quadrant = Math.round(x / (Math.PI / 2));
  const first = x - quadrant * halfPi1;
  const second = first - quadrant * halfPi2;
  const third = sumError(first, -quadrant * halfPi2, second) - quadrant * halfPi3;
  const rest = second + third;
  const restLow = sumError(second, third, rest);

  const negative = rest < 0;
  const magnitude = Math.abs(rest);
  const index = Math.round(magnitude * 32);
  const t = magnitude - index / 32;
  const tLow = negative ? -restLow : restLow;
  const square = t * t;
  // sin t = t + sinTail, cos t = 1 + cosTail
  const sinTail = t * square * (-1 / 6 + square * (1 / 120 + square * (-1 / 5040 + square / 362880))) + tLow;
  const cosTail = square * (-1 / 2 + square * (1 / 24 + square * (-1 / 720 + square / 40320))) - t * tLow;
  const sinHigh = tables.sin.high[index]!;
  const sinLow = tables.sin.low[index]!;
  const cosHigh = tables.cos.high[index]!;
  const cosLow = tables.cos.low[index]!;

  // sin(a + t) = sin a cos t + cos a sin t, cos(a + t) = cos a cos t - sin a sin t
  const a = cosHigh * t;
  const sine = sinHigh + a;
  const sineLow =
    sumError(sinHigh, a, sine) +
    productError(cosHigh, t, a) +
    (sinLow + sinHigh * cosTail + cosHigh * sinTail + cosLow * t);
  const b = -sinHigh * t;
  const cosine = cosHigh + b;
  const cosineLow =
    sumError(cosHigh, b, cosine) +
    productError(-sinHigh, t, b) +
    (cosLow + cosHigh * cosTail - sinHigh * sinTail - sinLow * t);
  place(negative ? -sine : sine, negative ? -sineLow : sineLow, cosine, cosineLow, quadrant & 3);
}

/** Turns the sine and cosine of an angle by a number of quadrants. */
function place(sine: number, sineLow: number, cosine: number, cosineLow: number, quadrant: number): void {
  const swapped = (quadrant & 1) !== 0;
  const sinSign = quadrant >= 2 ? -1 : 1;
  const cosSign = quadrant === 1 || quadrant === 2 ? -1 : 1;
  parts[0] = sinSign * (swapped ? cosine : sine);
  parts[1] = sinSign * (swapped ? cosineLow : sineLow);
  parts[2] = cosSign * (swapped ? sine : cosine);
  parts[3] = cosSign * (swapped ? sineLow : cosineLow);
}

/** Puts the sine of x in [-2π, 2π] into `out[0]`, the cosine into `out[1]`. */
export function sinCos(x: number, out: Float64Array): void {
  evaluate(x);
  out[0] = parts[0]! + parts[1]!;
  out[1] = parts[2]! + parts[3]!;
}

/** The tangent of x in [-2π, 2π]. */
export function tan(x: number): number {
  evaluate(x);
  const sine = parts[0]! + parts[1]!;
  const sineLow = sumError(parts[0]!, parts[1]!, sine);
  const cosine = parts[2]! + parts[3]!;
  const cosineLow = sumError(parts[2]!, parts[3]!, cosine);
  const quotient = sine / cosine;
  const product = quotient * cosine;
  const missing = sine - product - productError(quotient, cosine, product) + sineLow - quotient * cosineLow;
  return quotient + missing / cosine;
}

/** The exponential of x in [-700, 700]; of other arguments what `Math.exp` gives. */
export function exp(x: number): number {
  if (!(Math.abs(x) <= 700)) return Math.exp(x);
  tables ??= makeTables();
  const power = Math.round(x / Math.LN2);
  const first = x - power * tables.ln2High;
  const second = -power * tables.ln2Low;
  const rest = first + second;
  const index = Math.round(rest * 32);
  const t = rest - index / 32;
  const square = t * t;
  const tail =
    square * (1 / 2 + t * (1 / 6 + t * (1 / 24 + t * (1 / 120 + t * (1 / 720 + t * (1 / 5040 + t / 40320))))));
  const high = tables.exp.high[index + 12]!;
  const product = high * t;
  const result = high + product;
  const low =
    sumError(high, product, result) +
    productError(high, t, product) +
    high * tail +
    (tables.exp.low[index + 12]! + high * sumError(first, second, rest)) * (1 + t);
  return (result + low) * 2 ** power;
}
