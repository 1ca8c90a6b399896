import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { DTypeError, IndexError, ones, ShapeError, type Tensor, tensor, zeros } from '../src/index.ts';

const x = tensor([
  [1, 5, 3],
  [7, 3, 2],
]);
const values = (t: Tensor): unknown => t.toArraySync();

describe('sum', () => {
  it('takes dim and keepdim by position and by name', () => {
    expect(values(x.sum())).toBe(21);
    expect(values(x.sum(1))).toEqual([9, 12]);
    expect(values(x.sum(-1))).toEqual([9, 12]);
    expect(values(x.sum(0, true))).toEqual([[8, 8, 5]]);
    expect(values(x.sum([0, 1], true))).toEqual([[21]]);
    expect(values(x.sum(1, { keepdim: true }))).toEqual([[9], [12]]);
    expect(values(x.sum({ dim: 0 }))).toEqual([8, 8, 5]);
    expect(values(x.sum([]))).toBe(21);
    expect(values(x.sum(null, true))).toEqual([[21]]);
  });

  it('gives int32 for bools and small integers, int64 for int64, and obeys dtype', () => {
    expect(tensor([true, true]).sum().dtype).toBe('int32');
    expect(tensor([200, 100], { dtype: 'uint8' }).sum().itemSync()).toBe(300);
    expect(tensor([1n, 2n]).sum().dtype).toBe('int64');
    expect(x.sum({ dtype: 'float64' }).dtype).toBe('float64');
    expect(tensor([1.9, 1.9]).sum({ dtype: 'int32' }).itemSync()).toBe(2);
    expect(tensor([1, 2], { dtype: 'float16' }).sum().dtype).toBe('float16');
  });

  it('adds float32 without losing digits', () => {
    expect(tensor([1e8, 1, -1e8]).sum().itemSync()).toBe(1);
    expect(ones(3000, 1000).mul(0.1).sum().itemSync()).toBe(Math.fround(3e6 * Math.fround(0.1)));
  });

  it('handles views, 0-d and empty tensors', () => {
    expect(values(x.t().sum(0))).toEqual([9, 12]);
    expect(values(x.narrow(1, 1, 2).sum(0))).toEqual([8, 5]);
    expect(values(tensor(4).sum())).toBe(4);
    expect(values(tensor(4).sum(0))).toBe(4);
    expect(values(tensor(4).sum(-1, true))).toBe(4);
    expect(values(zeros(2, 0).sum(1))).toEqual([0, 0]);
    expect(zeros(2, 0).sum(0).shape).toEqual([0]);
    expect(values(zeros(0).prod())).toBe(1);
  });

  it('writes into out', () => {
    const out = zeros(2);
    expect(x.sum(1, { out })).toBe(out);
    expect(values(out)).toEqual([9, 12]);
    expect(() => x.sum(1, { out: zeros(3) })).toThrow(ShapeError);
    expect(() => x.sum(1, { out: zeros(2, { dtype: 'int32' }) })).toThrow(DTypeError);
  });

  it('refuses dimensions out of range, twice given, and unknown options', () => {
    expect(() => x.sum(2)).toThrow(IndexError);
    expect(() => x.sum([0, -2])).toThrow(IndexError);
    expect(() => tensor(1).sum(1)).toThrow(IndexError);
    expect(() => x.sum({ keepDim: true } as never)).toThrow(/keepdim/);
    expect(() => x.sum(0, { dim: 1 })).toThrow(TypeError);
  });
});

describe('mean, prod and the NaN forms', () => {
  const y = tensor([
    [1, Number.NaN],
    [3, 5],
  ]);

  it('computes them', () => {
    expect(values(x.mean())).toBe(3.5);
    expect(values(x.mean(0))).toEqual([4, 4, 2.5]);
    expect(values(x.prod())).toBe(630);
    expect(values(x.prod(0, true))).toEqual([[7, 15, 6]]);
    expect(values(y.nansum())).toBe(9);
    expect(values(y.nansum(1, true))).toEqual([[1], [8]]);
    expect(values(y.nanmean(0))).toEqual([2, 5]);
    expect(values(tensor([2, 3], { dtype: 'int32' }).nansum())).toBe(5);
  });

  it('takes an integer mean only with a floating dtype', () => {
    const counts = tensor([1, 2], { dtype: 'int32' });
    expect(() => counts.mean()).toThrow(DTypeError);
    expect(() => x.mean({ dtype: 'int64' })).toThrow(DTypeError);
    expect(values(counts.mean({ dtype: 'float32' }))).toBe(1.5);
  });

  it('is NaN for the mean of nothing', () => {
    expect(zeros(0).mean().itemSync()).toBeNaN();
  });
});

describe('any, all, countNonzero', () => {
  it('counts NaN as nonzero', () => {
    const y = tensor([
      [0, Number.NaN],
      [0, 0],
    ]);
    expect(values(y.any(1))).toEqual([true, false]);
    expect(values(y.all(0))).toEqual([false, false]);
    expect(values(y.countNonzero())).toBe(1);
    expect(values(y.countNonzero(0))).toEqual([0, 1]);
  });

  it('answers in bool, for uint8 in uint8', () => {
    expect(x.any().dtype).toBe('bool');
    expect(tensor([1, 0], { dtype: 'uint8' }).all().dtype).toBe('uint8');
    expect(x.countNonzero().dtype).toBe('int32');
    expect(
      tensor([0n, 2n ** 40n])
        .countNonzero()
        .itemSync(),
    ).toBe(1);
  });

  it('knows what holds for nothing', () => {
    expect([values(zeros(0).any()), values(zeros(0).all()), values(zeros(0).countNonzero())]).toEqual([false, true, 0]);
  });
});

describe('sumToSize', () => {
  it('sums what broadcasting repeated', () => {
    expect(values(x.sumToSize([3]))).toEqual([8, 8, 5]);
    expect(values(x.sumToSize(2, 1))).toEqual([[9], [12]]);
    expect(values(ones(2, 3, 4).sumToSize([1, 4]))).toEqual([[6, 6, 6, 6]]);
    expect(x.sumToSize([2, 3])).toBe(x);
    expect(values(ones(2, 3).sumToSize([]))).toBe(6);
  });

  it('refuses shapes that do not broadcast', () => {
    expect(() => x.sumToSize([2])).toThrow(ShapeError);
    expect(() => x.sumToSize([1, 2, 3])).toThrow(ShapeError);
  });
});

describe('max and min', () => {
  it('have three forms', () => {
    expect(values(x.max())).toBe(7);
    const result = x.max(1);
    const [top, where] = result;
    expect([values(top), values(where)]).toEqual([
      [5, 7],
      [1, 0],
    ]);
    expect(result.values).toBe(top);
    expect(result.indices).toBe(where);
    expect(where.dtype).toBe('int32');
    expect(values(x.min(0, true)[0])).toEqual([[1, 3, 2]]);
    expect(values(x.min({ dim: 1 }).indices)).toEqual([0, 2]);
    expect(values(x.max(tensor([4, 4, 4])))).toEqual([
      [4, 5, 4],
      [7, 4, 4],
    ]);
  });

  it('take the first of equals, and NaN wins', () => {
    const y = tensor([
      [2, 2, 1],
      [0, Number.NaN, 5],
    ]);
    expect(values(y.max(1).indices)).toEqual([0, 1]);
    expect(values(y.argmin(1))).toEqual([2, 1]);
    expect(y.max().itemSync()).toBeNaN();
    expect(y.amin().itemSync()).toBeNaN();
  });

  it('amax, amin and aminmax reduce over several dimensions', () => {
    expect(values(x.amax([0, 1]))).toBe(7);
    expect(values(x.amin(0))).toEqual([1, 3, 2]);
    const { min, max } = x.aminmax({ dim: 1 });
    expect([values(min), values(max)]).toEqual([
      [1, 2],
      [5, 7],
    ]);
  });

  it('argmax counts in the flattened tensor without a dimension', () => {
    expect(values(x.argmax())).toBe(3);
    expect(values(x.t().argmax())).toBe(1);
    expect(values(x.argmin(0, true))).toEqual([[0, 1, 1]]);
    expect(values(tensor(3).argmax())).toBe(0);
  });

  it('work on integers and bools', () => {
    expect(values(tensor([2n ** 60n, 5n]).min())).toBe(5);
    expect(values(tensor([false, true]).max())).toBe(true);
    expect(values(tensor([3, -7], { dtype: 'int8' }).amin())).toBe(-7);
  });

  it('have no value for nothing', () => {
    for (const f of [
      (t: Tensor) => t.max(),
      (t: Tensor) => t.amin(1),
      (t: Tensor) => t.argmax(1),
      (t: Tensor) => t.max(1),
      (t: Tensor) => t.aminmax(),
    ]) {
      expect(() => f(zeros(2, 0))).toThrow(IndexError);
    }
    expect(zeros(2, 0).amax(0).shape).toEqual([0]);
    expect(zeros(2, 0).max(0).indices.shape).toEqual([0]);
  });

  it('write into out', () => {
    const out = [zeros(2), zeros(2, { dtype: 'int64' })] as const;
    x.max(1, { out });
    expect([values(out[0]), values(out[1])]).toEqual([
      [5, 7],
      [1, 0],
    ]);
  });
});
