/** @file Values, errors and derivatives of ops that are made of others. */
import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import {
  cumulativeTrapezoid,
  DTypeError,
  gradient,
  IndexError,
  nativeBatchNorm,
  nativeLayerNorm,
  ones,
  ShapeError,
  segmentReduce,
  type Tensor,
  tensor,
  trapezoid,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const leaf = (data: readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(data, { dtype: 'float64', requiresGrad: true });
const matrix = [
  [0.3, -1.2, 2.1, 0.7],
  [1.5, 0.4, -0.6, 2.2],
  [-0.8, 1.1, 0.9, -1.7],
];

async function differentiable(f: (...x: Tensor[]) => Tensor, ...inputs: Tensor[]): Promise<void> {
  expect(await gradcheck(f, inputs)).toBe(true);
  expect(await gradgradcheck(f, inputs)).toBe(true);
}

describe('cov and corrcoef', () => {
  it('have the numbers of the definition', () => {
    const x = tensor([
      [0, 1, 2],
      [2, 1, 0],
    ]);
    expect(x.cov().toArraySync()).toEqual([
      [1, -1],
      [-1, 1],
    ]);
    expect(x.corrcoef().toArraySync()).toEqual([
      [1, -1],
      [-1, 1],
    ]);
    expect(tensor([1, 2, 6]).cov().itemSync()).toBe(7);
    expect(tensor([1, 2, 6]).corrcoef().itemSync()).toBe(1);
    // Weights by frequency are repetitions.
    const repeated = tensor([1, 2, 2, 2]);
    const weights = tensor([1, 3], { dtype: 'int32' });
    expect(tensor([1, 2]).cov({ fweights: weights }).itemSync()).toBeCloseTo(repeated.cov().itemSync(), 6);
  });

  it('are differentiable', async () => {
    await differentiable((x) => x.cov(), leaf(matrix));
    await differentiable((x, w) => x!.cov({ aweights: w! }), leaf(matrix), leaf([0.5, 1, 2, 0.7]));
    // The diagonal is clamped at 1, where finite differences see a kink.
    await differentiable((x) => x.corrcoef().at(0, [1, 2]), leaf(matrix));
  });

  it('refuse what is no sample', () => {
    expect(() => zeros(2, 2, 2).cov()).toThrow(ShapeError);
    expect(() => zeros(3).cov({ fweights: ones(3) })).toThrow(DTypeError);
    expect(() => zeros(3).cov({ aweights: ones(2) })).toThrow(ShapeError);
    expect(() => zeros(2).cov({ aweights: tensor([-1, 2]) })).toThrow(RangeError);
  });
});

describe('trapezoid', () => {
  it('integrates, also between any places', () => {
    expect(trapezoid(tensor([1, 5, 10])).itemSync()).toBe(10.5);
    expect(trapezoid(tensor([1, 5, 10]), { dx: 2 }).itemSync()).toBe(21);
    expect(trapezoid(tensor([1, 5, 10]), tensor([1, 3, 6])).itemSync()).toBe(28.5);
    expect(cumulativeTrapezoid(tensor([1, 5, 10])).toArraySync()).toEqual([3, 10.5]);
    expect(trapezoid(zeros(0)).itemSync()).toBe(0);
    expect(trapezoid(zeros(3, 4), { dim: 0 }).shape).toEqual([4]);
    expect(() => trapezoid(zeros(3), zeros(2))).toThrow(ShapeError);
    expect(() => trapezoid(tensor([true]))).toThrow(DTypeError);
  });

  it('is differentiable in samples and places', () =>
    differentiable((y, x) => trapezoid(y!, x!), leaf(matrix), leaf([0, 0.4, 1.1, 3])));
});

describe('gradient', () => {
  const places = [0, 0.5, 1.7, 2, 3.1];
  const parabola = tensor(
    places.map((x) => 2 * x * x - x + 1),
    { dtype: 'float64' },
  );

  it('is exact for parabolas at any places, with edges of order 2', () => {
    const x = tensor(places, { dtype: 'float64' });
    const [slope] = gradient(parabola, { spacing: [x], edgeOrder: 2 });
    const got = slope!.toArraySync() as number[];
    for (const [i, at] of places.entries()) expect(got[i]).toBeCloseTo(4 * at - 1, 12);
  });

  it('takes integers, a spacing for all or each, and dimensions', () => {
    expect(gradient(tensor([1n, 2n, 4n, 7n]))[0]!.toArraySync()).toEqual([1, 1.5, 2.5, 3]);
    expect(gradient(zeros(3, 4), { dim: 1, spacing: 2 }).length).toBe(1);
    expect(gradient(zeros(3, 4), { spacing: [2, 3] }).map((g) => g.shape)).toEqual([
      [3, 4],
      [3, 4],
    ]);
    expect(() => gradient(zeros(3, 4), { dim: [1, 1] })).toThrow(IndexError);
    expect(() => gradient(zeros(2), { edgeOrder: 2 })).toThrow(ShapeError);
    expect(() => gradient(zeros(3, 3), { spacing: [1] })).toThrow(ShapeError);
  });

  it('is differentiable in samples and places', () =>
    differentiable(
      (y, x) => gradient(y!, { spacing: [x!], edgeOrder: 2 })[0]!,
      leaf(matrix[0]!),
      leaf([0, 0.4, 1.1, 3]),
    ));
});

describe('dist and renorm', () => {
  it('measure and limit', () => {
    expect(
      tensor([1, 2])
        .dist(tensor([4, 6]))
        .itemSync(),
    ).toBe(5);
    const x = tensor([
      [3, 4],
      [0.3, 0.4],
    ]);
    const limited = x.renorm(2, 0, 1).norm(2, 1).toArraySync() as number[];
    expect(limited[0]).toBeCloseTo(1, 6);
    expect(limited[1]).toBeCloseTo(0.5, 6);
    expect(x.renorm_(1, 0, 2)).toBe(x);
    expect(() => tensor([1]).renorm(2, 0, 1)).toThrow(ShapeError);
    expect(() => x.renorm(-1, 0, 1)).toThrow(RangeError);
  });

  it('are differentiable', async () => {
    await differentiable((a, b) => a!.dist(b!, 3), leaf(matrix), leaf(matrix[1]!.map((v) => v + 0.3)));
    await differentiable((a) => a.renorm(2, 0, 2), leaf(matrix));
  });
});

describe('segmentReduce', () => {
  const data = tensor([1, 2, 3, 4]);
  const lengths = tensor([1, 0, 3], { dtype: 'int32' });

  it.each([
    ['sum', [1, 0, 9]],
    ['mean', [1, Number.NaN, 3]],
    ['max', [1, Number.NEGATIVE_INFINITY, 4]],
    ['min', [1, Number.POSITIVE_INFINITY, 2]],
    ['prod', [1, 1, 24]],
  ] as const)('by %s', (reduce, expected) => {
    expect(segmentReduce(data, reduce, { lengths }).toArraySync()).toEqual(expected);
    const offsets = tensor([0, 1, 1, 4], { dtype: 'int32' });
    expect(segmentReduce(data, reduce, { offsets }).toArraySync()).toEqual(expected);
  });

  it('begins with an initial value, and leaves out what lies outside of offsets', () => {
    expect(segmentReduce(data, 'max', { lengths, initial: 2.5 }).toArraySync()).toEqual([2.5, 2.5, 4]);
    expect(segmentReduce(data, 'sum', { offsets: tensor([1, 3], { dtype: 'int32' }) }).toArraySync()).toEqual([5]);
  });

  it('is differentiable along any axis', async () => {
    const each = tensor(
      [
        [1, 3],
        [2, 2],
        [4, 0],
      ],
      { dtype: 'int32' },
    );
    for (const reduce of ['sum', 'mean', 'prod', 'max'] as const)
      await differentiable((x) => segmentReduce(x, reduce, { lengths: each, axis: 1, initial: 0.5 }), leaf(matrix));
  });

  it('refuses segments that do not fit', () => {
    expect(() => segmentReduce(data, 'sum', { lengths: tensor([1, 2], { dtype: 'int32' }) })).toThrow(RangeError);
    expect(() => segmentReduce(data, 'sum', {})).toThrow(TypeError);
    expect(() => segmentReduce(data, 'sum', { lengths: tensor([4]) })).toThrow(DTypeError);
    expect(() => segmentReduce(data.to('int32'), 'sum', { lengths })).toThrow(DTypeError);
  });
});

describe('native normalizations', () => {
  it('return what they normalized by', () => {
    const x = tensor(matrix);
    const [y, mean, rstd] = nativeLayerNorm(x, [4], null, null, 1e-5);
    const again = x.sub(mean).mul(rstd);
    expect(y.sub(again).abs().max().itemSync()).toBeLessThan(1e-6);
    expect(mean.shape).toEqual([3, 1]);
    expect(nativeBatchNorm(x, null, null, null, null, true, 0.1, 1e-5)[1].shape).toEqual([4]);
    expect(nativeBatchNorm(x, null, null, zeros(4), ones(4), false, 0.1, 1e-5)[2].shape).toEqual([0]);
    expect(() => nativeLayerNorm(x, [3], null, null, 1e-5)).toThrow(ShapeError);
  });
});
