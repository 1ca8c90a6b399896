import '@flambeau/backend-cpu';

import { manualSeed, ones, rand, randn, type Tensor, zeros } from '@flambeau/tensor';
import { keptShape } from '@flambeau/tensor/internal';
import { beforeAll, describe, expect, it } from 'vitest';
import { normalization, normalizationBackward } from '../src/kernels/normalization.ts';

beforeAll(() => {
  manualSeed(4);
});

const double = { dtype: 'float64' } as const;

/** Inputs with the dimensions that are normalized and those that the parameters do not depend on. */
const cases: readonly (readonly [string, () => Tensor, number[], number[]])[] = [
  ['layers', () => randn([6, 10], double), [1], [0]],
  ['layers of several dimensions', () => randn([3, 4, 5], double), [1, 2], [0]],
  ['everything', () => randn([3, 4], double), [0, 1], []],
  ['batches', () => randn([7, 3], double), [0], [0]],
  ['images', () => randn([4, 3, 5, 6], double), [0, 2, 3], [0, 2, 3]],
  ['groups', () => randn([4, 2, 3, 5], double), [2, 3], [0, 3]],
  ['columns', () => randn([10, 6], double).t(), [1], [0]],
  ['channels last', () => randn([4, 5, 6, 3], double).transpose(1, 3), [0, 2, 3], [0, 2, 3]],
  ['an expanded tensor', () => randn([1, 6], double).expand(5, 6), [1], [0]],
  ['a backward one', () => randn([5, 9], double).flip(1).narrow(1, 2, 6), [1], [0]],
];

const closeTo = (got: Tensor, want: Tensor, tolerance: number): void => {
  expect(got.shape).toEqual(want.shape);
  expect(got.sub(want).abs().max().itemSync()).toBeLessThan(tolerance);
};

describe.each(cases)('normalization of %s', (_, make, dims, shared) => {
  const parameters = (x: Tensor): [Tensor, Tensor] => {
    const shape = keptShape(x.shape, shared);
    return [rand(shape, double).add(0.5), randn([...shape], double)];
  };
  const statistics = (x: Tensor): [Tensor, Tensor] => {
    const variance = x.var(dims, { correction: 0, keepdim: true });
    return [x.mean(dims, true), variance.add(0.1).rsqrt()];
  };

  it('is what the definition says', () => {
    const x = make();
    const [weight, bias] = parameters(x);
    const kept = keptShape(x.shape, dims);
    const [out, mean, rstd] = [zeros([...x.shape], double), zeros(kept, double), zeros(kept, double)];
    const running = { mean: zeros(kept, double), variance: ones(kept, double), momentum: 0.2 };
    normalization(x, weight, bias, { dims, eps: 0.1 }, out, mean, rstd, running);
    const [trueMean, trueRstd] = statistics(x);
    const z = x.sub(trueMean).mul(trueRstd);
    closeTo(out, z.mul(weight).add(bias), 1e-12);
    closeTo(mean, trueMean, 1e-12);
    closeTo(rstd, trueRstd, 1e-12);
    closeTo(running.mean, trueMean.mul(0.2), 1e-12);
    closeTo(running.variance, x.var(dims, { keepdim: true }).mul(0.2).add(0.8), 1e-12);
    normalization(x, null, bias, { dims, eps: 0.1 }, out, mean, rstd, null);
    closeTo(out, z.add(bias), 1e-12);
  });

  it('has the gradients of the definition', () => {
    const x = make();
    const [weight] = parameters(x);
    const grad = randn([...x.shape], double);
    const [mean, rstd] = statistics(x);
    const z = x.sub(mean).mul(rstd);
    const sum = (values: Tensor): Tensor => (shared.length === 0 ? values : values.sum(shared, true));
    for (const w of [weight, null]) {
      const g = w === null ? grad : grad.mul(w);
      const [gradX, gradWeight, gradBias] = [x.shape, weight.shape, weight.shape].map((s) => zeros([...s], double));
      const gradients = { x: gradX!, weight: gradWeight!, bias: gradBias! };
      normalizationBackward(grad, x, w, mean, rstd, dims, shared, gradients);
      const means = (values: Tensor): Tensor => values.mean(dims, true);
      closeTo(
        gradX!,
        g
          .sub(means(g))
          .sub(z.mul(means(g.mul(z))))
          .mul(rstd),
        1e-11,
      );
      closeTo(gradWeight!, sum(grad.mul(z)), 1e-11);
      closeTo(gradBias!, sum(grad), 1e-11);
      gradBias!.zero_();
      normalizationBackward(grad, x, w, mean, rstd, dims, shared, { x: null, weight: null, bias: gradBias! });
      closeTo(gradBias!, sum(grad), 1e-11);
    }
  });
});

it('float32 is rounded once', () => {
  const x = randn(50, 300).mul(10).add(1000);
  const [out, mean, rstd] = [zeros(50, 300), zeros(50, 1), zeros(50, 1)];
  normalization(x, null, null, { dims: [1], eps: 1e-5 }, out, mean, rstd, null);
  const exact = x.double();
  const variance = exact.var(1, { correction: 0, keepdim: true });
  closeTo(out.double(), exact.sub(exact.mean(1, true)).mul(variance.add(1e-5).rsqrt()), 4e-7);
});
