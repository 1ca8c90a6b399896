import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  arange,
  DTypeError,
  functional as F,
  getRngState,
  manualSeed,
  ones,
  randn,
  ShapeError,
  type Tensor,
  tensor,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { itDrawsAsPyTorch } from './randomTensors.ts';

const grid = (): Tensor => arange(20, { dtype: 'float32' }).view(4, 5).t();

function withGradient(f: (x: Tensor) => Tensor): [Tensor, Tensor] {
  const x = randn(4, 5, { requiresGrad: true });
  const y = f(x);
  y.sum().backward();
  return [y, x.grad!];
}

describe('masks, results and gradients are PyTorch’s', () => {
  itDrawsAsPyTorch({
    drop: () => F.dropout(grid(), 0.3),
    drop_e: () => F.dropout(ones(1, 3).expand(4, 3), 0.3),
    drop1: () => F.dropout(tensor([1, Infinity, NaN]), 1),
    drop_ip: () => {
      const x = ones(4);
      return [F.dropout(x, 0.3, true, true), x];
    },
    drop1d: () => [F.dropout1d(ones(6, 3)), F.dropout1d(ones(2, 6, 3), 0.3)],
    drop1d_ip: () => {
      const x = ones(6, 2);
      return [F.dropout1d(x, 0.3, { inplace: true }), x];
    },
    drop2d: () => [F.dropout2d(ones(6, 3, 2)), F.dropout2d(ones(2, 6, 3, 2), 0.3), F.dropout2d(ones(4, 4))],
    drop3d: () => [F.dropout3d(ones(6, 3, 2, 1)), F.dropout3d(ones(2, 6, 3, 2, 1), 0.3), F.dropout3d(ones(4, 4))],
    alpha: () => F.alphaDropout(randn(4, 5), 0.3, true),
    falpha: () => F.featureAlphaDropout(randn(4, 5, 2), { p: 0.3, training: true }),
    alpha_def: () => F.alphaDropout(ones(4)),
    rrelu: () => F.rrelu(randn(4, 5), { training: true }),
    rrelu_t: () => F.rrelu(randn(4, 5).t(), 0.1, 0.4, true),
    rrelu_d: () => F.rrelu(randn(4, 5, { dtype: 'float64' }), 0.1, 0.4, true),
    rrelu_e: () => F.rrelu(randn(4, 5), 0.1, 0.4),
    g_drop: () => withGradient((x) => F.dropout(x, 0.3)),
    g_alpha: () => withGradient((x) => F.alphaDropout(x, 0.3, true)),
    g_rrelu: () => withGradient((x) => F.rrelu(x, 0.1, 0.4, true)),
  });

  const x = ones(2, 3, { requiresGrad: true });
  const nodes: [string, () => Tensor][] = [
    ['MulBackward0', () => F.dropout(x)],
    ['MulBackward0', () => F.dropout(x, 1)],
    ['AddBackward0', () => F.alphaDropout(x, 0.5, true)],
    ['RreluWithNoiseBackward0', () => F.rrelu(x, { training: true })],
    ['RreluWithNoiseBackward0', () => F.rrelu(x)],
    ['AddBackward0', () => F.gumbelSoftmax(x, { hard: true })],
  ];
  it.each(nodes)('%s', (name, make) => {
    expect(make().gradFn?.name).toBe(name);
  });
});

describe('nothing is drawn or changed', () => {
  it('outside of training, for p = 0, and for no elements', () => {
    manualSeed(0);
    const before = getRngState().toArraySync();
    const x = ones(3);
    expect(F.dropout(x, 0.5, false)).toBe(x);
    expect(F.dropout(x, 0)).toBe(x);
    expect(F.alphaDropout(x, 0.5)).toBe(x);
    expect(F.dropout(ones(0)).shape).toEqual([0]);
    expect(F.dropout(x, 1).toArraySync()).toEqual([0, 0, 0]);
    expect(getRngState().toArraySync()).toEqual(before);
  });

  const calls: [string, () => unknown, new (...args: never[]) => Error][] = [
    ['p above 1', () => F.dropout(ones(3), 1.5), RangeError],
    ['p below 0, though not training', () => F.dropout(ones(3), -0.1, false), RangeError],
    ['integers', () => F.dropout(arange(3)), DTypeError],
    ['a vector without channels', () => F.dropout2d(ones(3)), ShapeError],
    ['dropout1d of a 4-d input', () => F.dropout1d(ones(1, 1, 1, 1)), ShapeError],
    ['rrelu with lower > upper', () => F.rrelu(ones(3), 0.5, 0.1), RangeError],
    ['rrelu of integers', () => F.rrelu(arange(3)), DTypeError],
    ['an unknown option', () => F.dropout(ones(3), { probability: 0.1 } as never), TypeError],
  ];
  it.each(calls)('for %s', (_, call, error) => {
    manualSeed(0);
    const before = getRngState().toArraySync();
    expect(call).toThrow(error);
    expect(getRngState().toArraySync()).toEqual(before);
  });
});

describe('gumbelSoftmax is PyTorch’s up to the rounding of softmax', () => {
  itDrawsAsPyTorch(
    {
      g_gumbel: () => withGradient((x) => F.gumbelSoftmax(x, 0.7, true).mul(arange(5))),
      g_gumbel0: () => withGradient((x) => F.gumbelSoftmax(x, 0.7, { dim: 0 }).mul(arange(5))),
    },
    6,
  );
});
