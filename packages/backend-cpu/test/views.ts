/** Views with all kinds of layouts, for testing kernels against naive loops. */
import type { DType, TypedArray } from '@flambeau/tensor';
import { contiguousStrides, dtypeInfo, numelOf, Storage, type View } from '@flambeau/tensor/internal';
import { afterEach, beforeEach, describe } from 'vitest';
import { bestKernelMode, type KernelMode, setKernelMode } from '../src/wasm/features.ts';

/** Small reproducible generator of numbers in [0, 1). */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** An integer from `low` to `high`, both included. */
export const between = (random: () => number, low: number, high: number): number =>
  low + Math.floor(random() * (high - low + 1));

export function viewOf(
  data: TypedArray,
  dtype: DType,
  shape: readonly number[],
  strides: readonly number[] = contiguousStrides(shape),
  offset = 0,
): View {
  const storage = new Storage('cpu', dtype, data.length / dtypeInfo(dtype).lanes, data);
  const elementCount = numelOf(shape);
  const dense = contiguousStrides(shape);
  const isContiguous = () => elementCount === 0 || shape.every((size, d) => size === 1 || strides[d] === dense[d]);
  return { storage, dtype, shape, strides, offset, elementCount, isContiguous };
}

/** A contiguous view of zeros, `offset` elements into its storage; what lies around is filled with a marker. */
export function emptyView(dtype: DType, shape: readonly number[], offset = 0): View {
  const { array } = dtypeInfo(dtype);
  const data = new array(numelOf(shape) + offset + 3);
  if (dtype !== 'int64') (data as Float32Array).fill(77);
  return viewOf(data, dtype, shape, contiguousStrides(shape), offset);
}

export type Layout = 'contiguous' | 'permuted' | 'sliced' | 'stepped' | 'expanded';
export const layouts: readonly Layout[] = ['contiguous', 'permuted', 'sliced', 'stepped', 'expanded'];

/** A view of the given shape laid out as asked, with values from `value`. */
export function layOut(
  random: () => number,
  dtype: DType,
  shape: readonly number[],
  layout: Layout,
  value: () => number = () => random() * 2 - 1,
): View {
  const { array } = dtypeInfo(dtype);
  const order = shape.map((_, d) => d);
  if (layout === 'permuted') order.sort(() => random() - 0.5);
  const padding = layout === 'sliced' ? 3 : 0;
  const step = layout === 'stepped' ? 2 : 1;
  const strides = new Array<number>(shape.length).fill(0);
  let size = step;
  for (const d of order.toReversed()) {
    strides[d] = size;
    size *= Math.max(1, shape[d]! + padding);
  }
  if (layout === 'expanded' && shape.length > 0) strides[between(random, 0, shape.length - 1)] = 0;
  const offset = layout === 'contiguous' ? 0 : between(random, 0, 5);
  const data = new array(offset + size + step);
  for (let i = 0; i < data.length; i++) {
    (data as unknown as Record<number, number | bigint>)[i] = dtype === 'int64' ? BigInt(Math.round(value())) : value();
  }
  return viewOf(data, dtype, shape, strides, offset);
}

/** All elements, row-major, as numbers. */
export function elementsOf(view: View): number[] {
  const elements: number[] = [];
  const data = view.storage.data as TypedArray;
  const walk = (dim: number, at: number): void => {
    if (dim === view.shape.length) elements.push(Number(data[at]));
    else for (let i = 0; i < view.shape[dim]!; i++) walk(dim + 1, at + i * view.strides[dim]!);
  };
  walk(0, view.offset);
  return elements;
}

/** All indices of a shape, row-major. */
export function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (indices, size) => indices.flatMap((index) => Array.from({ length: size }, (_, i) => [...index, i])),
    [[]],
  );
}

/** Largest |got - want| / (1 + |want|); NaN must meet NaN and infinities their equals. */
export function largestError(got: readonly number[], want: readonly number[]): number {
  if (got.length !== want.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    const [g, w] = [got[i]!, want[i]!];
    if (Object.is(g, w) || g === w) continue;
    const error = Math.abs(g - w) / (1 + Math.abs(w));
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}

const order: readonly KernelMode[] = ['js', 'simd', 'fma'];

/** Describes tests once for each way of running kernels; those that this machine lacks are shown as skipped. */
export function describeEachMode(name: string, tests: (mode: KernelMode) => void): void {
  const best = order.indexOf(bestKernelMode());
  for (const mode of order) {
    describe.skipIf(order.indexOf(mode) > best)(`${name} (${mode})`, () => {
      beforeEach(() => setKernelMode(mode));
      afterEach(() => setKernelMode(undefined));
      tests(mode);
    });
  }
}
