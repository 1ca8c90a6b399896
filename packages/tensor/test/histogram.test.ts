import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { DTypeError, histogramdd, ShapeError, tensor, zeros } from '../src/index.ts';

const float64 = { dtype: 'float64' } as const;

describe('histogram', () => {
  it('counts between edges, the last one included', () => {
    const [hist, edges] = tensor([0, 1, 1, 2, 3, -1, 4, Number.NaN]).histogram(tensor([0, 1, 3]));
    expect(hist.toArraySync()).toEqual([1, 4]);
    expect(edges.toArraySync()).toEqual([0, 1, 3]);
    const result = tensor([0.5]).histogram(1, { range: [0, 1] });
    expect(String(result)).toBe('torch.return_types.histogram(\nhist=tensor([1.]),\nbin_edges=tensor([0., 1.]))');
  });

  it('makes equal bins over the data or a range', () => {
    const x = tensor([1, 2, 1, 4], float64);
    const { hist, binEdges } = x.histogram(3);
    expect(hist.toArraySync()).toEqual([2, 1, 1]);
    expect(binEdges.toArraySync()).toEqual([1, 2, 3, 4]);
    expect(x.histogram(4, { range: [0, 4] }).hist.toArraySync()).toEqual([0, 2, 1, 1]);
  });

  it('widens the range of a single value, and has one for no data', () => {
    expect(tensor([5]).histogram(2).binEdges.toArraySync()).toEqual([4.5, 5, 5.5]);
    expect(zeros(0).histogram(2).binEdges.toArraySync()).toEqual([0, 0.5, 1]);
  });

  it('weighs, and integrates to 1 as a density', () => {
    const x = tensor([0.5, 0.5, 2], float64);
    const edges = tensor([0, 1, 4], float64);
    expect(x.histogram(edges, { weight: tensor([1, 2, 5], float64) }).hist.toArraySync()).toEqual([3, 5]);
    const density = x.histogram(edges, { density: true }).hist;
    expect(density.mul(edges.diff()).sum().itemSync()).toBeCloseTo(1, 14);
  });

  it('agrees with a search bin by bin, also in a view', () => {
    const x = tensor(
      Array.from({ length: 60 }, (_, i) => Math.sin(i) * 3),
      float64,
    )
      .reshape(6, 10)
      .t();
    const { hist, binEdges } = x.histogram(7);
    const edges = binEdges.toArraySync() as number[];
    const values = x.flatten().toArraySync() as number[];
    const expected = edges
      .slice(1)
      .map((end, i) => values.filter((v) => v >= edges[i]! && (v < end || (i === 6 && v === end))).length);
    expect(hist.toArraySync()).toEqual(expected);
    expect(hist.sum().itemSync()).toBe(60);
  });

  it('refuses what it cannot count', () => {
    expect(() => tensor([1], { dtype: 'int32' }).histogram(2)).toThrow(DTypeError);
    expect(() => tensor([1]).histogram(0)).toThrow(RangeError);
    expect(() => tensor([1]).histogram(2, { range: [1, 0] })).toThrow(RangeError);
    expect(() => tensor([1, Number.NaN]).histogram(2)).toThrow(RangeError);
    expect(() => tensor([1, 2]).histogram(2, { weight: tensor([1]) })).toThrow(ShapeError);
    expect(() => tensor([1]).histogram(tensor([0, 1], float64))).toThrow(DTypeError);
  });
});

describe('histogramdd', () => {
  const points = tensor([
    [0, 1],
    [1, 0],
    [2, 0],
    [2, 2],
  ]);

  it('counts in a grid', () => {
    const { hist, binEdges } = histogramdd(points, [3, 3], { weight: tensor([1, 2, 4, 8]) });
    expect(hist.toArraySync()).toEqual([
      [0, 1, 0],
      [2, 0, 0],
      [4, 0, 8],
    ]);
    expect(binEdges.map((edges) => edges.elementCount)).toEqual([4, 4]);
  });

  it('takes edges, and a number for all', () => {
    expect(histogramdd(points, [tensor([0, 1.5, 2]), tensor([0, 0.5])]).hist.toArraySync()).toEqual([[1], [1]]);
    expect(histogramdd(points, 2).hist.sum().itemSync()).toBe(4);
    expect(() => histogramdd(points, [3])).toThrow(ShapeError);
    expect(() => histogramdd(tensor([1]), 3)).toThrow(ShapeError);
  });
});
