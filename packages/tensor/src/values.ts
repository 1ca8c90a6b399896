/** @file JavaScript values against memory elements of a dtype. */
import { type DType, dtypeInfo, type TypedArray } from './dtype.ts';
import { bfloat16ToNumber, float16ToNumber, numberToBfloat16, numberToFloat16 } from './float16.ts';

export type ComplexValue = { readonly re: number; readonly im: number };
/** A number of any kind: what elements are as JavaScript values, and what may stand beside a tensor in its place. */
export type Value = number | bigint | boolean | ComplexValue;

/** Memory of `dtype` with the given values. Numbers become integers by truncation. @throws RangeError for NaN and infinities then. */
export function arrayOf(dtype: DType, values: ArrayLike<Value>): TypedArray {
  const { array: TypedArrayOf, kind, lanes } = dtypeInfo(dtype);
  const out = new TypedArrayOf(values.length * lanes);
  const sameMemory = ArrayBuffer.isView(values) && Object.getPrototypeOf(values) === TypedArrayOf.prototype;
  if (sameMemory && dtype !== 'bool' && dtype !== 'float16' && dtype !== 'bfloat16' && lanes === 1) {
    (out as Float32Array).set(values as ArrayLike<number>);
    return out;
  }
  const encode = encoder(dtype, kind);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (typeof value !== 'object') out[i * lanes] = encode(value) as never;
    else if (lanes === 2) (out as Float64Array).set([value.re, value.im], 2 * i);
    else throw new TypeError(`a complex number cannot be stored as ${dtype}; use complex64 or complex128`);
  }
  return out;
}

function wholeNumber(dtype: DType, value: number): number {
  if (Number.isFinite(value)) return Math.trunc(value);
  throw new RangeError(`${value} cannot be stored as ${dtype}; use a floating dtype`);
}

function encoder(dtype: DType, kind: string): (value: number | bigint | boolean) => number | bigint {
  if (dtype === 'int64') return (v) => (typeof v === 'bigint' ? v : BigInt(wholeNumber(dtype, Number(v))));
  if (dtype === 'bool') return (v) => (Number(v) !== 0 ? 1 : 0);
  if (dtype === 'float16') return (v) => numberToFloat16(Number(v));
  if (dtype === 'bfloat16') return (v) => numberToBfloat16(Number(v));
  if (kind === 'int')
    return (v) => (typeof v === 'bigint' ? Number(BigInt.asIntN(32, v)) : wholeNumber(dtype, Number(v)));
  return Number;
}

/** Reads elements of an array as values: numbers, bigints for int64, booleans for bool, pairs for complex. */
export function decoder(dtype: DType, array: TypedArray): (index: number) => Value {
  if (dtype === 'bool') return (i) => array[i] !== 0;
  if (dtype === 'float16') return (i) => float16ToNumber(array[i] as number);
  if (dtype === 'bfloat16') return (i) => bfloat16ToNumber(array[i] as number);
  if (dtypeInfo(dtype).lanes === 2) return (i) => ({ re: array[2 * i] as number, im: array[2 * i + 1] as number });
  return (i) => array[i] as number | bigint;
}
