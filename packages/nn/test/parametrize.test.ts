/** Weight norm, spectral norm and parametrizations, against independent computations. */
import { gradcheck } from '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { SGD } from '@flambeau/optim';
import { eye, manualSeed, noGrad, randn, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

const { parametrize, parametrizations } = nn.utils;
const double = { dtype: 'float64' } as const;

const near = (got: Tensor, wanted: Tensor, atol = 1e-6): void => {
  expect(got.shape).toEqual(wanted.shape);
  expect(got.detach().allcloseSync(wanted.detach(), { atol, rtol: 1e-5 })).toBe(true);
};

/** The largest singular value, by many steps of the power method on WᵀW. */
function largestSingularValue(matrix: Tensor): number {
  let v = randn([matrix.shape[1]!], double);
  for (let i = 0; i < 2000; i++) {
    v = matrix.t().mv(matrix.mv(v));
    v = v.div(v.norm());
  }
  return matrix.mv(v).norm().itemSync();
}

describe('weightNorm', () => {
  it('has PyTorch’s names and shapes, and starts as the same layer', () => {
    manualSeed(0);
    const layer = new nn.Conv2d(3, 4, 2);
    const weight = layer.weight.detach().clone();
    const x = randn(1, 3, 4, 4);
    const before = layer(x);
    expect(nn.utils.weightNorm(layer)).toBe(layer);
    expect([...layer.stateDict()].map(([name, { shape }]) => `${name} ${shape}`)).toEqual([
      'bias 4',
      'weight_g 4,1,1,1',
      'weight_v 4,3,2,2',
    ]);
    near(layer(x), before);
    near(layer.weight, weight);
    expect(() => nn.utils.weightNorm(layer)).toThrow('already');
    nn.utils.removeWeightNorm(layer);
    expect([...layer.stateDict().keys()]).toEqual(['bias', 'weight']);
    near(layer(x), before);
    expect(() => nn.utils.removeWeightNorm(layer)).toThrow('has no weight norm');
  });

  it.each([0, 1, null, -1])('normalizes along %s', (dim) => {
    manualSeed(1);
    const layer = nn.utils.weightNorm(new nn.Linear(3, 2), { dim });
    const [g, v] = [layer.getParameter('weight_g'), layer.getParameter('weight_v')];
    noGrad(() => g.mul_(2));
    layer(randn(1, 3));
    const length = dim === null || dim === -1 ? v.norm() : v.norm(2, 1 - dim, true);
    near(layer.weight, v.div(length).mul(g));
    layer(randn(4, 3)).sum().backward();
    expect(g.grad!.shape).toEqual(g.shape);
    expect(v.grad).not.toBeNull();
  });

  it('survives copying: the copy computes its own weight', () => {
    const layer = nn.utils.weightNorm(new nn.Linear(2, 2));
    const copy = layer.clone();
    noGrad(() => copy.getParameter('weight_g').mul_(3));
    const x = randn(1, 2);
    near(copy(x).sub(copy.bias!), layer(x).sub(layer.bias!).mul(3));
    nn.utils.removeWeightNorm(copy);
    expect(copy.parameters().length).toBe(2);
    expect(layer.parameters().length).toBe(3);
  });

  it('works on recurrent layers', () => {
    const rnn = nn.utils.weightNorm(new nn.LSTM(2, 3), 'weight_hh_l0');
    rnn(randn(4, 1, 2))[0]
      .sum()
      .backward();
    expect(rnn.getParameter('weight_hh_l0_v').grad).not.toBeNull();
  });

  it('as a parametrization computes the same, and loads the older names', () => {
    manualSeed(2);
    const old = nn.utils.weightNorm(new nn.Linear(3, 2));
    const layer = parametrizations.weightNorm(new nn.Linear(3, 2));
    expect([...layer.stateDict().keys()]).toEqual([
      'bias',
      'parametrizations.weight.original0',
      'parametrizations.weight.original1',
    ]);
    layer.loadStateDict(old.stateDict());
    const x = randn(2, 3);
    near(layer(x), old(x));
    layer(x).sum().backward();
    expect(layer.parameters().every((p) => p.grad !== null)).toBe(true);
    // Setting the weight sets its length and direction.
    layer.weight = new nn.Parameter(eye(2, 3).mul(5));
    near(layer.weight, eye(2, 3).mul(5));
    expect(layer.getParameter('parametrizations.weight.original0').toArraySync()).toEqual([[5], [5]]);
    parametrize.removeParametrizations(layer, 'weight');
    expect(layer.weight).toBeInstanceOf(nn.Parameter);
    near(layer.weight, eye(2, 3).mul(5));
  });
});

describe('spectralNorm', () => {
  it('divides by the largest singular value, with PyTorch’s names', () => {
    manualSeed(3);
    const layer = new nn.Linear(5, 4, double);
    const weight = layer.weight.detach().clone();
    nn.utils.spectralNorm(layer, { nPowerIterations: 200 });
    expect([...layer.stateDict()].map(([name, { shape }]) => `${name} ${shape}`)).toEqual([
      'bias 4',
      'weight_orig 4,5',
      'weight_u 4',
      'weight_v 5',
    ]);
    layer(randn([1, 5], double));
    near(layer.weight, weight.div(largestSingularValue(weight)));
    layer.eval();
    const u = layer.getBuffer('weight_u').clone();
    layer(randn([1, 5], double))
      .sum()
      .backward();
    near(layer.getBuffer('weight_u'), u, 0);
    expect(layer.getParameter('weight_orig').grad).not.toBeNull();
    nn.utils.removeSpectralNorm(layer);
    expect([...layer.stateDict().keys()]).toEqual(['bias', 'weight']);
    near(layer.weight, weight.div(largestSingularValue(weight)));
  });

  it('makes one step of the power method for each call in training', () => {
    manualSeed(4);
    const layer = nn.utils.spectralNorm(new nn.Linear(3, 2, double));
    const w = layer.getParameter('weight_orig').detach();
    const [u, v] = [layer.getBuffer('weight_u').clone(), layer.getBuffer('weight_v').clone()];
    layer(randn([1, 3], double));
    const nextV = w.t().mv(u);
    near(layer.getBuffer('weight_v'), nextV.div(nextV.norm()));
    const nextU = w.mv(layer.getBuffer('weight_v'));
    near(layer.getBuffer('weight_u'), nextU.div(nextU.norm()));
    near(layer.weight, w.div(nextU.norm()));
    expect(v.shape).toEqual([3]);
  });

  it('takes outputs of transposed convolutions from dimension 1', () => {
    const layer = nn.utils.spectralNorm(new nn.ConvTranspose2d(3, 4, 2));
    expect(layer.getBuffer('weight_u').shape).toEqual([4]);
    expect(layer.getBuffer('weight_v').shape).toEqual([12]);
    expect(() => nn.utils.spectralNorm(new nn.Linear(2, 2), { nPowerIterations: 0 })).toThrow(RangeError);
  });

  it('as a parametrization starts with a fair estimate', () => {
    manualSeed(5);
    const layer = new nn.Linear(4, 3, double);
    const weight = layer.weight.detach().clone();
    parametrizations.spectralNorm(layer);
    expect([...layer.stateDict().keys()]).toEqual([
      'bias',
      'parametrizations.weight.original',
      'parametrizations.weight.0._u',
      'parametrizations.weight.0._v',
    ]);
    layer.eval();
    near(layer.weight, weight.div(largestSingularValue(weight)), 1e-2);
    expect(String(layer)).toBe(
      `ParametrizedLinear(
  in_features=4, out_features=3, bias=True
  (parametrizations): ModuleDict(
    (weight): ParametrizationList(
      (0): _SpectralNorm()
    )
  )
)`,
    );
  });
});

class Symmetric extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.triu().add(x.triu(1).transpose(-1, -2));
  }
  rightInverse(a: Tensor): Tensor {
    return a.triu();
  }
}

class Double extends nn.Module {
  forward(x: Tensor): Tensor {
    return x.mul(2);
  }
}

describe('parametrize', () => {
  it('computes a field from another parameter, which trains', async () => {
    manualSeed(6);
    const layer = new nn.Linear(3, 3);
    const { weight } = layer;
    const optimizer = new SGD([weight], { lr: 0.1 });
    parametrize.registerParametrization(layer, 'weight', new Symmetric());
    expect(parametrize.isParametrized(layer)).toBe(true);
    expect(parametrize.isParametrized(layer, 'bias')).toBe(false);
    expect(parametrize.typeBeforeParametrizations(layer)).toBe(nn.Linear);
    expect(layer instanceof nn.Linear).toBe(true);
    near(layer.weight, layer.weight.t(), 0);
    // The same object, made upper triangular by the inverse.
    expect(layer.getParameter('parametrizations.weight.original')).toBe(weight);
    near(weight, weight.triu(), 0);
    layer(randn(2, 3)).square().sum().backward();
    const before = layer.weight.detach().clone();
    optimizer.step();
    expect(layer.weight.equalSync(before)).toBe(false);
    near(layer.weight, layer.weight.t(), 0);
    const x = randn([3, 3], { ...double, requiresGrad: true });
    expect(await gradcheck((t) => new Symmetric()(t), [x])).toBe(true);
  });

  it('applies several in order, and can be set only with inverses', () => {
    const layer = new nn.Linear(2, 2);
    parametrize.registerParametrization(layer, 'weight', new Symmetric());
    layer.weight = new nn.Parameter(
      tensor([
        [1, 2],
        [2, 3],
      ]),
    );
    near(
      layer.weight,
      tensor([
        [1, 2],
        [2, 3],
      ]),
      0,
    );
    parametrize.registerParametrization(layer, 'weight', new Double());
    near(
      layer.weight,
      tensor([
        [2, 4],
        [4, 6],
      ]),
      0,
    );
    expect(() => {
      layer.weight = new nn.Parameter(eye(2));
    }).toThrow('Double has no rightInverse()');
    parametrize.removeParametrizations(layer, 'weight', { leaveParametrized: false });
    near(
      layer.weight,
      tensor([
        [1, 2],
        [0, 3],
      ]),
      0,
    );
    expect(layer.constructor).toBe(nn.Linear);
    expect([...layer.stateDict().keys()]).toEqual(['bias', 'weight']);
    expect(() => parametrize.removeParametrizations(layer, 'weight')).toThrow('has no parametrization');
  });

  it('refuses results that do not fit, and leaves the module alone then', () => {
    class First extends nn.Module {
      forward(x: Tensor): Tensor {
        return x.at(0);
      }
    }
    const layer = new nn.Linear(2, 2);
    expect(() => parametrize.registerParametrization(layer, 'weight', new First())).toThrow('unsafe: true');
    expect(() => parametrize.registerParametrization(layer, 'wait', new First())).toThrow(
      "no parameter or buffer 'wait'",
    );
    expect([...layer.stateDict().keys()]).toEqual(['weight', 'bias']);
    parametrize.registerParametrization(layer, 'weight', new First(), { unsafe: true });
    expect(layer.weight.shape).toEqual([2]);
  });

  it('computes once while cached', async () => {
    let count = 0;
    class Counted extends nn.Module {
      forward(x: Tensor): Tensor {
        count++;
        return x.mul(1);
      }
    }
    const layer = new nn.Linear(1, 1);
    parametrize.registerParametrization(layer, 'weight', new Counted(), { unsafe: true });
    count = 0;
    parametrize.cached(() => {
      layer(randn(1, 1));
      layer(randn(1, 1));
    });
    expect(count).toBe(1);
    layer(randn(1, 1));
    expect(count).toBe(2);
    await parametrize.cached(async () => layer(randn(1, 1)));
    expect(count).toBe(3);
  });

  it('is copied, saved and loaded', () => {
    manualSeed(7);
    const layer = parametrize.registerParametrization(new nn.Linear(2, 2), 'weight', new Symmetric());
    const copy = layer.clone();
    noGrad(() => copy.getParameter('parametrizations.weight.original').mul_(2));
    near(copy.weight, layer.weight.mul(2));
    parametrize.removeParametrizations(copy, 'weight');
    near(layer.weight, layer.weight.t(), 0);
    const other = parametrize.registerParametrization(new nn.Linear(2, 2), 'weight', new Symmetric());
    other.loadStateDict(layer.stateDict());
    near(other.weight, layer.weight, 0);
    expect(other.to('float64').weight.dtype).toBe('float64');
  });
});
