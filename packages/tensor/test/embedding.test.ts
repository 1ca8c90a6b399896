import '@flambeau/backend-cpu';
import { DTypeError, functional as F, IndexError, ones, ShapeError, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.toArraySync();
const int = (data: number[] | number[][], dtype: 'int32' | 'int64' = 'int32'): Tensor => tensor(data, { dtype });

describe('embedding', () => {
  const table = tensor([
    [0, 1],
    [2, 3],
    [4, 5],
  ]);

  it('looks rows up', () => {
    expect(values(F.embedding(int([[2, 0]]), table))).toEqual([
      [
        [4, 5],
        [0, 1],
      ],
    ]);
    expect(F.embedding(tensor(1, { dtype: 'int64' }), table).shape).toEqual([2]);
    expect(() => F.embedding(int([3]), table)).toThrow(
      new IndexError('embedding(): index 3 is out of range for dimension 0 of size 3'),
    );
    expect(() => F.embedding(tensor([1]), table)).toThrow(DTypeError);
  });

  it('limits norms in the table itself', () => {
    const w = tensor([
      [3, 4],
      [0.3, 0.4],
      [6, 8],
    ]);
    F.embedding(int([0, 1, 0]), w, { maxNorm: 1 });
    const [[a, b], second, third] = values(w) as [[number, number], unknown, unknown];
    expect(a).toBeCloseTo(0.6, 5);
    expect(b).toBeCloseTo(0.8, 5);
    expect([second, third]).toEqual([
      [Math.fround(0.3), Math.fround(0.4)],
      [6, 8],
    ]);
  });

  it('reduces bags', () => {
    const index = int([0, 2, 2, 1]);
    const offsets = int([0, 3, 3]);
    expect(values(F.embeddingBag(index, table, offsets, { mode: 'sum' }))).toEqual([
      [8, 11],
      [0, 0],
      [2, 3],
    ]);
    expect(values(F.embeddingBag(index.view(2, 2), table))).toEqual([
      [2, 3],
      [3, 4],
    ]);
    expect(values(F.embeddingBag(index, table, { offsets, mode: 'max', paddingIdx: 2 }))).toEqual([
      [0, 1],
      [0, 0],
      [2, 3],
    ]);
    expect(() => F.embeddingBag(index, table)).toThrow(ShapeError);
    expect(() => F.embeddingBag(index.view(2, 2), table, { mode: 'mean', perSampleWeights: ones(2, 2) })).toThrow(
      TypeError,
    );
  });

  it('makes one-hot rows', () => {
    expect(values(F.oneHot(int([0, 2])))).toEqual([
      [1, 0, 0],
      [0, 0, 1],
    ]);
    expect(F.oneHot(tensor([1n]), 4).dtype).toBe('int64');
    expect(() => F.oneHot(int([3]), 3)).toThrow(IndexError);
    expect(() => F.oneHot(int([-1]), 3)).toThrow(IndexError);
    expect(() => F.oneHot(tensor([1]))).toThrow(DTypeError);
  });
});
