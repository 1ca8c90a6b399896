import '@flambeau/backend-cpu';
import type { DType } from '@flambeau/tensor';
import { dtypeInfo, type View } from '@flambeau/tensor/internal';
import { describe, expect, it } from 'vitest';
import { sort } from '../src/kernels/sort.ts';
import { randomSource, viewOf } from './views.ts';

function run(x: View, dim: number, descending = false): [unknown[], number[]] {
  const count = x.elementCount;
  const values = viewOf(new (dtypeInfo(x.dtype).array)(count), x.dtype, x.shape);
  const indices = viewOf(new Int32Array(count), 'int32', x.shape);
  sort(x, dim, descending, values, indices);
  return [Array.from(values.storage.data as ArrayLike<unknown>), [...(indices.storage.data as Int32Array)]];
}

const line = (dtype: DType, data: ArrayLike<number>): View => {
  const { array } = dtypeInfo(dtype);
  return viewOf(new array(data as never), dtype, [data.length]);
};

describe('sort', () => {
  it('keeps the order of equal values, both ways', () => {
    const x = line('float32', [2, 1, 2, 1]);
    expect(run(x, 0)).toEqual([
      [1, 1, 2, 2],
      [1, 3, 0, 2],
    ]);
    expect(run(x, 0, true)).toEqual([
      [2, 2, 1, 1],
      [0, 2, 1, 3],
    ]);
  });

  it('counts NaN as greatest and −0 as 0', () => {
    const x = line('float32', [Number.NaN, 1, Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY]);
    expect(run(x, 0)[1]).toEqual([4, 1, 2, 0, 3]);
    expect(run(x, 0, true)[1]).toEqual([0, 3, 2, 1, 4]);
    expect(run(line('float64', [0, -0, -1, 0]), 0)).toEqual([
      [-1, 0, -0, 0],
      [2, 0, 1, 3],
    ]);
  });

  it('goes along any dimension of any layout', () => {
    const x = viewOf(new Float32Array([3, 1, 2, 6, 5, 4]), 'float32', [2, 3]);
    expect(run(x, 1)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [1, 2, 0, 2, 1, 0],
    ]);
    expect(run(x, 0, true)).toEqual([
      [6, 5, 4, 3, 1, 2],
      [1, 1, 1, 0, 0, 0],
    ]);
    const transposed = viewOf(new Float32Array([3, 1, 2, 6, 5, 4]), 'float32', [3, 2], [1, 3]);
    expect(run(transposed, 0)[0]).toEqual([1, 4, 2, 5, 3, 6]);
    expect(run(viewOf(new Float32Array(0), 'float32', [0, 3]), 1)).toEqual([[], []]);
  });

  // Long lines of these dtypes are sorted by digits, short ones and the others by merging.
  it.each(['float32', 'float64', 'int32', 'int16', 'uint8', 'int64', 'float16', 'bfloat16', 'bool'] as const)(
    'sorts long lines of %s',
    (dtype) => {
      const random = randomSource(7);
      const { array, kind } = dtypeInfo(dtype);
      const data = new array(1000);
      for (let i = 0; i < 1000; i++) {
        const value = Math.floor((random() - 0.5) * 300);
        // Positive bits of 16-bit floats are in the order of their values.
        data[i] = (
          dtype === 'int64'
            ? BigInt(value)
            : dtype === 'bool'
              ? value & 1
              : dtype.includes('float16')
                ? 0x3000 + (value & 0xff)
                : kind === 'float'
                  ? value / 8
                  : value
        ) as never;
      }
      const numbers = Array.from(data as ArrayLike<number | bigint>, Number);
      for (const descending of [false, true]) {
        const [values, indices] = run(viewOf(data, dtype, [1000]), 0, descending);
        const expected = numbers
          .map((_, i) => i)
          .sort((a, b) => (descending ? numbers[b]! - numbers[a]! : numbers[a]! - numbers[b]!) || a - b);
        expect(indices).toEqual(expected);
        expect(values.map(Number)).toEqual(expected.map((i) => numbers[i]));
      }
    },
  );

  it('sorts long lines with NaN, negative zeros and infinities', () => {
    const random = randomSource(3);
    const special = [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const data = Float32Array.from({ length: 700 }, (_, i) => (i % 9 === 0 ? special[(i / 9) % 5]! : random() - 0.5));
    const [values, indices] = run(line('float32', data), 0);
    expect(indices.map((i) => data[i])).toEqual(values);
    expect(new Set(indices).size).toBe(700);
    const numbers = (values as number[]).filter((v) => !Number.isNaN(v));
    expect((values as number[]).slice(numbers.length).every(Number.isNaN)).toBe(true);
    expect(numbers.every((v, i) => i === 0 || numbers[i - 1]! <= v)).toBe(true);
  });
});
