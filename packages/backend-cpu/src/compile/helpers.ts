/** @file Scalar functions that are more than an operator. The same functions serve generated and interpreted kernels. */

const choices = new Float64Array(2);

/** √(a² + b²); by Math.hypot, which is slow, only where the squares would overflow or vanish. */
export function hypot(a: number, b: number): number {
  const square = a * a + b * b;
  return square > 1e-290 && square < 1e290 ? Math.sqrt(square) : Math.hypot(a, b);
}

/** Rounds half to even, as IEEE 754 and PyTorch do (Math.round rounds half up). */
export function roundEven(x: number): number {
  // Where doubles are a whole number apart, addition itself rounds half to even. -0 comes from x * 0.
  if (Math.abs(x) < 2 ** 51) {
    const rounded = x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;
    choices[0] = rounded;
    choices[1] = x * 0;
    return choices[+(rounded === 0)]!;
  }
  // Only integers and their halves are left, and only integers from 2^52 on.
  const floor = Math.floor(x);
  return x - floor === 0.5 && floor % 2 !== 0 ? floor + 1 : floor;
}

/** C's pow: 1 for a base of 1 or an exponent of 0 even when the other is NaN or infinite. */
export function pow(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y;
}

/** Remainder with the sign of the divisor (Python's %). */
export function floorMod(a: number, b: number): number {
  const m = a % b;
  return m !== 0 && m < 0 !== b < 0 ? m + b : m;
}

/** Floored quotient, exact where a / b rounds up to an integer; the algorithm of Python's float_floor_div. */
export function floorDiv(a: number, b: number): number {
  if (b === 0) return a / b;
  const m = a % b;
  let quotient = (a - m) / b;
  if (m !== 0 && b < 0 !== m < 0) quotient -= 1;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function copysign(x: number, sign: number): number {
  const negative = sign < 0 || Object.is(sign, -0);
  return negative ? -Math.abs(x) : Math.abs(x);
}

const float64 = new Float64Array(1);
const bits64 = new BigInt64Array(float64.buffer);
const float32 = new Float32Array(1);
const bits32 = new Int32Array(float32.buffer);

/** The next float64 after x towards y. */
export function nextafter64(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  if (x === y) return y;
  if (x === 0) return y > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  float64[0] = x;
  bits64[0] = bits64[0]! + (x < y === x > 0 ? 1n : -1n);
  return float64[0]!;
}

/** The next float32 after x towards y. */
export function nextafter32(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  if (x === y) return y;
  float32[0] = x;
  if (x === 0) bits32[0] = y > 0 ? 1 : 0x80000001 | 0;
  else bits32[0] = bits32[0]! + (x < y === x > 0 ? 1 : -1);
  return float32[0]!;
}

function zeroDivision(): never {
  throw new RangeError('integer division or remainder by zero');
}

export const intFloorDiv = (a: number, b: number): number => (b === 0 ? zeroDivision() : Math.floor(a / b));
export const intTruncDiv = (a: number, b: number): number => (b === 0 ? zeroDivision() : Math.trunc(a / b));
export const intFmod = (a: number, b: number): number => (b === 0 ? zeroDivision() : (a % b) + 0);
export const intMod = (a: number, b: number): number => (b === 0 ? zeroDivision() : floorMod(a, b) + 0);

/** Integer power with wrap-around at 32 bits; negative exponents give 0 except for bases 1 and -1. */
export function intPow(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  for (let power = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2), power = Math.imul(power, power)) {
    if (rest % 2 === 1) result = Math.imul(result, power);
  }
  return result;
}

/** Shifts by the width or more give what shifting one bit at a time would. */
export const shiftLeft = (a: number, b: number): number => (b < 0 || b > 31 ? 0 : a << b);
export const shiftRight = (a: number, b: number): number => (b < 0 || b > 31 ? (a < 0 ? -1 : 0) : a >> b);

export const bigAbs = (a: bigint): bigint => (a < 0n ? -a : a);
export const bigSign = (a: bigint): bigint => (a > 0n ? 1n : a < 0n ? -1n : 0n);
export const bigMod = (a: bigint, b: bigint): bigint => {
  if (b === 0n) zeroDivision();
  const m = a % b;
  return m !== 0n && m < 0n !== b < 0n ? m + b : m;
};
export const bigFmod = (a: bigint, b: bigint): bigint => (b === 0n ? zeroDivision() : a % b);
export const bigTruncDiv = (a: bigint, b: bigint): bigint => (b === 0n ? zeroDivision() : a / b);
export const bigFloorDiv = (a: bigint, b: bigint): bigint => bigTruncDiv(a - bigMod(a, b), b);
export function bigPow(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n;
  let result = 1n;
  for (let power = base, rest = exponent; rest > 0n; rest >>= 1n, power = BigInt.asIntN(64, power * power)) {
    if (rest & 1n) result = BigInt.asIntN(64, result * power);
  }
  return result;
}
export const bigShiftLeft = (a: bigint, b: bigint): bigint => (b < 0n || b > 63n ? 0n : a << b);
export const bigShiftRight = (a: bigint, b: bigint): bigint => (b < 0n || b > 63n ? (a < 0n ? -1n : 0n) : a >> b);

/** Floating point to int32 as x86 converts: what does not fit becomes the least int32. */
export const toInt32 = (x: number): number => (x > -2147483649 && x < 2147483648 ? x | 0 : -2147483648);

/** Floating point to int64 as x86 converts: what does not fit becomes the least int64. */
export const toInt64 = (x: number): bigint => (Math.abs(x) < 2 ** 63 ? BigInt(Math.trunc(x)) : -(2n ** 63n));

/** Greatest common divisor by Euclid's algorithm; not negative, except where the greatest magnitude does not fit. */
export function intGcd(a: number, b: number): number {
  let [x, y] = [Math.abs(a), Math.abs(b)];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

export function bigGcd(a: bigint, b: bigint): bigint {
  let [x, y] = [bigAbs(a), bigAbs(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
