import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  arange,
  bernoulli,
  type DType,
  empty,
  linspace,
  multinomial,
  normal,
  ones,
  poisson,
  rand,
  randint,
  randintLike,
  randLike,
  randn,
  randnLike,
  randperm,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { itDrawsAsPyTorch } from './randomTensors.ts';

const range = (n: number, dtype: DType = 'float32'): Tensor => arange(n, { dtype });
const each = (dtypes: readonly DType[], fill: (x: Tensor) => Tensor): Tensor[] =>
  dtypes.map((dtype) => fill(zeros(4, { dtype })));
const numeric = ['uint8', 'int8', 'int16', 'int32', 'int64', 'float32', 'float64'] as const;
const rates = [0, 0.5, 3, 9.5, 10, 12, 50, 1e3, 1e6];

describe('tensors that are not contiguous are filled in memory order', () => {
  itDrawsAsPyTorch({
    uniform_t: () => empty(4, 5).t().uniform_(2, 3),
    normal_t: () => empty(4, 5).t().normal_(1, 2),
    normal_slice: () => zeros(6, 8).at(':', '::2').normal_(),
    normal_slice3: () => {
      const whole = zeros(4, 5, 6);
      return [whole.at('1:3', ':', '1:3').transpose(0, 2).normal_(), whole];
    },
    randint_perm3: () => zeros(3, 4, 5).permute(1, 2, 0).random_(100),
    cnormal: () => empty(3, 3, { dtype: 'complex64' }).t().normal_(1, 2).t(),
    bern: () => bernoulli(linspace(0, 1, 20).view(4, 5).t()),
    bern_d: () => bernoulli(linspace(0, 1, 20, { dtype: 'float64' }).view(4, 5).t()),
    bern_p: () => zeros(4, 5, { dtype: 'int32' }).t().bernoulli(0.3),
    bern_ip: () =>
      zeros(4, 5)
        .t()
        .bernoulli_(tensor([0.1, 0.5, 0.9, 0.3])),
  });
});

describe('tensors like others have their order in memory', () => {
  itDrawsAsPyTorch({
    rand_like_t: () => randLike(zeros(4, 5).t()),
    randn_like_t: () => randnLike(zeros(4, 5).t()),
    randn_like_slice: () => randnLike(zeros(4, 10).at(':', '::2')),
    randn_like_slicet: () => randnLike(zeros(4, 10).at(':', '::2').t()),
    rand_like_expand: () => randLike(zeros(4, 1).expand(4, 5)),
    rand_like_expand2: () => randLike(zeros(1, 4, 1).expand(3, 4, 5)),
    rand_like_expand3: () => randLike(zeros(4, 1, 3).transpose(0, 2).expand(3, 6, 4)),
    randint_like: () => randintLike(zeros(2, 3), 10),
    randint_like2: () => randintLike(zeros(2, 3, { dtype: 'uint8' }), 5, 10),
  });
});

describe('parameters that are tensors', () => {
  itDrawsAsPyTorch({
    bern_ipd: () => zeros(4, 5, { dtype: 'uint8' }).bernoulli_(tensor([0.1, 0.5, 0.9, 0.3, 0.2], { dtype: 'float64' })),
    bern_bf: () => bernoulli(linspace(0, 1, 20).bfloat16()),
    normal_tf: () => normal(range(20).view(4, 5).t(), 2),
    normal_ft: () => normal(1, range(20).view(4, 5)),
    normal_tt: () => normal(range(4).view(4, 1), range(5)),
    normal_tdf: () => normal(range(5, 'float64'), range(5)),
    mult: () =>
      multinomial(
        tensor([
          [0.1, 0.2, 0.7],
          [1, 0, 2],
        ]),
        2,
      ),
    multr: () =>
      multinomial(
        tensor([
          [0.1, 0.2, 0.7],
          [1, 0, 2],
        ]),
        4,
        true,
      ),
    poisson: () => poisson(tensor(rates).repeat(6)),
    poissond: () => poisson(tensor(rates, { dtype: 'float64' }).repeat(3)),
  });
});

describe('dtypes', () => {
  itDrawsAsPyTorch({
    normal_f: () => normal(1, 2, [3, 4]),
    crandn: () => randn(20, { dtype: 'complex64' }),
    crandn5: () => randn(5, { dtype: 'complex128' }),
    crand: () => rand(5, { dtype: 'complex64' }),
    random0: () =>
      each(['uint8', 'int8', 'int16', 'int32', 'int64', 'bool', 'float32', 'float64', 'bfloat16'], (x) => x.random_()),
    random_from: () => each(numeric, (x) => x.random_(3, null)),
    random_neg: () => each(numeric.slice(1), (x) => x.random_(-3, null)),
    random_to: () => each(numeric, (x) => x.random_(5)),
    randperm_f: () => randperm(9, { dtype: 'float32' }),
    exp_h: () => zeros(5, { dtype: 'bfloat16' }).exponential_(2),
    geo_i: () => zeros(5, { dtype: 'int32' }).geometric_(0.2),
    half_uniform: () => empty(20, { dtype: 'float16' }).uniform_(),
    half_normal: () => empty(5, { dtype: 'float16' }).normal_(),
    bf_normal: () => empty(33, { dtype: 'bfloat16' }).normal_(),
  });

  it('integers are int32, with bigint bounds int64, floats the default dtype', () => {
    expect(randint(10, [2]).dtype).toBe('int32');
    expect(randint(0n, 2n ** 40n, [2]).dtype).toBe('int64');
    expect(randint(0, 10, [2], { dtype: 'uint8' }).dtype).toBe('uint8');
    expect(randperm(3).dtype).toBe('int32');
    expect(rand(2).dtype).toBe('float32');
    expect(randn([2], { dtype: 'double' }).dtype).toBe('float64');
    expect(randLike(ones(2), { dtype: 'float64' }).dtype).toBe('float64');
    expect(multinomial(ones(3), 2).dtype).toBe('int32');
  });
});

/** The result and the gradient of its sum by its argument. */
function withGradient(f: (x: Tensor) => Tensor): [Tensor, Tensor] {
  const x = randn(4, 5, { requiresGrad: true });
  const y = f(x);
  y.sum().backward();
  return [y, x.grad!];
}

describe('no gradient flows through random numbers', () => {
  itDrawsAsPyTorch({
    g_uni: () => withGradient((x) => x.mul(2).uniform_().add(x)),
    g_uniview: () =>
      withGradient((x) => {
        const y = x.mul(2);
        y.at('1:3').normal_();
        return y;
      }),
    g_bern: () => withGradient((x) => x.sigmoid().bernoulli().mul(x)),
    g_normal: () => withGradient((x) => normal(x, x.abs()).add(x)),
  });

  const x = ones(3, { requiresGrad: true });
  const nodes: [string, () => Tensor][] = [
    ['UniformBackward0', () => x.mul(2).uniform_()],
    ['NormalBackward0', () => x.mul(2).normal_()],
    ['CauchyBackward0', () => x.mul(2).cauchy_()],
    ['ExponentialBackward0', () => x.mul(2).exponential_()],
    ['LogNormalBackward0', () => x.mul(2).logNormal_()],
    ['GeometricBackward0', () => x.mul(2).geometric_(0.5)],
    ['RandomBackward0', () => x.mul(2).random_(1, 5)],
    ['RandomBackward1', () => x.mul(2).random_(5)],
    ['RandomBackward2', () => x.mul(2).random_()],
    ['BernoulliBackward0', () => x.mul(0.5).bernoulli()],
    ['BernoulliBackward1', () => x.mul(2).bernoulli_(tensor(0.5))],
    ['BernoulliBackward2', () => x.mul(2).bernoulli_()],
    ['NormalBackward1', () => normal(x, 1)],
    ['NormalBackward2', () => normal(0, x)],
    ['NormalBackward3', () => normal(x, x)],
    ['PoissonBackward0', () => poisson(x)],
  ];
  it.each(nodes)('%s', (name, make) => {
    expect(make().gradFn?.name).toBe(name);
  });

  it('functions that make tensors from numbers, and a number p, leave no history', () => {
    expect(x.bernoulli(0.3).gradFn).toBeNull();
    expect(randLike(x).requiresGrad).toBe(false);
    expect(multinomial(x, 2).requiresGrad).toBe(false);
    expect(rand(2, { requiresGrad: true }).isLeaf).toBe(true);
  });
});
