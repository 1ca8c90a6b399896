import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { DTypeError, IndexError, ShapeError, type Tensor, tensor, zeros } from '../src/index.ts';

const x = tensor([
  [1, 5, 3],
  [7, 3, 2],
]);
const values = (t: Tensor): unknown => t.toArraySync();

describe('cumulative sums and products', () => {
  it('run along a dimension', () => {
    expect(values(x.cumsum(1))).toEqual([
      [1, 6, 9],
      [7, 10, 12],
    ]);
    expect(values(x.cumprod(0))).toEqual([
      [1, 5, 3],
      [7, 15, 6],
    ]);
    expect(values(x.t().cumsum(-1))).toEqual([
      [1, 8],
      [5, 8],
      [3, 5],
    ]);
    expect(values(tensor(3).cumsum(0))).toBe(3);
    expect(zeros(2, 0).cumsum(1).shape).toEqual([2, 0]);
  });

  it('count in int32 unless told otherwise', () => {
    expect(tensor([true, true]).cumsum(0).dtype).toBe('int32');
    expect(tensor([1n]).cumprod(0).dtype).toBe('int64');
    expect(values(tensor([200, 100], { dtype: 'uint8' }).cumsum(0))).toEqual([200, 300]);
    expect(x.cumsum(0, { dtype: 'float64' }).dtype).toBe('float64');
  });

  it('have in-place and out forms', () => {
    const y = tensor([1, 2, 3]);
    expect(y.cumsum_(0)).toBe(y);
    expect(values(y)).toEqual([1, 3, 6]);
    const out = zeros(3);
    expect(values(y.cumprod(0, { out }))).toEqual([1, 3, 18]);
    expect(values(out)).toEqual([1, 3, 18]);
  });

  it('refuse dimensions out of range', () => {
    expect(() => x.cumsum(2)).toThrow(IndexError);
    expect(() => tensor(1).cumsum(1)).toThrow(IndexError);
  });
});

describe('cumulative extremes', () => {
  it('give values and the latest positions', () => {
    const { values: top, indices } = tensor([1, 3, 3, 2]).cummax(0);
    expect([values(top), values(indices)]).toEqual([
      [1, 3, 3, 3],
      [0, 1, 2, 2],
    ]);
    expect(values(x.cummin(1)[0])).toEqual([
      [1, 1, 1],
      [7, 3, 2],
    ]);
    expect(indices.dtype).toBe('int32');
  });

  it('keep NaN', () => {
    expect(values(tensor([2, Number.NaN, 1]).cummin(0)[0])).toEqual([2, Number.NaN, Number.NaN]);
  });
});

describe('logcumsumexp', () => {
  it('does not overflow', () => {
    const y = tensor([1000, 1000, 1000], { dtype: 'float64' }).logcumsumexp(0).toArraySync() as number[];
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(1000 + Math.log(i + 1), 9);
    });
  });

  it('wants floats', () => {
    expect(() => tensor([1n]).logcumsumexp(0)).toThrow(DTypeError);
  });
});

describe('diff', () => {
  it('takes differences once or more', () => {
    expect(values(tensor([1, 4, 9, 16]).diff())).toEqual([3, 5, 7]);
    expect(values(tensor([1, 4, 9, 16]).diff(2))).toEqual([2, 2]);
    expect(values(x.diff(1, 0))).toEqual([[6, -2, -1]]);
    expect(values(x.diff({ n: 0 }))).toEqual(values(x));
    expect(values(tensor([true, false, false]).diff())).toEqual([true, false]);
    expect(zeros(1).diff(3).shape).toEqual([0]);
  });

  it('puts tensors before and behind', () => {
    expect(values(tensor([1, 2]).diff({ prepend: tensor([0]), append: tensor([5]) }))).toEqual([1, 1, 3]);
  });

  it('refuses 0-d tensors and negative n', () => {
    expect(() => tensor(1).diff()).toThrow(ShapeError);
    expect(() => x.diff(-1)).toThrow(RangeError);
  });
});
