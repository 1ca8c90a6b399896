import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import {
  bucketize,
  DTypeError,
  IndexError,
  ShapeError,
  searchsorted,
  type Tensor,
  tensor,
  zeros,
} from '../src/index.ts';

const x = tensor([
  [1, 5, 3],
  [7, 3, 2],
]);
const values = (t: Tensor): unknown => t.toArraySync();
const both = (pair: { values: Tensor; indices: Tensor }): unknown[] => [values(pair.values), values(pair.indices)];

describe('sort and its kin', () => {
  it('sorts along a dimension', () => {
    expect(both(x.sort())).toEqual([
      [
        [1, 3, 5],
        [2, 3, 7],
      ],
      [
        [0, 2, 1],
        [2, 1, 0],
      ],
    ]);
    expect(both(x.sort(0, true))).toEqual([
      [
        [7, 5, 3],
        [1, 3, 2],
      ],
      [
        [1, 0, 0],
        [0, 1, 1],
      ],
    ]);
    expect(values(x.t().sort({ dim: 0, descending: true }).values)).toEqual([
      [5, 7],
      [3, 3],
      [1, 2],
    ]);
    expect(values(x.argsort(1))).toEqual([
      [0, 2, 1],
      [2, 1, 0],
    ]);
    expect(values(x.msort())).toEqual([
      [1, 3, 2],
      [7, 5, 3],
    ]);
    expect(both(tensor(3).sort())).toEqual([3, 0]);
    expect(zeros(0, 3).sort(0).indices.dtype).toBe('int32');
  });

  it('picks the k greatest or least', () => {
    expect(both(x.topk(2))).toEqual([
      [
        [5, 3],
        [7, 3],
      ],
      [
        [1, 2],
        [0, 1],
      ],
    ]);
    expect(both(x.topk(1, 0, false))).toEqual([[[1, 3, 2]], [[0, 1, 1]]]);
    expect(values(x.topk(0).values)).toEqual([[], []]);
    expect(both(tensor(3).topk(1))).toEqual([3, 0]);
    expect(() => x.topk(4)).toThrow(RangeError);
    expect(() => x.topk(1, 2)).toThrow(IndexError);
  });

  it('finds the k-th value', () => {
    expect(both(x.kthvalue(2))).toEqual([
      [3, 3],
      [2, 1],
    ]);
    expect(both(x.kthvalue(1, 0, true))).toEqual([[[1, 3, 2]], [[0, 1, 1]]]);
    expect(() => x.kthvalue(0)).toThrow(RangeError);
    expect(() => x.kthvalue(3, 0)).toThrow(RangeError);
  });
});

describe('median and mode', () => {
  const y = tensor([
    [4, Number.NaN, 1, 3],
    [2, 2, 8, 5],
  ]);

  it('takes the lower of two middle values', () => {
    expect(values(tensor([4, 1, 3, 2]).median())).toBe(2);
    expect(both(x.median(1))).toEqual([
      [3, 3],
      [2, 1],
    ]);
    expect(values(x.median(0, true).values)).toEqual([[1, 3, 2]]);
    expect(values(tensor([5, 1, 4], { dtype: 'int32' }).median())).toBe(4);
  });

  it('is NaN where there is one, except for nanmedian', () => {
    expect(both(y.median(1))).toEqual([
      [Number.NaN, 2],
      [1, 1],
    ]);
    expect(y.median().itemSync()).toBeNaN();
    expect(both(y.nanmedian(1))).toEqual([
      [3, 2],
      [3, 1],
    ]);
    expect(values(y.nanmedian())).toBe(3);
    expect(tensor([Number.NaN, Number.NaN]).nanmedian().itemSync()).toBeNaN();
  });

  it('of nothing is NaN over all, an error along a dimension', () => {
    expect(zeros(0).median().itemSync()).toBeNaN();
    expect(() => zeros(2, 0).median(1)).toThrow(IndexError);
    expect(() => zeros(0, { dtype: 'int32' }).median()).toThrow(IndexError);
  });

  it('mode is the least of the most frequent values, at its last place', () => {
    expect(
      both(
        tensor([
          [2, 1, 2, 1, 3],
          [4, 4, 5, 5, 5],
        ]).mode(1),
      ),
    ).toEqual([
      [1, 5],
      [3, 4],
    ]);
    expect(both(tensor(7).mode())).toEqual([7, 0]);
  });
});

describe('unique', () => {
  const y = tensor([3, 1, 3, 2, 1]);

  it('gives sorted values, and on request inverse and counts', () => {
    expect(values(y.unique())).toEqual([1, 2, 3]);
    const [output, inverse, counts] = y.unique({ returnInverse: true, returnCounts: true });
    expect([values(output), values(inverse), values(counts)]).toEqual([
      [1, 2, 3],
      [2, 0, 2, 1, 0],
      [2, 1, 2],
    ]);
    const [, only] = y.unique({ returnCounts: true });
    expect(values(only)).toEqual([2, 1, 2]);
    expect(
      values(
        tensor([
          [2, 1],
          [1, 2],
        ]).unique({ returnInverse: true })[1],
      ),
    ).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect(values(tensor([true, false, true]).unique())).toEqual([false, true]);
    expect(zeros(0).unique().shape).toEqual([0]);
  });

  it('counts every NaN as a value', () => {
    expect(values(tensor([Number.NaN, 1, Number.NaN]).unique())).toEqual([1, Number.NaN, Number.NaN]);
  });

  it('compares slices', () => {
    const z = tensor([
      [1, 2],
      [0, 9],
      [1, 2],
    ]);
    const [rows, inverse, counts] = z.unique({ dim: 0, returnInverse: true, returnCounts: true });
    expect([values(rows), values(inverse), values(counts)]).toEqual([
      [
        [0, 9],
        [1, 2],
      ],
      [1, 0, 1],
      [1, 2],
    ]);
    expect(values(z.unique({ dim: 1 }))).toEqual([
      [1, 2],
      [0, 9],
      [1, 2],
    ]);
  });

  it('drops repetitions that follow one another', () => {
    const z = tensor([1, 1, 2, 1], { dtype: 'int64' });
    expect(values(z.uniqueConsecutive())).toEqual([1, 2, 1]);
    const [output, inverse, counts] = z.uniqueConsecutive({ returnInverse: true, returnCounts: true });
    expect([values(output), values(inverse), values(counts)]).toEqual([
      [1, 2, 1],
      [0, 0, 1, 2],
      [2, 1, 1],
    ]);
    expect(
      values(
        tensor([
          [1, 1, 2],
          [3, 3, 3],
        ]).uniqueConsecutive({ dim: 1 }),
      ),
    ).toEqual([
      [1, 2],
      [3, 3],
    ]);
  });

  it('has asynchronous forms', async () => {
    const [output, counts] = await y.uniqueAsync({ returnCounts: true });
    expect([values(output), values(counts)]).toEqual([
      [1, 2, 3],
      [2, 1, 2],
    ]);
    expect(values(await y.uniqueConsecutiveAsync())).toEqual([3, 1, 3, 2, 1]);
  });
});

describe('counts', () => {
  it('histc counts within a range', () => {
    expect(values(tensor([1, 2, 1]).histc(4, 0, 3))).toEqual([0, 2, 1, 0]);
    expect(values(tensor([0, 0.5, 1, 2, -1, Number.NaN]).histc(2, 0, 1))).toEqual([1, 2]);
    expect(values(tensor([1, 3, 5]).histc({ bins: 2 }))).toEqual([1, 2]);
    expect(values(tensor([4, 4]).histc(2))).toEqual([0, 2]);
    expect(values(zeros(0).histc(2))).toEqual([0, 0]);
    expect(() => x.histc(3, 1, 0)).toThrow(RangeError);
    expect(() => tensor([Number.NaN]).histc(3)).toThrow(RangeError);
    expect(() => tensor([1n]).histc(3)).toThrow(DTypeError);
  });

  it('bincount counts small integers', async () => {
    const y = tensor([1, 1, 3], { dtype: 'int32' });
    expect(values(y.bincount())).toEqual([0, 2, 0, 1]);
    expect(values(y.bincount({ minlength: 6 }))).toEqual([0, 2, 0, 1, 0, 0]);
    expect(values(y.bincount(tensor([0.5, 1, 2])))).toEqual([0, 1.5, 0, 2]);
    expect(y.bincount(tensor([1, 1, 1], { dtype: 'int32' })).dtype).toBe('float64');
    expect(values(await y.bincountAsync())).toEqual([0, 2, 0, 1]);
    expect(values(zeros(0, { dtype: 'int32' }).bincount(null, 2))).toEqual([0, 0]);
    expect(() => tensor([-1n]).bincount()).toThrow(RangeError);
    expect(() => x.bincount()).toThrow(DTypeError);
    expect(() => zeros(1, 2, { dtype: 'int32' }).bincount()).toThrow(ShapeError);
  });
});

describe('searchsorted and bucketize', () => {
  const sequence = tensor([1, 3, 5, 5, 9]);

  it('finds places before or behind equal values', () => {
    const wanted = tensor([
      [0, 1, 5],
      [6, 9, 10],
    ]);
    expect(values(searchsorted(sequence, wanted))).toEqual([
      [0, 0, 2],
      [4, 4, 5],
    ]);
    expect(values(searchsorted(sequence, wanted, { right: true }))).toEqual([
      [0, 1, 4],
      [4, 5, 5],
    ]);
    expect(values(searchsorted(sequence, wanted, { side: 'right' }))).toEqual([
      [0, 1, 4],
      [4, 5, 5],
    ]);
    expect(values(bucketize(wanted, sequence))).toEqual([
      [0, 0, 2],
      [4, 4, 5],
    ]);
    expect(values(searchsorted(sequence, 4))).toBe(2);
    expect(values(searchsorted(tensor([1, 2], { dtype: 'int32' }), 1.5))).toBe(1);
    expect(values(searchsorted(sequence, tensor([Number.NaN])))).toEqual([5]);
  });

  it('searches rows side by side, and unsorted sequences with a sorter', () => {
    const rows = tensor([
      [1, 2, 3],
      [10, 20, 30],
    ]);
    expect(
      values(
        searchsorted(
          rows,
          tensor([
            [2, 9],
            [2, 25],
          ]),
        ),
      ),
    ).toEqual([
      [1, 3],
      [0, 2],
    ]);
    const mixed = tensor([5, 1, 3]);
    expect(values(searchsorted(mixed, tensor([2, 4]), { sorter: mixed.argsort() }))).toEqual([1, 2]);
    expect(values(searchsorted(zeros(0), tensor([1])))).toEqual([0]);
  });

  it('agrees with counting for every length', () => {
    for (let n = 1; n <= 20; n++) {
      const sorted = tensor(Array.from({ length: n }, (_, i) => i * 2));
      const wanted = Array.from({ length: 2 * n + 3 }, (_, i) => i - 1);
      expect(values(searchsorted(sorted, tensor(wanted)))).toEqual(
        wanted.map((w) => Math.min(n, Math.max(0, Math.ceil(w / 2)))),
      );
    }
  });

  it('refuses what does not fit', () => {
    expect(() => searchsorted(sequence, tensor([1n]))).toThrow(DTypeError);
    expect(() => searchsorted(zeros(2, 3), zeros(3, 3))).toThrow(ShapeError);
    expect(() => searchsorted(sequence, x, { side: 'left', right: true })).toThrow(TypeError);
    expect(() => bucketize(x, zeros(2, 2))).toThrow(ShapeError);
  });
});
