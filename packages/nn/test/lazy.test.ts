/** Lazy modules: what they print, when they become ordinary, random numbers, state dicts, copies. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { SGD } from '@flambeau/optim';
import { manualSeed, ones, randn, ShapeError, type Tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

type Layer = nn.Module & ((x: Tensor) => Tensor);

/** Each lazy layer with its ordinary counterpart and an input. */
const pairs: Readonly<Record<string, [lazy: () => Layer, plain: () => Layer, shape: number[]]>> = {
  LazyLinear: [() => new nn.LazyLinear(3), () => new nn.Linear(4, 3), [2, 4]],
  LazyConv1d: [() => new nn.LazyConv1d(6, 3, { groups: 2 }), () => new nn.Conv1d(4, 6, 3, { groups: 2 }), [2, 4, 5]],
  LazyConv2d: [
    () => new nn.LazyConv2d(5, [2, 3], { padding: 1, paddingMode: 'circular' }),
    () => new nn.Conv2d(3, 5, [2, 3], { padding: 1, paddingMode: 'circular' }),
    [3, 5, 5],
  ],
  LazyConv3d: [
    () => new nn.LazyConv3d(2, 2, 2, { bias: false }),
    () => new nn.Conv3d(3, 2, 2, 2, { bias: false }),
    [1, 3, 4, 4, 4],
  ],
  LazyConvTranspose1d: [
    () => new nn.LazyConvTranspose1d(6, 3, { groups: 2 }),
    () => new nn.ConvTranspose1d(4, 6, 3, { groups: 2 }),
    [2, 4, 5],
  ],
  LazyConvTranspose2d: [
    () => new nn.LazyConvTranspose2d(5, 3, 2, 1, 1),
    () => new nn.ConvTranspose2d(3, 5, 3, 2, 1, 1),
    [2, 3, 4, 4],
  ],
  LazyConvTranspose3d: [() => new nn.LazyConvTranspose3d(2, 2), () => new nn.ConvTranspose3d(3, 2, 2), [3, 2, 2, 2]],
  LazyBatchNorm1d: [() => new nn.LazyBatchNorm1d(), () => new nn.BatchNorm1d(4), [3, 4]],
  LazyBatchNorm2d: [
    () => new nn.LazyBatchNorm2d({ momentum: 0.3 }),
    () => new nn.BatchNorm2d(3, { momentum: 0.3 }),
    [2, 3, 4, 4],
  ],
  LazyBatchNorm3d: [() => new nn.LazyBatchNorm3d(1e-3), () => new nn.BatchNorm3d(3, 1e-3), [2, 3, 2, 2, 2]],
  LazyInstanceNorm1d: [() => new nn.LazyInstanceNorm1d(), () => new nn.InstanceNorm1d(3), [3, 5]],
  LazyInstanceNorm2d: [
    () => new nn.LazyInstanceNorm2d({ affine: true, trackRunningStats: true }),
    () => new nn.InstanceNorm2d(3, { affine: true, trackRunningStats: true }),
    [2, 3, 4, 4],
  ],
  LazyInstanceNorm3d: [() => new nn.LazyInstanceNorm3d(), () => new nn.InstanceNorm3d(3), [2, 3, 2, 2, 2]],
};

describe.each(Object.entries(pairs))('%s', (name, [lazy, plain, shape]) => {
  it('becomes what the ordinary layer is, with the same random numbers', () => {
    const x = randn(shape);
    manualSeed(1);
    const layer = lazy();
    expect(String(layer)).toMatch(new RegExp(`^${name}\\(`));
    const held = layer.parameters();
    const out = layer(x);
    manualSeed(1);
    const wanted = plain();
    expect(out.toArraySync()).toEqual(wanted(x).toArraySync());
    expect(String(layer)).toBe(String(wanted));
    expect(layer.constructor).toBe(wanted.constructor);
    expect([...layer.stateDict().keys()]).toEqual([...wanted.stateDict().keys()]);
    // An optimizer that was made before holds the same objects.
    expect(layer.parameters().length).toBe(held.length);
    for (const [i, parameter] of layer.parameters().entries()) expect(parameter).toBe(held[i]);
  });

  it('takes its shapes from a state dict as well', () => {
    const source = plain();
    const layer = lazy();
    layer.loadStateDict(source.stateDict());
    const x = randn(shape);
    expect(layer(x).toArraySync()).toEqual(source(x).toArraySync());
    expect(String(layer)).toBe(String(source));
  });

  it('can be copied and moved before', () => {
    const layer = lazy();
    const copy = layer.clone().to('float64');
    expect(copy(randn(shape, { dtype: 'float64' })).dtype).toBe('float64');
    expect(layer.constructor.name).toBe(name);
    expect(layer(randn(shape)).dtype).toBe('float32');
  });
});

describe('lazy modules', () => {
  it('refuse inputs that do not fit, and go on waiting', () => {
    const layer = new nn.LazyConv2d(4, 3, { groups: 2 });
    expect(() => layer(ones(3, 3))).toThrow(ShapeError);
    expect(() => layer(ones(1, 3, 4, 4))).toThrow('do not divide into 2 groups');
    expect(layer(ones(1, 2, 4, 4)).shape).toEqual([1, 4, 2, 2]);
    expect(() => new nn.LazyBatchNorm2d()(ones(2, 3))).toThrow(ShapeError);
  });

  it('train in a Sequential under an optimizer that was made before', () => {
    manualSeed(0);
    const net = new nn.Sequential(new nn.LazyLinear(8), new nn.LazyBatchNorm1d(), new nn.ReLU(), new nn.LazyLinear(1));
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const [x, y] = [randn(16, 3), randn(16, 1)];
    const losses = Array.from({ length: 20 }, () => {
      optimizer.zeroGrad();
      const loss = new nn.MSELoss()(net(x), y);
      loss.backward();
      optimizer.step();
      return loss.itemSync();
    });
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.75);
  });

  it('print what waits, and save it as waiting', () => {
    const layer = new nn.LazyLinear(2);
    expect(nn.isLazy(layer.weight)).toBe(true);
    expect(String(layer.weight)).toBe('<UninitializedParameter>');
    const other = new nn.LazyLinear(2);
    other.loadStateDict(layer.stateDict());
    expect(nn.isLazy(other.weight)).toBe(true);
    expect(() => new nn.Linear(3, 2).loadStateDict(layer.stateDict())).toThrow('size mismatch for weight');
    layer(ones(1, 3));
    expect(nn.isLazy(layer.weight)).toBe(false);
    expect(layer.inFeatures).toBe(3);
  });
});
