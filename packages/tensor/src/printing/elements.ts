import { formatExponential, formatFixed } from './number.ts';
import type { PrintOptions } from './options.ts';

/** The common layout of a tensor's printed numbers. */
export interface ElementFormat<T> {
  /** Width to which numbers are padded, by which lines are broken. */
  readonly width: number;
  text(value: T): string;
}

/** Integers and booleans: Python's own text, all equally wide. */
export function exactFormat(values: readonly (number | bigint | boolean)[]): ElementFormat<number | bigint | boolean> {
  const width = widest(values.map(exactText));
  return { width, text: (value) => exactText(value).padStart(width) };
}

function exactText(value: number | bigint | boolean): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return value.toString();
}

/**
 * Floating numbers: integers as `1.`, others with `precision` digits, and all in scientific notation where magnitudes
 * lie far apart, are large, or (unless all are integers) small.
 */
export function floatFormat(values: readonly number[], options: PrintOptions): ElementFormat<number> {
  const { precision } = options;
  const exponential = (value: number) => formatExponential(value, precision);
  const fixed = (value: number) => formatFixed(value, precision);
  const integer = (value: number) => formatFixed(value, 0) + (Number.isFinite(value) ? '.' : '');

  const relevant = values.filter((value) => Number.isFinite(value) && value !== 0);
  if (relevant.length === 0) return { width: 1, text: integer };
  const integers = relevant.every(Number.isInteger);
  const plain = integers ? integer : fixed;
  const scientific = wantsExponents(relevant, integers);
  const width = widest(relevant.map(scientific ? exponential : plain));
  // A notation that the user chose does not change the width: PyTorch's padding is then that of the other notation.
  const text = (options.sciMode ?? scientific) ? exponential : plain;
  return { width, text: (value) => text(value).padStart(width) };
}

function wantsExponents(values: readonly number[], integers: boolean): boolean {
  let least = Infinity;
  let most = 0;
  for (const value of values) {
    least = Math.min(least, Math.abs(value));
    most = Math.max(most, Math.abs(value));
  }
  return most / least > 1000 || most > 1e8 || (!integers && least < 1e-4);
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 1);
}
