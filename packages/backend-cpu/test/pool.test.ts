import type { DType } from '@flambeau/tensor';
import { type AvgPoolSpec, type MaxPoolSpec, numelOf, type View } from '@flambeau/tensor/internal';
import { expect, it } from 'vitest';
import { avgPool, avgPoolBackward, maxPool, maxPoolBackward } from '../src/kernels/pool.ts';
import {
  between,
  describeEachMode,
  elementsOf,
  emptyView,
  indicesOf,
  largestError,
  layOut,
  layouts,
  randomSource,
  viewOf,
} from './views.ts';

const random = randomSource(4);

interface Case {
  readonly shape: readonly number[];
  readonly outShape: readonly number[];
  readonly spec: MaxPoolSpec;
}

/** A pooling of any kind that has an output, rounded down or up. */
function randomCase(dims: number, dilated: boolean): Case {
  for (;;) {
    const draw = (low: number, high: number) => Array.from({ length: dims }, () => between(random, low, high));
    const kernel = draw(1, 4);
    const padding = kernel.map((size) => between(random, 0, size >> 1));
    const spec = { kernel, stride: draw(1, 4), padding, dilation: dilated ? draw(1, 2) : kernel.map(() => 1) };
    const spatial = draw(1, 8);
    const ceil = random() < 0.5;
    const sizes = spatial.map((size, d) => {
      const room = size + 2 * padding[d]! - spec.dilation[d]! * (kernel[d]! - 1) - 1;
      const count = (ceil ? Math.ceil : Math.floor)(room / spec.stride[d]!) + 1;
      return ceil && (count - 1) * spec.stride[d]! >= size + padding[d]! ? count - 1 : count;
    });
    const planes = draw(1, 3).slice(0, 2);
    const [n, c] = [between(random, 1, 3), planes[0]!];
    if (sizes.every((size) => size > 0)) return { shape: [n, c, ...spatial], outShape: [n, c, ...sizes], spec };
  }
}

/** For each output plane position, the flat positions in the input plane that its window reads, in order. */
function windowsOf({ shape, outShape, spec }: Case): number[][] {
  const sizes = shape.slice(2);
  return indicesOf(outShape.slice(2)).map((out) =>
    indicesOf(spec.kernel).flatMap((tap) => {
      const at = out.map((i, d) => i * spec.stride[d]! - spec.padding[d]! + tap[d]! * spec.dilation[d]!);
      if (at.some((i, d) => i < 0 || i >= sizes[d]!)) return [];
      return [at.reduce((flat, i, d) => flat * sizes[d]! + i, 0)];
    }),
  );
}

/** PyTorch's rule: a value wins if it is greater than all before it, or NaN. */
function naiveMax(values: readonly number[], positions: readonly number[]): [number, number] {
  let [best, where] = [-Infinity, positions[0] ?? -1];
  for (const at of positions) if (values[at]! > best || Number.isNaN(values[at])) [best, where] = [values[at]!, at];
  return [best, where];
}

function checkMax(shapes: Case, x: View, dtype: DType): void {
  const { shape, outShape, spec } = shapes;
  const out = emptyView(dtype, outShape, 2);
  const indices = emptyView('int32', outShape, 1);
  maxPool(x, out, indices, spec);
  const values = elementsOf(x);
  const plane = numelOf(shape.slice(2));
  const windows = windowsOf(shapes);
  const planes = Array.from({ length: numelOf(shape.slice(0, 2)) }, (_, i) => values.slice(i * plane, (i + 1) * plane));
  const want = planes.flatMap((input) => windows.map((positions) => naiveMax(input, positions)));
  const message = JSON.stringify(shapes);
  expect(elementsOf(out), message).toEqual(want.map(([value]) => value));
  expect(elementsOf(indices), message).toEqual(want.map(([, where]) => where));

  const grad = layOut(random, dtype, outShape, layouts[between(random, 0, layouts.length - 1)]!);
  const gradX = emptyView(dtype, shape, 2);
  const wantX = elementsOf(gradX).map(() => 0);
  elementsOf(grad).forEach((value, i) => {
    const where = want[i]![1];
    if (where >= 0) wantX[Math.floor(i / windows.length) * plane + where]! += value;
  });
  maxPoolBackward(grad, indices, gradX);
  expect(largestError(elementsOf(gradX), wantX), message).toBeLessThan(1e-5);
}

function checkAverage(shapes: Case, dtype: DType, countIncludePad: boolean, divisorOverride: number | null): void {
  const { shape, outShape } = shapes;
  const spec: AvgPoolSpec = { ...shapes.spec, countIncludePad, divisorOverride };
  const x = layOut(random, dtype, shape, layouts[between(random, 0, layouts.length - 1)]!);
  const out = emptyView(dtype, outShape, 2);
  avgPool(x, out, spec);
  const values = elementsOf(x);
  const plane = numelOf(shape.slice(2));
  const windows = windowsOf(shapes);
  const sizes = shape.slice(2);
  const divisors = indicesOf(outShape.slice(2)).map((at, i) => {
    // A window counts up to the end of the right padding.
    const counts = at.map((o, d) => {
      const start = o * spec.stride[d]! - spec.padding[d]!;
      return Math.min(start + spec.kernel[d]!, sizes[d]! + spec.padding[d]!) - start;
    });
    return divisorOverride ?? (countIncludePad ? numelOf(counts) : windows[i]!.length);
  });
  const planes = numelOf(shape.slice(0, 2));
  const wantX = new Array<number>(values.length).fill(0);
  const want: number[] = [];
  const grad = layOut(random, dtype, outShape, 'permuted');
  const gradients = elementsOf(grad);
  for (let i = 0; i < planes; i++) {
    windows.forEach((positions, j) => {
      want.push(
        positions.length === 0 ? 0 : positions.reduce((sum, at) => sum + values[i * plane + at]!, 0) / divisors[j]!,
      );
      for (const at of positions) wantX[i * plane + at]! += gradients[i * windows.length + j]! / divisors[j]!;
    });
  }
  expect(largestError(elementsOf(out), want), JSON.stringify(shapes)).toBeLessThan(1e-5);
  const gradX = emptyView(dtype, shape, 2);
  avgPoolBackward(grad, gradX, spec);
  expect(largestError(elementsOf(gradX), wantX), JSON.stringify(shapes)).toBeLessThan(1e-5);
}

const halving: MaxPoolSpec = { kernel: [2, 2], stride: [2, 2], padding: [0, 0], dilation: [1, 1] };

describeEachMode('maxPool', () => {
  it.each([1, 2, 3])('agrees with the definition in %i dimensions', (dims) => {
    for (let round = 0; round < 80; round++) {
      const shapes = randomCase(dims, true);
      const dtype = round % 4 === 0 ? 'float64' : 'float32';
      // Few different values, so that windows have several maxima.
      const value = () => between(random, -2, 2);
      checkMax(shapes, layOut(random, dtype, shapes.shape, layouts[round % layouts.length]!, value), dtype);
    }
  });

  it('halves images', () => {
    for (const [h, w] of [
      [6, 8],
      [7, 9],
      [2, 3],
    ] as const) {
      const shapes = { shape: [2, 3, h, w], outShape: [2, 3, h >> 1, w >> 1], spec: halving };
      for (const layout of layouts) {
        checkMax(
          shapes,
          layOut(random, 'float32', shapes.shape, layout, () => between(random, -2, 2)),
          'float32',
        );
      }
    }
  });

  it('cuts planes that scratch does not hold', () => {
    const wide: MaxPoolSpec = { kernel: [3, 2], stride: [2, 1], padding: [1, 1], dilation: [1, 1] };
    const shapes = { shape: [1, 2, 150, 250], outShape: [1, 2, 75, 251], spec: wide };
    checkMax(shapes, layOut(random, 'float32', shapes.shape, 'contiguous'), 'float32');
    const long: MaxPoolSpec = { kernel: [5], stride: [2], padding: [2], dilation: [1] };
    const run = { shape: [2, 1, 40_001], outShape: [2, 1, 20_001], spec: long };
    checkMax(run, layOut(random, 'float32', run.shape, 'sliced'), 'float32');
    const many = { shape: [25, 30, 28, 28], outShape: [25, 30, 14, 14], spec: halving };
    checkMax(many, layOut(random, 'float32', many.shape, 'contiguous'), 'float32');
  });

  it('lets NaN win, and gives -Infinity its place', () => {
    for (let round = 0; round < 60; round++) {
      const special = [NaN, -Infinity, Infinity, 0, 1];
      const value = () => special[between(random, 0, 4)]!;
      const shapes = round % 2 ? randomCase(2, false) : { shape: [1, 2, 6, 6], outShape: [1, 2, 3, 3], spec: halving };
      checkMax(shapes, layOut(random, 'float32', shapes.shape, 'contiguous', value), 'float32');
    }
  });

  it('has no position for windows that dilation leaves empty', () => {
    const spec = { kernel: [2], stride: [1], padding: [1], dilation: [3] };
    checkMax(
      { shape: [1, 1, 2], outShape: [1, 1, 1], spec },
      viewOf(Float32Array.of(1, 2), 'float32', [1, 1, 2]),
      'float32',
    );
    checkMax(
      { shape: [1, 1, 1], outShape: [1, 1, 1], spec },
      viewOf(Float32Array.of(1), 'float32', [1, 1, 1]),
      'float32',
    );
  });

  it('keeps half precision exact', () => {
    const x = viewOf(Uint16Array.of(0x3c00, 0xc000, 0x4200, 0x7e00), 'float16', [1, 1, 4]);
    const out = viewOf(new Uint16Array(2), 'float16', [1, 1, 2]);
    const indices = emptyView('int32', [1, 1, 2]);
    maxPool(x, out, indices, { kernel: [2], stride: [2], padding: [0], dilation: [1] });
    expect(Array.from(out.storage.data as Uint16Array)).toEqual([0x3c00, 0x7e00]);
    expect(elementsOf(indices)).toEqual([0, 3]);
    const gradX = viewOf(new Uint16Array(4), 'float16', [1, 1, 4]);
    maxPoolBackward(viewOf(Uint16Array.of(0x3c00, 0x4000), 'float16', [1, 1, 2]), indices, gradX);
    expect(Array.from(gradX.storage.data as Uint16Array)).toEqual([0x3c00, 0, 0, 0x4000]);
  });

  it('takes empty batches', () => {
    const empty = viewOf(new Float32Array(0), 'float32', [0, 2, 4, 4]);
    const out = viewOf(new Float32Array(0), 'float32', [0, 2, 2, 2]);
    const indices = viewOf(new Int32Array(0), 'int32', [0, 2, 2, 2]);
    maxPool(empty, out, indices, halving);
    maxPoolBackward(out, indices, empty);
    avgPool(empty, out, { ...halving, countIncludePad: true, divisorOverride: null });
    expect(empty.storage.data).toHaveLength(0);
  });
});

describeEachMode('avgPool', () => {
  it.each([1, 2, 3])('agrees with the definition in %i dimensions', (dims) => {
    for (let round = 0; round < 80; round++) {
      const dtype = round % 4 === 0 ? 'float64' : 'float32';
      checkAverage(randomCase(dims, false), dtype, round % 3 === 0, round % 5 === 0 ? 3 : null);
    }
  });

  it('divides integers towards zero', () => {
    const spec = { kernel: [2], stride: [1], padding: [0], countIncludePad: true, divisorOverride: null };
    const x = viewOf(BigInt64Array.of(1n, 2n, -5n, 2n ** 62n), 'int64', [1, 1, 4]);
    const out = viewOf(new BigInt64Array(3), 'int64', [1, 1, 3]);
    avgPool(x, out, spec);
    expect(out.storage.data).toEqual(BigInt64Array.of(1n, -1n, 2n ** 61n - 3n));
    const words = viewOf(Int32Array.of(1, 2, -5), 'int32', [1, 1, 3]);
    const averages = viewOf(new Int32Array(2), 'int32', [1, 1, 2]);
    avgPool(words, averages, spec);
    expect(averages.storage.data).toEqual(Int32Array.of(1, -1));
  });
});
