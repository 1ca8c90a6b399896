/**
 * @file Random integers and permutations: the remainder of a raw draw, without rejection, as in PyTorch 1.13.
 */
import type { DType, TypedArray } from '../dtype.ts';
import { expectRange } from './fill.ts';
import type { Generator } from './generator.ts';
import { fillWith, precisionOf, roundTo, wordsOf } from './store.ts';

/** The largest integers that dtypes hold; for floating dtypes, those up to which all are exact. */
const largest: Partial<Record<DType, number>> = {
  bool: 1,
  uint8: 2 ** 8 - 1,
  int8: 2 ** 7 - 1,
  int16: 2 ** 15 - 1,
  int32: 2 ** 31 - 1,
  float16: 2 ** 11,
  bfloat16: 2 ** 8,
  float32: 2 ** 24,
};

/** The largest integer of an integer dtype; of a floating one the last up to which it holds all. */
export function largestInteger(dtype: DType): bigint {
  if (dtype === 'int64') return 2n ** 63n - 1n;
  return BigInt(largest[dtype] ?? 2 ** 53);
}

/** `a % b` for integers in [0, 2^32], where the quotient's error is too small for the wrong floor; `%` is much slower. */
function remainder(a: number, b: number): number {
  return a - Math.floor(a / b) * b;
}

/** Integers from 0 to the largest value of an integer dtype, or up to 2^precision of a floating dtype. */
export function fillRandom(generator: Generator, data: TypedArray, offset: number, n: number, dtype: DType): void {
  const engine = generator.engine;
  if (data instanceof BigInt64Array) {
    const words = wordsOf(data);
    for (let i = 2 * offset; i < 2 * (offset + n); i += 2) {
      words[i + 1] = engine.u32() & 0x7fffffff;
      words[i] = engine.u32();
    }
  } else if (dtype === 'float64') {
    fillWith(data, offset, n, dtype, () => Number(engine.u64() % (2n ** 53n + 1n)));
  } else {
    const range = largest[dtype]! + 1;
    fillWith(data, offset, n, dtype, () => remainder(engine.u32(), range));
  }
}

/**
 * Integers in [from, to), of any real dtype; `to` is at most 2^63, as a bigint. The caller sees to it that the dtype can
 * hold them.
 */
export function fillRandint(
  generator: Generator,
  data: TypedArray,
  offset: number,
  n: number,
  dtype: DType,
  from: number | bigint,
  to: number | bigint,
): void {
  const engine = generator.engine;
  const [low, high] = exactRange(BigInt(from), BigInt(to), dtype);
  expectRange(low < high, 'randint', 'low < high', `low ${from} and high ${to} in ${dtype}`);
  const range = high - low;
  const wide = dtype === 'int64' || dtype === 'float64' || dtype === 'float32' || dtype === 'bfloat16';
  if (range < 2n ** 32n || !wide) {
    const small = Number(range);
    const base = Number(low);
    if (Number.isSafeInteger(base) && Number.isSafeInteger(base + small)) {
      fillWith(data, offset, n, dtype, () => remainder(engine.u32(), small) + base);
    } else {
      fillBigints(data, offset, n, dtype, () => (BigInt(engine.u32()) % range) + low);
    }
  } else if (range === 2n ** 64n) {
    fillBigints(data, offset, n, dtype, () => BigInt.asIntN(64, engine.u64()));
  } else {
    fillBigints(data, offset, n, dtype, () => (engine.u64() % range) + low);
  }
}

function fillBigints(data: TypedArray, offset: number, n: number, dtype: DType, draw: () => bigint): void {
  if (data instanceof BigInt64Array) {
    for (let i = offset; i < offset + n; i++) data[i] = draw();
  } else {
    fillWith(data, offset, n, dtype, () => Number(draw()));
  }
}

/**
 * The bounds of a range that a floating dtype would round to numbers outside of it are moved inside, to the next number
 * that the dtype has. PyTorch does so in int64, where 2^63 wraps around and leaves the bound as it is.
 */
function exactRange(from: bigint, to: bigint, dtype: DType): [bigint, bigint] {
  if (!floating.has(dtype)) return [from, to];
  const aboveFrom = BigInt.asIntN(64, BigInt(roundTo(Number(from + 1n), dtype)));
  const belowTo = BigInt.asIntN(64, BigInt(roundTo(Number(to - 1n), dtype)));
  return [
    aboveFrom < from ? aboveFrom + spacing(from + 1n, dtype) : from,
    belowTo >= to ? belowTo - spacing(to - 1n, dtype) : to,
  ];
}

const floating: ReadonlySet<DType> = new Set<DType>(['float16', 'bfloat16', 'float32', 'float64']);

/** Distance of the floating numbers around an integer too large to be exact. */
function spacing(x: bigint, dtype: DType): bigint {
  const magnitude = x < 0n ? -x : x;
  return 2n ** BigInt(magnitude.toString(2).length - precisionOf(dtype));
}

/** A random permutation of 0 … n - 1, by n - 1 draws (Fisher and Yates). */
export function randomPermutation(generator: Generator, n: number): Int32Array {
  const engine = generator.engine;
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  for (let i = 0; i < n - 1; i++) {
    const j = i + remainder(engine.u32(), n - i);
    const value = order[i]!;
    order[i] = order[j]!;
    order[j] = value;
  }
  return order;
}

/** Stores a random permutation of 0 … n - 1, which `dtype` has to hold exactly, in the `n` elements from `offset`. */
export function fillRandperm(generator: Generator, data: TypedArray, offset: number, n: number, dtype: DType): void {
  const limit = largest[dtype] ?? 2 ** 53;
  expectRange(n - 1 <= limit, 'randperm', `n <= ${limit + 1} in ${dtype}`, `${n}`);
  const order = randomPermutation(generator, n);
  let i = 0;
  fillWith(data, offset, n, dtype, () => order[i++]!);
}
