/** @file What numbers dtypes hold: finfo, iinfo. */
import { type DType, type DTypeAlias, dtypeInfo, isFloating, realDType, toDType } from './dtype.ts';
import { DTypeError } from './errors.ts';
import { formatExponential, formatFixed } from './printing/number.ts';
import { state } from './state.ts';

/** Limits of a floating dtype. */
export interface FloatLimits {
  readonly dtype: DType;
  /** Bits of one number. */
  readonly bits: number;
  /** Distance from 1 to the next greater number. */
  readonly eps: number;
  readonly max: number;
  readonly min: number;
  /** The least positive number of full precision. */
  readonly tiny: number;
  /** The same as `tiny`. */
  readonly smallestNormal: number;
  /** The power of ten whose multiples are kept apart: 10 to the minus number of decimal digits that survive. */
  readonly resolution: number;
  toString(): string;
}

/** Limits of an integer dtype; bigints for int64. */
export interface IntegerLimits {
  readonly dtype: DType;
  readonly bits: number;
  readonly max: number | bigint;
  readonly min: number | bigint;
  toString(): string;
}

/** Bits of precision (the leading one included) and the greatest exponent, by IEEE 754. */
const formats: Partial<Record<DType, readonly [precision: number, maxExponent: number]>> = {
  float16: [11, 15],
  bfloat16: [8, 127],
  float32: [24, 127],
  float64: [53, 1023],
};

/** C++'s default for floating numbers, which PyTorch prints these with: six significant digits. */
function sixDigits(x: number): string {
  const [mantissa, power] = formatExponential(x, 5).split('e');
  const exponent = x === 0 ? 0 : Number(power);
  const trimmed = (text: string) => (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  return exponent >= -4 && exponent < 6 ? trimmed(formatFixed(x, 5 - exponent)) : `${trimmed(mantissa!)}e${power}`;
}

/** An object that prints as PyTorch's: `text` in Node's console.log and as a string. */
function printed<T extends object>(limits: T, text: string): T {
  for (const name of ['toString', Symbol.for('nodejs.util.inspect.custom')]) {
    Object.defineProperty(limits, name, { value: () => text, enumerable: false });
  }
  return limits;
}

/**
 * Limits of a floating dtype, by default the default dtype; of a complex one those of its parts.
 *
 * ```ts
 * finfo('float32').eps; // 1.1920928955078125e-7
 * ```
 * @throws DTypeError for integers and bool.
 */
export function finfo(dtype: DType | DTypeAlias = state.defaultDType): FloatLimits {
  const real = realDType(toDType(dtype));
  const format = formats[real];
  if (format === undefined) throw new DTypeError(`finfo(): ${real} is no floating dtype; use iinfo()`);
  const [precision, maxExponent] = format;
  const eps = 2 ** (1 - precision);
  const max = (2 - eps) * 2 ** maxExponent;
  const tiny = 2 ** (1 - maxExponent);
  const resolution = Number(`1e-${Math.floor((precision - 1) * Math.log10(2))}`);
  const limits = {
    dtype: real,
    bits: 8 * dtypeInfo(real).bytes,
    eps,
    max,
    min: -max,
    tiny,
    smallestNormal: tiny,
    resolution,
  };
  const listed = { resolution, min: -max, max, eps, smallest_normal: tiny, tiny };
  const texts = Object.entries(listed).map(([name, value]) => `${name}=${sixDigits(value)}`);
  return printed(limits, `finfo(${texts.join(', ')}, dtype=${real})`);
}

/**
 * Limits of an integer dtype.
 *
 * ```ts
 * iinfo('uint8').max; // 255
 * ```
 * @throws DTypeError for other dtypes.
 */
export function iinfo(dtype: DType | DTypeAlias): IntegerLimits {
  const resolved = toDType(dtype);
  const { kind, bytes } = dtypeInfo(resolved);
  if (kind !== 'int') {
    throw new DTypeError(`iinfo(): ${resolved} is no integer dtype${isFloating(resolved) ? '; use finfo()' : ''}`);
  }
  const bits = 8 * bytes;
  const signed = resolved !== 'uint8';
  const exact = (value: bigint) => (bits > 53 ? value : Number(value));
  const max = exact(2n ** BigInt(signed ? bits - 1 : bits) - 1n);
  const min = exact(signed ? -(2n ** BigInt(bits - 1)) : 0n);
  const text = `iinfo(min=${sixDigits(Number(min))}, max=${sixDigits(Number(max))}, dtype=${resolved})`;
  return printed({ dtype: resolved, bits, max, min }, text);
}
