import type { DType } from '@flambeau/tensor';
import type { MatmulOptions, View } from '@flambeau/tensor/internal';
import { describe, expect, it } from 'vitest';
import { matmul } from '../src/kernels/matmul.ts';
import {
  between,
  describeEachMode,
  elementsOf,
  emptyView,
  largestError,
  layOut,
  layouts,
  randomSource,
  viewOf,
} from './views.ts';

/** The definition, in double precision. */
function naive(a: View, b: View, out: View, { bias, accumulate = false, alpha = 1 }: MatmulOptions): number[] {
  const [m, n] = out.shape.slice(-2) as [number, number];
  const k = a.shape.at(-1)!;
  const [left, right, old] = [a, b, out].map(elementsOf) as [number[], number[], number[]];
  const added = bias ? elementsOf(bias) : new Array<number>(n).fill(0);
  return old.map((before, at) => {
    const j = at % n;
    const row = Math.floor(at / n) * k;
    const matrix = Math.floor(at / (m * n)) * k * n;
    let sum = 0;
    for (let p = 0; p < k; p++) sum += left[row + p]! * right[matrix + p * n + j]!;
    return alpha * sum + added[j]! + (accumulate ? before : 0);
  });
}

function check(a: View, b: View, dtype: DType, options: MatmulOptions = {}, tolerance = 1e-5): void {
  const shape = [...a.shape.slice(0, -1), b.shape.at(-1)!];
  const out = emptyView(dtype, shape, 2);
  const data = out.storage.data as Float32Array;
  if (options.accumulate) for (let i = 2; i < data.length - 3; i++) data[i] = (i % 7) - 3;
  const want = naive(a, b, out, options);
  matmul(a, b, out, options);
  expect(largestError(elementsOf(out), want), `[${a.shape}] × [${b.shape}]`).toBeLessThan(tolerance);
  const around = [data[0], data[1], ...data.slice(-3)];
  expect(around, 'memory around the output').toEqual([77, 77, 77, 77, 77]);
}

describeEachMode('matmul', () => {
  const random = randomSource(1);

  it('agrees with the definition for every layout and tile remainder', () => {
    for (let round = 0; round < 250; round++) {
      const [m, n, k] = [between(random, 1, 20), between(random, 1, 20), between(random, 1, 20)];
      const layoutA = layouts[round % layouts.length]!;
      const layoutB = layouts[Math.floor(round / layouts.length) % layouts.length]!;
      const a = layOut(random, 'float32', [m, k], layoutA);
      const b = layOut(random, 'float32', [k, n], layoutB);
      check(a, b, 'float32', {
        bias: round % 3 === 0 ? layOut(random, 'float32', [n], 'stepped') : undefined,
        accumulate: round % 4 === 0,
        alpha: round % 5 === 0 ? -1.5 : undefined,
      });
    }
  });

  it('agrees past the limits of a block in each dimension', () => {
    const sizes = [
      [300, 9, 20],
      [3, 1100, 20],
      [9, 17, 700],
      [140, 1030, 5],
      [2, 3, 20_000],
      [130, 70, 330],
      [1, 3000, 70],
      [1, 40, 20_000],
      [2500, 1, 90],
      [1, 20_000, 7],
    ] as const;
    for (const [m, n, k] of sizes) {
      for (const [layoutA, layoutB] of [
        ['contiguous', 'contiguous'],
        ['sliced', 'stepped'],
      ] as const) {
        const a = layOut(random, 'float32', [m, k], layoutA);
        const b = layOut(random, 'float32', [k, n], layoutB);
        const bias = layOut(random, 'float32', [n], 'contiguous');
        check(a, b, 'float32', { bias, accumulate: layoutA === 'sliced' }, 1e-4);
        check(
          transposed(layOut(random, 'float32', [k, m], layoutA)),
          transposed(layOut(random, 'float32', [n, k], layoutB)),
          'float32',
          {},
          1e-4,
        );
      }
    }
  });

  it('computes float64 in double precision', () => {
    for (const [m, n, k] of [
      [1, 1, 1],
      [7, 9, 5],
      [33, 18, 70],
      [140, 520, 3],
      [3, 5, 20_000],
    ] as const) {
      const a = layOut(random, 'float64', [m, k], 'permuted');
      const b = layOut(random, 'float64', [k, n], 'permuted');
      check(a, b, 'float64', { bias: layOut(random, 'float64', [n], 'contiguous') }, 1e-12);
    }
  });

  it('runs over batches, equal, repeated and folded into rows', () => {
    for (let round = 0; round < 60; round++) {
      const [m, n, k] = [between(random, 1, 9), between(random, 1, 9), between(random, 1, 9)];
      const batch = [between(random, 1, 3), between(random, 1, 4)];
      const a = layOut(random, 'float32', [...batch, m, k], layouts[round % layouts.length]!);
      const b = layOut(random, 'float32', [...batch, k, n], layouts[(round >> 2) % layouts.length]!);
      check(a, b, 'float32', { accumulate: round % 2 === 0 });
      const shared = layOut(random, 'float32', [k, n], 'permuted');
      const repeated = viewOf(
        shared.storage.data as Float32Array,
        'float32',
        [...batch, k, n],
        [0, 0, ...shared.strides],
        shared.offset,
      );
      check(a, repeated, 'float32');
    }
  });

  it('spreads NaN and infinities exactly as far as the definition does', () => {
    for (const special of [NaN, Infinity, -Infinity]) {
      const a = layOut(random, 'float32', [13, 21], 'contiguous');
      const b = layOut(random, 'float32', [21, 11], 'contiguous');
      (a.storage.data as Float32Array)[5 * 21 + 20] = special;
      (b.storage.data as Float32Array)[3 * 11 + 10] = special;
      (b.storage.data as Float32Array)[20 * 11 + 2] = 0;
      check(a, b, 'float32');
    }
  });

  it('takes empty operands', () => {
    check(viewOf(new Float32Array(0), 'float32', [3, 0]), viewOf(new Float32Array(0), 'float32', [0, 4]), 'float32');
    const bias = layOut(random, 'float32', [4], 'contiguous');
    check(viewOf(new Float32Array(0), 'float32', [3, 0]), viewOf(new Float32Array(0), 'float32', [0, 4]), 'float32', {
      bias,
    });
    check(viewOf(new Float32Array(0), 'float32', [0, 5]), layOut(random, 'float32', [5, 4], 'contiguous'), 'float32');
  });

  it('rounds half precision once, at the end', () => {
    // 2048 + 1 + 1 is 2050 in float32, but stays 2048 if each sum is rounded to float16.
    const a = viewOf(Uint16Array.of(0x6800, 0x3c00, 0x3c00), 'float16', [1, 3]);
    const b = viewOf(Uint16Array.of(0x3c00, 0x3c00, 0x3c00), 'float16', [3, 1]);
    const out = viewOf(new Uint16Array(1), 'float16', [1, 1]);
    matmul(a, b, out);
    expect(Array.from(out.storage.data as Uint16Array)).toEqual([0x6801]);
    matmul(a, b, out, { accumulate: true });
    expect(Array.from(out.storage.data as Uint16Array)).toEqual([0x6c01]);
    const half = viewOf(Uint16Array.of(0x3f80, 0x4000, 0x4040, 0x4080), 'bfloat16', [2, 2], [1, 2]);
    const square = viewOf(new Uint16Array(4), 'bfloat16', [2, 2]);
    matmul(half, half, square);
    expect(Array.from(square.storage.data as Uint16Array)).toEqual([0x40e0, 0x4170, 0x4120, 0x41b0]);
  });
});

describe('matmul of other dtypes', () => {
  const random = randomSource(2);

  it('wraps integers around', () => {
    const a = viewOf(Int32Array.of(2 ** 30, 3), 'int32', [1, 2]);
    const b = viewOf(Int32Array.of(4, 2 ** 30), 'int32', [2, 1]);
    const out = viewOf(new Int32Array(1), 'int32', [1, 1]);
    matmul(a, b, out);
    expect(out.storage.data).toEqual(Int32Array.of(-(2 ** 30)));
    const bytes = viewOf(Uint8Array.of(200, 100, 3, 7), 'uint8', [2, 2]);
    const product = viewOf(new Uint8Array(4), 'uint8', [2, 2]);
    matmul(bytes, bytes, product);
    expect(product.storage.data).toEqual(Uint8Array.of(40300 & 255, 20700 & 255, 621 & 255, 349 & 255));
    const wide = viewOf(BigInt64Array.of(2n ** 62n, 5n), 'int64', [1, 2]);
    const column = viewOf(BigInt64Array.of(4n, 2n ** 61n), 'int64', [2, 1]);
    const result = viewOf(BigInt64Array.of(7n), 'int64', [1, 1]);
    matmul(wide, column, result, { accumulate: true, alpha: 3 });
    expect(result.storage.data).toEqual(
      BigInt64Array.of(7n + 3n * BigInt.asIntN(64, 2n ** 64n + 5n * 2n ** 61n) - 2n ** 64n * 2n),
    );
  });

  it('agrees with the definition for small integers of every dtype', () => {
    for (const dtype of ['int8', 'uint8', 'int16', 'int32', 'int64'] as const) {
      const small = () => between(random, 0, 3);
      const a = layOut(random, dtype, [2, 5, 7], 'permuted', small);
      const b = layOut(random, dtype, [2, 7, 3], 'stepped', small);
      const bias = layOut(random, dtype, [3], 'contiguous', small);
      const out = emptyView(dtype, [2, 5, 3]);
      matmul(a, b, out, { bias, alpha: 1 });
      expect(elementsOf(out)).toEqual(naive(a, b, out, { bias }));
    }
  });

  it('multiplies complex numbers', () => {
    const a = viewOf(Float64Array.of(1, 2, 3, -1), 'complex128', [1, 2]);
    const b = viewOf(Float64Array.of(0, 1, 2, 2), 'complex128', [2, 1]);
    const out = viewOf(Float64Array.of(10, 20), 'complex128', [1, 1]);
    matmul(a, b, out, { accumulate: true, alpha: 2 });
    // (1+2i)·i + (3-i)(2+2i) = (-2+i) + (8+4i)
    expect(out.storage.data).toEqual(Float64Array.of(22, 30));
    const single = viewOf(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), 'complex64', [2, 2], [1, 2]);
    const square = viewOf(new Float32Array(8), 'complex64', [2, 2]);
    matmul(single, single, square, { bias: viewOf(Float32Array.of(1, 0, 0, 1), 'complex64', [2]) });
    // [[1+2i, 5+6i], [3+4i, 7+8i]] squared, plus [1, i]
    expect(square.storage.data).toEqual(Float32Array.of(-11, 42, -20, 99, -15, 62, -24, 151));
  });
});

function transposed(view: View): View {
  const data = view.storage.data as Float32Array;
  return viewOf(data, view.dtype, view.shape.toReversed(), view.strides.toReversed(), view.offset);
}
