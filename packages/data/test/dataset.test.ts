import '@flambeau/backend-cpu';
import { arange, Generator, IndexError, ShapeError, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import {
  BatchSampler,
  ConcatDataset,
  Dataset,
  RandomSampler,
  randomSplit,
  SequentialSampler,
  Subset,
  SubsetRandomSampler,
  TensorDataset,
  WeightedRandomSampler,
} from '../src/index.ts';

class Squares extends Dataset<number> {
  readonly length = 5;
  get(index: number): number {
    return index ** 2;
  }
}

describe('TensorDataset', () => {
  const data = new TensorDataset(arange(6).view(3, 2), tensor([10, 20, 30]));

  it('cuts its tensors along the first dimension', () => {
    expect(data.length).toBe(3);
    const [x, y] = data.get(1);
    expect(x.toArraySync()).toEqual([2, 3]);
    expect(y.itemSync()).toBe(20);
    expect(data.get(-1)[1].itemSync()).toBe(30);
  });

  it('refuses indices that are out of range', () => {
    for (const index of [3, -4, 0.5, Number.NaN]) expect(() => data.get(index)).toThrow(IndexError);
    expect(() => data.get(3)).toThrow('TensorDataset.get(3): the index must be an integer from -3 to 2');
  });

  it('refuses tensors that do not fit together', () => {
    expect(() => new TensorDataset(tensor([1, 2]), tensor([1]))).toThrow(/equal size, got \[2\], \[1\]/);
    expect(() => new TensorDataset(tensor(1))).toThrow(ShapeError);
    expect(() => new TensorDataset()).toThrow(ShapeError);
    expect(() => new TensorDataset([1, 2] as unknown as Tensor)).toThrow(
      /argument 0 must be a tensor, got an object of class Array/,
    );
  });
});

describe('Subset and ConcatDataset', () => {
  it('pick and join items', () => {
    const subset = new Subset(new Squares(), [4, 0]);
    const joined = new ConcatDataset([subset, [7, 8], new Squares()]);
    expect(joined.length).toBe(9);
    expect(joined.cumulativeSizes).toEqual([2, 4, 9]);
    expect(Array.from({ length: 9 }, (_, i) => joined.get(i))).toEqual([16, 0, 7, 8, 0, 1, 4, 9, 16]);
    expect(joined.get(-1)).toBe(16);
    expect(() => joined.get(9)).toThrow(IndexError);
    expect(() => subset.get(2)).toThrow(/Subset\.get\(2\)/);
    expect(() => subset.get(2)).toThrow(IndexError);
  });

  it('refuse what is no dataset', () => {
    expect(() => new ConcatDataset([])).toThrow(TypeError);
    expect(() => new Subset({ length: 3 } as never, [0])).toThrow(/expected a dataset .*got an object of class Object/);
    expect(() => new ConcatDataset([null as never])).toThrow(/got null/);
  });
});

describe('randomSplit', () => {
  it('gives every item to one part', () => {
    const parts = randomSplit(new Squares(), [2, 3]);
    expect(parts.map((part) => part.length)).toEqual([2, 3]);
    expect(parts.flatMap((part) => [...part.indices]).sort()).toEqual([0, 1, 2, 3, 4]);
    expect(parts[0]!.get(0)).toBe(parts[0]!.indices[0]! ** 2);
  });

  it('rounds fractions down and hands out the rest from the first part on', () => {
    const sizes = (n: number, fractions: number[]) =>
      randomSplit(Array.from({ length: n }), fractions).map((part) => part.length);
    expect(sizes(11, [0.5, 0.5])).toEqual([6, 5]);
    expect(sizes(10, [0.25, 0.25, 0.25, 0.25])).toEqual([3, 3, 2, 2]);
    expect(
      sizes(
        10,
        Array.from({ length: 10 }, () => 0.1),
      ),
    ).toEqual(Array.from({ length: 10 }, () => 1));
    expect(sizes(7, [1])).toEqual([7]);
    expect(sizes(0, [])).toEqual([]);
  });

  it('takes a generator by name or as PyTorch does', () => {
    const seeded = () => new Generator().manualSeed(3);
    const [byPosition] = randomSplit(new Squares(), [5], seeded());
    const [byName] = randomSplit(new Squares(), [5], { generator: seeded() });
    expect(byPosition!.indices).toEqual(byName!.indices);
  });

  it('refuses lengths that do not sum up', () => {
    for (const lengths of [[2, 2], [0.5, 0.4], [6, -1], [0.5, 0.6], [Number.NaN], [2.5, 2.5]]) {
      expect(() => randomSplit(new Squares(), lengths)).toThrow(RangeError);
    }
    expect(() => randomSplit(new Squares(), [2, 2])).toThrow(/dataset's length 5, .* got \[2, 2\], which sum to 4/);
  });
});

describe('samplers', () => {
  it('have lengths', () => {
    const source = new Squares();
    expect(new SequentialSampler(source).length).toBe(5);
    expect(new RandomSampler(source).length).toBe(5);
    expect(new RandomSampler(source, { numSamples: 12 }).length).toBe(12);
    expect(new SubsetRandomSampler([1, 2]).length).toBe(2);
    expect(new WeightedRandomSampler([1, 2], 9).length).toBe(9);
    expect(new BatchSampler(new SequentialSampler(source), 2, false).length).toBe(3);
    expect(new BatchSampler(new SequentialSampler(source), 2, true).length).toBe(2);
  });

  it('take arguments by position and by name', () => {
    const generator = () => new Generator().manualSeed(5);
    const source = new Squares();
    const expected = [...new RandomSampler(source, true, 7, generator())];
    expect([
      ...new RandomSampler({ dataSource: source, replacement: true, numSamples: 7, generator: generator() }),
    ]).toEqual(expected);
    expect([...new RandomSampler(source, { replacement: true, numSamples: 7, generator: generator() })]).toEqual(
      expected,
    );
    const weighted = [...new WeightedRandomSampler([1, 2, 3], 4, true, generator())];
    expect([...new WeightedRandomSampler({ weights: [1, 2, 3], numSamples: 4, generator: generator() })]).toEqual(
      weighted,
    );
    expect([...new SubsetRandomSampler([5, 6, 7], generator())]).toEqual([
      ...new SubsetRandomSampler([5, 6, 7], { generator: generator() }),
    ]);
    expect([...new BatchSampler({ sampler: [1, 2, 3], batchSize: 2, dropLast: false })]).toEqual([[1, 2], [3]]);
    expect([...new BatchSampler([1, 2, 3], 2, true)]).toEqual([[1, 2]]);
  });

  it('refuse what makes no sense', () => {
    expect(() => new RandomSampler([])).toThrow(/numSamples must be a positive integer, got 0/);
    expect(() => new RandomSampler([1], { numSamples: -1 })).toThrow(RangeError);
    expect(() => new RandomSampler([1], { replace: true } as never)).toThrow(
      /unknown option 'replace'; did you mean 'replacement'/,
    );
    expect(() => new WeightedRandomSampler([1, -1], 1)).toThrow(/not negative, got -1 at 1/);
    expect(() => new WeightedRandomSampler([0, 0], 1)).toThrow(/at least one weight must be positive/);
    expect(() => new WeightedRandomSampler([1, 0, 2], 3, { replacement: false })).toThrow(
      /cannot draw 3 samples .* from 2 positive/,
    );
    expect(() => new BatchSampler([1], 0, false)).toThrow(RangeError);
    expect(() => new BatchSampler(new Set([1]), 1, false).length).toThrow(/length is unknown/);
  });
});
