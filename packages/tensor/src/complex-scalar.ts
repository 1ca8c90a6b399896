/** @file Complex numbers as operands: `{ re, im }` in place of a number. */
import type { Scalar } from './backend.ts';
import { type DType, isComplex } from './dtype.ts';
import { DTypeError } from './errors.ts';
import { Storage } from './storage.ts';
import { Tensor } from './tensor.ts';
import type { ComplexValue, Value } from './values.ts';

/** Whether a value is a complex number `{ re, im }`: a plain object with these two numbers and nothing else. */
export function isComplexValue(value: unknown): value is ComplexValue {
  if (typeof value !== 'object' || value === null) return false;
  const { re, im } = value as Partial<ComplexValue>;
  return typeof re === 'number' && typeof im === 'number' && Object.keys(value).length === 2;
}

/** Tensors that stand for numbers: in type promotion they rank below 0-d tensors. */
const wrapped = new WeakSet<Tensor>();

/** A 0-d complex128 tensor that counts as a number in type promotion. */
export function wrapNumber({ re, im }: ComplexValue): Tensor {
  const out = new Tensor(new Storage('cpu', 'complex128', 1, Float64Array.of(re, im)), 'complex128', []);
  wrapped.add(out);
  return out;
}

/** A number to write into a tensor. @throws DTypeError for a complex one where `dtype` is real. */
export function numberFor(op: string, value: Value, dtype: DType): Scalar | Tensor {
  if (typeof value !== 'object') return value;
  if (isComplex(dtype)) return wrapNumber(value).to(dtype);
  throw new DTypeError(
    `${op}(): a complex number does not fit a tensor of dtype ${dtype}; convert that with .to('complex64')`,
  );
}

export const isWrappedNumber = (x: Tensor): boolean => wrapped.has(x);
