import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import { functional as F, linalg, logsumexp, stdMean, type Tensor, tensor, varMean } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const leaf = (data: number | readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(data, { dtype: 'float64', requiresGrad: true });
const x = leaf([
  [0.3, -1.2, 2.5, 0.8],
  [1.7, 0.4, -0.6, -2.1],
  [-0.9, 1.1, 0.2, 3.3],
]);
const positive = leaf([
  [0.3, 1.2, 2.5],
  [1.7, 0.4, 0.6],
]);

/** Every function is checked for its first and second derivative. */
const functions: [string, (x: Tensor) => Tensor | readonly Tensor[]][] = [
  ['sum', (x) => x.sum()],
  ['sum(dim, keepdim)', (x) => x.sum(0, true).mul(x)],
  ['sum([dims])', (x) => x.square().sum([0, 1])],
  ['nansum', (x) => x.square().nansum(1)],
  ['mean', (x) => x.square().mean()],
  ['mean(dim)', (x) => x.square().mean(1)],
  ['prod', (x) => x.prod()],
  ['prod(dim)', (x) => x.prod(1)],
  ['amax', (x) => x.square().amax(1)],
  ['amin of all', (x) => x.square().amin()],
  ['max()', (x) => x.square().max()],
  ['max(dim)', (x) => x.square().max(0).values],
  ['min(dim, keepdim)', (x) => x.square().min(1, true).values],
  ['aminmax', (x) => [...x.square().aminmax({ dim: 1 })]],
  ['var', (x) => x.var()],
  ['var(dim)', (x) => x.var(1, { correction: 2 })],
  ['std', (x) => x.std(0, false, true)],
  ['varMean', (x) => varMean(x, 1)],
  ['stdMean', (x) => stdMean(x, 0)],
  ['norm', (x) => x.norm()],
  ['norm(1)', (x) => x.norm(1, 1)],
  ['norm(3)', (x) => x.norm(3, 0)],
  ['norm(1.5)', (x) => x.norm(1.5)],
  ['norm(0.7)', (x) => x.norm(0.7, 0, true)],
  ['norm(Infinity)', (x) => x.norm(Number.POSITIVE_INFINITY, 1)],
  ['norm(-Infinity)', (x) => x.norm(Number.NEGATIVE_INFINITY)],
  ['linalg.vectorNorm', (x) => linalg.vectorNorm(x, 4, 1)],
  ['logsumexp', (x) => logsumexp(x, 1)],
  ['logsumexp of all', (x) => x.logsumexp([0, 1], true)],
  ['median', (x) => x.square().median()],
  ['median(dim)', (x) => x.square().median(1).values],
  ['nanmedian(dim)', (x) => x.square().nanmedian(0).values],
  ['mode', (x) => x.square().mode(1).values],
  ['quantile', (x) => x.square().quantile(0.3)],
  ['quantile(dim)', (x) => x.square().quantile(tensor([0.1, 0.6], { dtype: 'float64' }), 1)],
  ['cumsum', (x) => x.square().cumsum(1)],
  ['cumprod', (x) => x.cumprod(1)],
  ['cummax', (x) => x.square().cummax(0).values],
  ['cummin', (x) => x.square().cummin(1).values],
  ['logcumsumexp', (x) => x.logcumsumexp(1)],
  ['diff', (x) => x.square().diff(2, 1)],
  ['sort', (x) => x.square().sort(1, true).values],
  ['topk', (x) => x.square().topk(2).values],
  ['kthvalue', (x) => x.square().kthvalue(2, 0).values],
  ['softmax', (x) => x.softmax(1)],
  ['softmax across rows', (x) => x.softmax(0)],
  ['logSoftmax', (x) => x.logSoftmax(1)],
  ['softmin', (x) => F.softmin(x, 0)],
  ['sumToSize', (x) => x.square().sumToSize([3, 1])],
];

describe('gradients agree with finite differences', () => {
  it.each(functions)('%s', async (_, f) => {
    expect(await gradcheck(f, [x])).toBe(true);
    expect(await gradgradcheck(f, [x])).toBe(true);
  });

  it.each(functions)('%s of a transposed tensor', async (_, f) => {
    expect(await gradcheck((y) => f(y.t().contiguous().t()), [x])).toBe(true);
  });
});

const gradient = (
  f: (x: Tensor) => Tensor,
  data: number | readonly number[] | readonly (readonly number[])[],
): unknown => {
  const x = leaf(data);
  f(x).sum().backward();
  return x.grad!.toArraySync();
};

describe('gradients at edges, as PyTorch has them', () => {
  it('products with zeros', () => {
    expect(gradient((x) => x.prod(), [2, 0, 3])).toEqual([0, 6, 0]);
    expect(gradient((x) => x.prod(), [2, 0, 3, 0])).toEqual([0, 0, 0, 0]);
    expect(
      gradient(
        (x) => x.prod(1),
        [
          [1, 2],
          [0, 4],
        ],
      ),
    ).toEqual([
      [2, 1],
      [4, 0],
    ]);
    expect(gradient((x) => x.cumprod(0), [2, 0, 3])).toEqual([1, 8, 0]);
    expect(gradient((x) => x.cumprod(0), [2, 0, 3, 0, 5])).toEqual([1, 8, 0, 0, 0]);
    expect(gradient((x) => x.prod(), 5)).toBe(1);
  });

  it('second derivatives of products with a zero', async () => {
    expect(await gradgradcheck((y) => y.prod(), [leaf([2, 0, 3])])).toBe(true);
    expect(
      await gradgradcheck(
        (y) => y.prod(1),
        [
          leaf([
            [2, 0, 3],
            [0, 0, 1],
          ]),
        ],
      ),
    ).toBe(true);
  });

  it('ties', () => {
    expect(gradient((x) => x.max(), [1, 3, 3])).toEqual([0, 0.5, 0.5]);
    expect(
      gradient(
        (x) => x.amax(1),
        [
          [2, 2],
          [1, 0],
        ],
      ),
    ).toEqual([
      [0.5, 0.5],
      [1, 0],
    ]);
    expect(gradient((x) => x.max(0).values, [1, 3, 3])).toEqual([0, 1, 0]);
    expect(gradient((x) => x.cummax(0).values, [3, 1, 3])).toEqual([2, 0, 1]);
    expect(gradient((x) => x.norm(Number.POSITIVE_INFINITY), [-2, 2])).toEqual([-0.5, 0.5]);
  });

  it('norms and deviations at 0', () => {
    expect(gradient((x) => x.norm(), [0, 0])).toEqual([0, 0]);
    expect(gradient((x) => x.norm(0), [1, 2])).toEqual([0, 0]);
    expect(gradient((x) => x.norm(3), [0, 0])).toEqual([0, 0]);
    expect(gradient((x) => x.std(), [2, 2])).toEqual([0, 0]);
    expect(gradient((x) => x.var(), [2])).toEqual([Number.NaN]);
  });

  it('NaN', () => {
    expect(gradient((x) => x.nansum(), [1, Number.NaN, 2])).toEqual([1, 0, 1]);
    expect(gradient((x) => x.nanmean(), [1, Number.NaN, 2])).toEqual([0.5, 0, 0.5]);
    expect(gradient((x) => x.max(), [1, Number.NaN, 2])).toEqual([0, 1, 0]);
  });

  it('infinite logarithms', () => {
    const infinite = Number.NEGATIVE_INFINITY;
    expect(gradient((x) => x.logsumexp(0), [0, infinite])).toEqual([1, 0]);
    expect(gradient((x) => x.logSoftmax(0).narrow(0, 0, 1), [0, infinite])).toEqual([0, 0]);
  });

  it('reaches 0-d and empty tensors', () => {
    expect(gradient((x) => x.max(0).values, 3)).toBe(1);
    expect(gradient((x) => x.cumsum(0), 3)).toBe(1);
    expect(gradient((x) => x.sort(0).values, 3)).toBe(1);
    expect(gradient((x) => x.sum(1), [[], []])).toEqual([[], []]);
    expect(gradient((x) => x.softmax(1), [[], []])).toEqual([[], []]);
  });

  it('flows back in the dtype of the input', () => {
    const half = tensor([1, 2], { dtype: 'float32', requiresGrad: true });
    half
      .sum({ dtype: 'float64' })
      .add(half.softmax(0, { dtype: 'float64' }).sum())
      .backward();
    expect([half.grad!.dtype, half.grad!.toArraySync()]).toEqual(['float32', [1, 1]]);
  });
});

describe('graph nodes have the names of PyTorch', () => {
  it.each<[string, (x: Tensor) => Tensor]>([
    ['SumBackward0', (x) => x.sum()],
    ['SumBackward1', (x) => x.sum(0)],
    ['MeanBackward0', (x) => x.mean()],
    ['MeanBackward1', (x) => x.mean([0, 1])],
    ['ProdBackward0', (x) => x.prod()],
    ['ProdBackward1', (x) => x.prod(0)],
    ['MaxBackward0', (x) => x.max(0).values],
    ['MaxBackward1', (x) => x.max()],
    ['MinBackward1', (x) => x.min()],
    ['AmaxBackward0', (x) => x.amax(0)],
    ['VarBackward0', (x) => x.var()],
    ['StdBackward0', (x) => x.std(0)],
    ['NormBackward0', (x) => x.norm()],
    ['LogsumexpBackward0', (x) => x.logsumexp(0)],
    ['SoftmaxBackward0', (x) => x.softmax(0)],
    ['LogSoftmaxBackward0', (x) => x.logSoftmax(0)],
    ['SortBackward0', (x) => x.sort()[0]],
    ['TopkBackward0', (x) => x.topk(1)[0]],
    ['KthvalueBackward0', (x) => x.kthvalue(1)[0]],
    ['MedianBackward0', (x) => x.median()],
    ['MedianBackward1', (x) => x.median(0)[0]],
    ['CumsumBackward0', (x) => x.cumsum(0)],
    ['CumprodBackward0', (x) => x.cumprod(0)],
    ['CummaxBackward0', (x) => x.cummax(0)[0]],
    ['LogcumsumexpBackward0', (x) => x.logcumsumexp(0)],
  ])('%s', (name, f) => {
    expect(f(positive).gradFn?.name).toBe(name);
  });
});
