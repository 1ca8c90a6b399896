import type { DType } from '@flambeau/tensor';
import { type ConvSpec, numelOf, type View } from '@flambeau/tensor/internal';
import { describe, expect, it } from 'vitest';
import { conv, convBackwardInput, convBackwardWeight } from '../src/kernels/conv.ts';
import { naiveConv, outputShape } from './convNaive.ts';
import {
  between,
  describeEachMode,
  elementsOf,
  emptyView,
  type Layout,
  largestError,
  layOut,
  layouts,
  randomSource,
  viewOf,
} from './views.ts';

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly spec: ConvSpec;
}

const random = randomSource(3);

/** A convolution of any kind that has an output; sizes are small. */
function randomCase(dims: number): Case {
  for (;;) {
    const draw = (low: number, high: number) => Array.from({ length: dims }, () => between(random, low, high));
    const groups = between(random, 1, 3);
    const x = [between(random, 1, 3), groups * between(random, 1, 3), ...draw(1, dims === 3 ? 6 : 9)];
    const w = [groups * between(random, 1, 4), x[1]! / groups, ...draw(1, 4)];
    const spec = { stride: draw(1, 3), padding: draw(0, 3), dilation: draw(1, 2), groups };
    if (outputShape(x, w, spec).every((size) => size > 0)) return { x, w, spec };
  }
}

const square = (stride: number, padding: number, dilation = 1, groups = 1): ConvSpec => ({
  stride: [stride, stride],
  padding: [padding, padding],
  dilation: [dilation, dilation],
  groups,
});

/** Runs the three kernels against the definition. */
function check(
  { x: shapeX, w: shapeW, spec }: Case,
  dtype: DType = 'float32',
  layout: () => Layout = () => 'contiguous',
  tolerance = 1e-5,
): void {
  const shapeY = outputShape(shapeX, shapeW, spec);
  const x = layOut(random, dtype, shapeX, layout());
  const w = layOut(random, dtype, shapeW, layout());
  const grad = layOut(random, dtype, shapeY, layout());
  const bias = layOut(random, dtype, [shapeW[0]!], layout());
  const message = JSON.stringify({ x: shapeX, w: shapeW, spec });
  const compare = (got: View, want: number[], what: string) => {
    expect(largestError(elementsOf(got), want), `${what} of ${message}`).toBeLessThan(tolerance);
    const data = Array.from(got.storage.data as Float32Array);
    expect([...data.slice(0, 2), ...data.slice(-3)], `memory around ${what}`).toEqual([77, 77, 77, 77, 77]);
  };
  const y = emptyView(dtype, shapeY, 2);
  const plane = numelOf(shapeY.slice(2));
  const biases = elementsOf(bias);
  conv(x, w, bias, y, spec);
  const sums = naiveConv(x, w, y, 'y', spec);
  compare(
    y,
    sums.map((sum, i) => sum + biases[Math.floor(i / plane) % biases.length]!),
    'conv',
  );
  conv(x, w, null, y, spec);
  compare(y, sums, 'conv without bias');
  const gradX = emptyView(dtype, shapeX, 2);
  convBackwardInput(grad, w, gradX, spec);
  compare(gradX, naiveConv(gradX, w, grad, 'x', spec), 'convBackwardInput');
  const gradW = emptyView(dtype, shapeW, 2);
  convBackwardWeight(grad, x, gradW, spec);
  compare(gradW, naiveConv(x, gradW, grad, 'w', spec), 'convBackwardWeight');
}

describeEachMode('conv', () => {
  it.each([1, 2, 3])('agrees with the definition in %i dimensions', (dims) => {
    for (let round = 0; round < 60; round++) check(randomCase(dims));
  });

  it.each([1, 2, 3])('takes any strides in %i dimensions', (dims) => {
    for (let round = 0; round < 40; round++) {
      check(randomCase(dims), 'float32', () => layouts[between(random, 0, layouts.length - 1)]!);
    }
  });

  it('computes float64 in double precision', () => {
    for (let round = 0; round < 30; round++) {
      check(randomCase(1 + (round % 3)), 'float64', () => (round % 2 ? 'permuted' : 'contiguous'), 1e-13);
    }
  });

  it.each<[string, Case]>([
    ['the first layer of an MNIST net', { x: [2, 1, 28, 28], w: [10, 1, 5, 5], spec: square(1, 2) }],
    ['its second layer', { x: [2, 10, 14, 14], w: [20, 10, 5, 5], spec: square(1, 2) }],
    ['one pixel by one', { x: [2, 7, 9, 9], w: [13, 7, 1, 1], spec: square(1, 0) }],
    ['a strided projection', { x: [2, 5, 9, 8], w: [11, 5, 1, 1], spec: square(2, 0) }],
    ['a stride greater than the kernel', { x: [1, 2, 11, 12], w: [3, 2, 2, 2], spec: square(3, 1) }],
    ['padding greater than the input', { x: [2, 2, 2, 1], w: [3, 2, 3, 3], spec: square(1, 4) }],
    ['a kernel greater than the input', { x: [2, 2, 3, 2], w: [3, 2, 5, 4], spec: square(1, 2) }],
    ['depthwise', { x: [2, 6, 21, 23], w: [6, 1, 3, 3], spec: square(1, 1, 1, 6) }],
    ['depthwise with stride and multiplier', { x: [2, 5, 12, 17], w: [10, 1, 3, 3], spec: square(2, 1, 1, 5) }],
    ['one output channel', { x: [2, 9, 10, 40], w: [1, 9, 3, 3], spec: square(1, 1, 2) }],
    ['patches that do not overlap', { x: [2, 3, 16, 16], w: [5, 3, 4, 4], spec: square(4, 0) }],
    ['more channels than one reduction takes', { x: [1, 200, 5, 5], w: [8, 200, 3, 3], spec: square(1, 1) }],
    ['more weights than scratch holds', { x: [1, 300, 3, 3], w: [310, 300, 2, 2], spec: square(1, 0) }],
    ['more outputs than one slab', { x: [1, 2, 85, 85], w: [20, 2, 3, 3], spec: square(1, 1) }],
    ['more outputs than one slab, strided', { x: [1, 9, 129, 200], w: [3, 9, 3, 3], spec: square(2, 1) }],
    ['more output channels than one block', { x: [1, 2, 3, 4], w: [1100, 2, 2, 2], spec: square(1, 0) }],
    ['planes that the raw region does not hold', { x: [1, 1, 600, 600], w: [3, 1, 5, 5], spec: square(5, 2) }],
    ['more phases than tables have room for', { x: [1, 1, 100, 100], w: [3, 1, 50, 50], spec: square(50, 0) }],
    ['many small images', { x: [70, 3, 3, 3], w: [4, 3, 3, 3], spec: square(1, 0) }],
  ])('agrees for %s', (_, shapes) => check(shapes, 'float32', undefined, 1e-4));

  it('cuts rows when even one does not fit', () => {
    const spec: ConvSpec = { stride: [1], padding: [3], dilation: [2], groups: 1 };
    check({ x: [1, 3, 14_001], w: [17, 3, 5], spec }, 'float32', undefined, 1e-4);
    check({ x: [2, 2, 40_001], w: [2, 1, 3], spec: { ...spec, groups: 2 } }, 'float32', undefined, 1e-4);
  });

  it('works without scratch memory for kernels that are too large', () => {
    const spec: ConvSpec = { stride: [1], padding: [0], dilation: [1], groups: 1 };
    check({ x: [1, 1, 17_010], w: [1, 1, 17_000], spec }, 'float32', undefined, 1e-4);
  });

  it('spreads NaN and infinities to the outputs that read them, and no further', () => {
    for (const special of [NaN, Infinity]) {
      const x = layOut(random, 'float32', [1, 2, 12, 13], 'contiguous');
      const w = layOut(random, 'float32', [9, 2, 3, 3], 'contiguous', () => random() + 0.5);
      (x.storage.data as Float32Array)[6 * 13 + 7] = special;
      const y = emptyView('float32', [1, 9, 10, 11]);
      const spec = square(1, 0);
      conv(x, w, null, y, spec);
      expect(largestError(elementsOf(y), naiveConv(x, w, y, 'y', spec))).toBeLessThan(1e-5);
      expect(elementsOf(y).filter((value) => !Number.isFinite(value))).toHaveLength(9 * 9);
    }
  });

  it('gives zeros, or the bias, for empty batches and channels', () => {
    const empty = (shape: number[]) => viewOf(new Float32Array(0), 'float32', shape);
    const spec = square(1, 1);
    const w = layOut(random, 'float32', [3, 2, 3, 3], 'contiguous');
    const gradW = emptyView('float32', [3, 2, 3, 3]);
    convBackwardWeight(empty([0, 3, 4, 4]), empty([0, 2, 4, 4]), gradW, spec);
    expect(elementsOf(gradW)).toEqual(new Array(54).fill(0));
    conv(empty([0, 2, 4, 4]), w, null, empty([0, 3, 4, 4]), spec);
    convBackwardInput(empty([0, 3, 4, 4]), w, empty([0, 2, 4, 4]), spec);
    const y = emptyView('float32', [1, 2, 2, 2]);
    conv(empty([1, 0, 2, 2]), empty([2, 0, 3, 3]), viewOf(Float32Array.of(5, 6), 'float32', [2]), y, spec);
    expect(elementsOf(y)).toEqual([5, 5, 5, 5, 6, 6, 6, 6]);
  });

  it('computes half precision in float32', () => {
    // 2048 + 1 + 1 is 2050 in float32, but stays 2048 if each sum is rounded to float16.
    const x = viewOf(Uint16Array.of(0x6800, 0x3c00, 0x3c00), 'float16', [1, 1, 3]);
    const w = viewOf(Uint16Array.of(0x3c00, 0x3c00, 0x3c00), 'float16', [1, 1, 3]);
    const y = viewOf(new Uint16Array(1), 'float16', [1, 1, 1]);
    conv(x, w, null, y, { stride: [1], padding: [0], dilation: [1], groups: 1 });
    expect(Array.from(y.storage.data as Uint16Array)).toEqual([0x6801]);
  });

  it('stores into outputs that are not contiguous', () => {
    const shapes = randomCase(2);
    const x = layOut(random, 'float32', shapes.x, 'contiguous');
    const w = layOut(random, 'float32', shapes.w, 'contiguous');
    const y = layOut(random, 'float32', outputShape(shapes.x, shapes.w, shapes.spec), 'permuted');
    conv(x, w, null, y, shapes.spec);
    expect(largestError(elementsOf(y), naiveConv(x, w, y, 'y', shapes.spec))).toBeLessThan(1e-5);
  });
});

describe('conv of other dtypes', () => {
  it('computes integers exactly', () => {
    for (const dtype of ['int32', 'int64', 'int8'] as const) {
      for (let round = 0; round < 10; round++) {
        const { x: shapeX, w: shapeW, spec } = randomCase(1 + (round % 3));
        const small = () => between(random, -2, 1);
        const x = layOut(random, dtype, shapeX, 'permuted', small);
        const w = layOut(random, dtype, shapeW, 'stepped', small);
        const y = emptyView(dtype, outputShape(shapeX, shapeW, spec));
        const bias = layOut(random, dtype, [shapeW[0]!], 'contiguous', small);
        const plane = numelOf(y.shape.slice(2));
        const biases = elementsOf(bias);
        conv(x, w, bias, y, spec);
        const wrap = (value: number) => (dtype === 'int8' ? (value << 24) >> 24 : value);
        const want = naiveConv(x, w, y, 'y', spec).map((sum, i) =>
          wrap(sum + biases[Math.floor(i / plane) % biases.length]!),
        );
        expect(elementsOf(y)).toEqual(want.map((value) => value + 0));
        const gradX = emptyView(dtype, shapeX);
        convBackwardInput(y, w, gradX, spec);
        expect(elementsOf(gradX)).toEqual(naiveConv(gradX, w, y, 'x', spec).map((value) => wrap(value) + 0));
      }
    }
  });

  it('multiplies complex numbers', () => {
    const x = viewOf(Float64Array.of(1, 1, 0, 2, 3, 0), 'complex128', [1, 1, 3]);
    const w = viewOf(Float64Array.of(0, 1, 1, -1), 'complex128', [1, 1, 2]);
    const y = viewOf(new Float64Array(4), 'complex128', [1, 1, 2]);
    const bias = viewOf(Float64Array.of(10, 20), 'complex128', [1]);
    // (1+i)·i + 2i·(1-i) = 1+3i, and 2i·i + 3·(1-i) = 1-3i
    conv(x, w, bias, y, { stride: [1], padding: [0], dilation: [1], groups: 1 });
    expect(Array.from(y.storage.data as Float64Array)).toEqual([11, 23, 11, 17]);
  });
});
