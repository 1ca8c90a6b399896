/** @file How reductions and scans combine values, for each class of dtype: as source text and as functions. */
import type { DType } from '@flambeau/tensor';
import { dtypeInfo } from '@flambeau/tensor/internal';
import type { Lowered } from './functions.ts';

export type CombineKind = 'sum' | 'prod' | 'any' | 'all' | 'max' | 'min' | 'logsumexp';

/** A way of combining: by a function of two values, or by a test whether a value replaces the one found so far. */
export type Combiner = {
  /** What changes nothing: the value for no elements. */
  readonly identity: number | bigint | boolean;
} & ({ readonly combine: Lowered; readonly replaces: null } | { readonly combine: null; readonly replaces: Lowered });

const limits: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  int32: [-2147483648, 2147483647],
};

function extreme(greatest: boolean, dtype: DType): number | bigint | boolean {
  if (dtype === 'bool') return greatest;
  if (dtype === 'int64') return greatest ? 2n ** 63n - 1n : -(2n ** 63n);
  const [low, high] = limits[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return greatest ? high : low;
}

// The tests are false for the usual element, and true for NaN, which then stays: nothing is ordered against it.
const greater: Lowered = {
  text: (a, b) => `!(${b} <= ${a}) && ${a} === ${a}`,
  run: (a, b) => !(b <= a) && !Number.isNaN(a),
};
const less: Lowered = {
  text: (a, b) => `!(${b} >= ${a}) && ${a} === ${a}`,
  run: (a, b) => !(b >= a) && !Number.isNaN(a),
};
const either: Lowered = { text: (a, b) => `(${a} || ${b})`, run: (a, b) => a || b };
const both: Lowered = { text: (a, b) => `(${a} && ${b})`, run: (a, b) => a && b };

const sums: Record<'bool' | 'int64' | 'int' | 'float', Lowered> = {
  bool: either,
  int64: { text: (a, b) => `BigInt.asIntN(64, ${a} + ${b})`, run: (a, b) => BigInt.asIntN(64, a + b) },
  int: { text: (a, b) => `(${a} + ${b} | 0)`, run: (a, b) => (a + b) | 0 },
  float: { text: (a, b) => `(${a} + ${b})`, run: (a, b) => a + b },
};
const products: Record<'bool' | 'int64' | 'int' | 'float', Lowered> = {
  bool: both,
  int64: { text: (a, b) => `BigInt.asIntN(64, ${a} * ${b})`, run: (a: bigint, b: bigint) => BigInt.asIntN(64, a * b) },
  int: { text: (a, b) => `Math.imul(${a}, ${b})`, run: Math.imul },
  float: { text: (a, b) => `(${a} * ${b})`, run: (a, b) => a * b },
};

/**
 * The combiner for values of a dtype. Floating sums and products stay in double precision: the caller rounds at the end.
 */
export function combinerOf(kind: CombineKind, dtype: DType): Combiner {
  const { kind: dtypeKind } = dtypeInfo(dtype);
  const table = dtype === 'int64' ? 'int64' : dtypeKind === 'bool' || dtypeKind === 'int' ? dtypeKind : 'float';
  switch (kind) {
    case 'any':
      return { identity: false, combine: either, replaces: null };
    case 'all':
      return { identity: true, combine: both, replaces: null };
    case 'sum':
      return { identity: dtype === 'int64' ? 0n : dtype === 'bool' ? false : 0, combine: sums[table], replaces: null };
    case 'prod':
      return {
        identity: dtype === 'int64' ? 1n : dtype === 'bool' ? true : 1,
        combine: products[table],
        replaces: null,
      };
    case 'logsumexp':
      return {
        identity: Number.NEGATIVE_INFINITY,
        combine: { text: (a, b) => `logAddExp(${a}, ${b})`, run: logAddExp },
        replaces: null,
      };
    default:
      return { identity: extreme(kind === 'min', dtype), combine: null, replaces: kind === 'min' ? less : greater };
  }
}

/** log(e^a + e^b) without overflow. */
export function logAddExp(a: number, b: number): number {
  if (a === b) return Number.isFinite(a) ? a + Math.LN2 : a;
  return a < b ? b + Math.log1p(Math.exp(a - b)) : a + Math.log1p(Math.exp(b - a));
}

/** The source text of a value. */
export const literal = (value: number | bigint | boolean): string =>
  typeof value === 'bigint' ? `${value}n` : String(value);

/** The name of the array type that holds one accumulator for each element of a row; bools are 0 and 1 there. */
export function accumulatorArray(dtype: DType): string {
  if (dtype === 'int64') return 'BigInt64Array';
  return dtypeInfo(dtype).kind === 'float' ? 'Float64Array' : 'Int32Array';
}

/** Neighbours that are accumulated side by side: few enough for the first-level cache. */
export const rowLength = 1024;
