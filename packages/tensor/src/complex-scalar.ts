/** @file Complex numbers as operands: `{ re, im }` in place of a number. */
import { Storage } from './storage.ts';
import { Tensor } from './tensor.ts';
import type { ComplexValue } from './values.ts';

/** Whether a value is a complex number `{ re, im }`: a plain object with these two numbers and nothing else. */
export function isComplexValue(value: unknown): value is ComplexValue {
  if (typeof value !== 'object' || value === null) return false;
  const { re, im } = value as Partial<ComplexValue>;
  return typeof re === 'number' && typeof im === 'number' && !(value instanceof Tensor);
}

/** Tensors that stand for numbers: in type promotion they rank below 0-d tensors. */
const wrapped = new WeakSet<Tensor>();

/** A 0-d complex128 tensor that counts as a number in type promotion. */
export function wrapNumber({ re, im }: ComplexValue): Tensor {
  const out = new Tensor(new Storage('cpu', 'complex128', 1, Float64Array.of(re, im)), 'complex128', []);
  wrapped.add(out);
  return out;
}

export const isWrappedNumber = (x: Tensor): boolean => wrapped.has(x);
