/** @file sort: values and positions along one dimension, stable, NaN greatest. */
import type { TypedArray } from '@flambeau/tensor';
import { dtypeInfo, mergeStrides, type View } from '@flambeau/tensor/internal';
import { dataOf, loading } from '../compile/memory.ts';
import { walk } from '../compile/walk.ts';

/** Lines shorter than this are merge sorted. */
const leastRadix = 256;

/** Runs that insertion sort makes before merging begins. */
const run = 16;

type Keys = Float64Array | BigInt64Array;

/** Sorts `order[from..to)` by ascending `keys` of its entries, stably: insertion sort of short runs, then merging. */
function mergeSort(keys: Keys, order: Int32Array, from: number, to: number, spare: Int32Array): void {
  for (let start = from; start < to; start += run) {
    const stop = Math.min(start + run, to);
    for (let i = start + 1; i < stop; i++) {
      const entry = order[i]!;
      const key = keys[entry]!;
      let j = i - 1;
      for (; j >= start && keys[order[j]!]! > key; j--) order[j + 1] = order[j]!;
      order[j + 1] = entry;
    }
  }
  let [source, target] = [order, spare];
  for (let width = run; width < to - from; width *= 2) {
    for (let start = from; start < to; start += 2 * width) {
      merge(keys, source, target, start, Math.min(start + width, to), Math.min(start + 2 * width, to));
    }
    [source, target] = [target, source];
  }
  if (source !== order) order.set(source.subarray(from, to), from);
}

/** Merges two sorted neighbours; of equal keys the left one comes first. */
function merge(keys: Keys, source: Int32Array, target: Int32Array, start: number, middle: number, stop: number): void {
  let [left, right] = [start, middle];
  for (let at = start; at < stop; at++) {
    const takeLeft = left < middle && (right >= stop || keys[source[left]!]! <= keys[source[right]!]!);
    target[at] = takeLeft ? source[left++]! : source[right++]!;
  }
}

const digitBits = 11;
const digits = 1 << digitBits;
const counts = new Int32Array(digits);

/** Sorts `order` by the `keys` at the same places, stably, a digit of 11 bits at a time. */
function radixSort(keys: Uint32Array, spareKeys: Uint32Array, order: Int32Array, spareOrder: Int32Array): void {
  let [fromKeys, toKeys, from, to] = [keys, spareKeys, order, spareOrder];
  for (let shift = 0; shift < 32; shift += digitBits) {
    radixPass(fromKeys, toKeys, from, to, shift);
    [fromKeys, toKeys, from, to] = [toKeys, fromKeys, to, from];
  }
  if (from !== order) order.set(from);
}

/** Distributes keys and positions by one digit. */
function radixPass(
  keys: Uint32Array,
  toKeys: Uint32Array,
  order: Int32Array,
  toOrder: Int32Array,
  shift: number,
): void {
  counts.fill(0);
  for (let i = 0; i < keys.length; i++) counts[(keys[i]! >>> shift) & (digits - 1)]!++;
  let sum = 0;
  for (let d = 0; d < digits; d++) {
    const count = counts[d]!;
    counts[d] = sum;
    sum += count;
  }
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    const digit = (key >>> shift) & (digits - 1);
    const at = counts[digit]!;
    counts[digit] = at + 1;
    toKeys[at] = key;
    toOrder[at] = order[i]!;
  }
}

/** Unsigned integers in the order of the numbers, which float32 and the integers up to 32 bits hold exactly. */
function radixKeys(values: Float64Array, integers: boolean, descending: boolean): Uint32Array {
  const keys = new Uint32Array(values.length);
  const flip = descending ? 0xffffffff : 0;
  if (integers) {
    for (let i = 0; i < values.length; i++) keys[i] = values[i]! ^ 0x80000000 ^ flip;
    return keys;
  }
  new Float32Array(keys.buffer).set(values);
  for (let i = 0; i < keys.length; i++) {
    const bits = keys[i]!;
    keys[i] = bits ^ (bits >>> 31 === 1 ? 0xffffffff : 0x80000000) ^ flip;
  }
  return keys;
}

/** Positions in sorted order of one line's values. `order` is overwritten. */
function sortNumbers(
  values: Float64Array,
  order: Int32Array,
  spare: Int32Array,
  descending: boolean,
  radix: boolean,
  integers: boolean,
): void {
  let unordered = 0;
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i]!)) unordered++;
  const count = values.length - unordered;
  // NaNs go behind the others, or before them in descending order.
  const from = descending ? unordered : 0;
  let [ordered, nans] = descending ? [unordered, 0] : [0, count];
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) order[nans++] = i;
    else order[ordered++] = i;
  }
  if (radix && unordered === 0 && count >= leastRadix) {
    radixSort(radixKeys(values, integers, descending), new Uint32Array(count), order, spare);
    return;
  }
  if (descending) for (let i = 0; i < values.length; i++) values[i] = -values[i]!;
  mergeSort(values, order, from, from + count, spare);
}

function sortBigints(values: BigInt64Array, order: Int32Array, spare: Int32Array, descending: boolean): void {
  for (let i = 0; i < order.length; i++) order[i] = i;
  if (descending) for (let i = 0; i < values.length; i++) values[i] = ~values[i]!;
  mergeSort(values, order, 0, order.length, spare);
}

/** Sorted values of `x` along `dim` and their positions (int32). Equal values keep their order. */
export function sort(x: View, dim: number, descending: boolean, values: View, indices: View): void {
  if (x.elementCount === 0) return;
  const views = [x, values, indices];
  const length = x.shape[dim]!;
  const others = x.shape.map((_, d) => d).filter((d) => d !== dim);
  const loops = mergeStrides(
    others.map((d) => x.shape[d]!),
    views.map((view) => others.map((d) => view.strides[d]!)),
  );
  const [stepX, stepValues, stepIndices] = views.map((view) => view.strides[dim]!) as [number, number, number];
  const [source, target, positions] = views.map(dataOf) as [TypedArray, TypedArray, TypedArray];
  const [order, spare] = [new Int32Array(length), new Int32Array(length)];
  const wide = x.dtype === 'int64';
  const line = wide ? new BigInt64Array(length) : new Float64Array(length);
  const integers = dtypeInfo(x.dtype).kind !== 'float';
  const { run: load } = loading(x.dtype, wide ? 'int64' : 'float64');
  walk(
    loops.sizes,
    loops.strides,
    views.map((view) => view.offset),
    (starts) => {
      const [fromX, fromValues, fromIndices] = starts as [number, number, number];
      // -0 becomes 0, so that both are equal bit for bit.
      if (line instanceof BigInt64Array) for (let i = 0; i < length; i++) line[i] = source[fromX + i * stepX] as bigint;
      else for (let i = 0; i < length; i++) line[i] = (load(source[fromX + i * stepX]) as number) + 0;
      if (line instanceof BigInt64Array) sortBigints(line, order, spare, descending);
      else sortNumbers(line, order, spare, descending, x.dtype !== 'float64', integers);
      for (let i = 0; i < length; i++) {
        target[fromValues + i * stepValues] = source[fromX + order[i]! * stepX]!;
        positions[fromIndices + i * stepIndices] = order[i]!;
      }
    },
  );
}
