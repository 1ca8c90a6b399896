/** GradScaler: PyTorch's schedule, skipped steps, misuse, state. */
import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { Linear, utils } from '@flambeau/nn';
import {
  autocast,
  DTypeError,
  manualSeed,
  randn,
  SerializationError,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { Adam, GradScaler, SGD } from '../src/index.ts';

const made = (...values: number[]): [Tensor, SGD] => {
  const p = tensor(values).requiresGrad_();
  return [p, new SGD([p], { lr: 1 })];
};

/** A step whose scaled gradient is this one. */
function stepWith(scaler: GradScaler, p: Tensor, optimizer: SGD, grad: number): void {
  p.grad = tensor([grad]);
  scaler.step(optimizer);
  scaler.update();
}

describe('GradScaler', () => {
  it('scales losses and unscales gradients', () => {
    const [p, optimizer] = made(2);
    const scaler = new GradScaler();
    expect(scaler.getScale()).toBe(65536);
    const loss = scaler.scale(p.square().sum());
    expect(loss.itemSync()).toBe(4 * 65536);
    loss.backward();
    expect(p.grad!.itemSync()).toBe(4 * 65536);
    scaler.step(optimizer);
    scaler.update();
    expect(p.toArraySync()).toEqual([-2]);
    const [a, b] = scaler.scale([tensor(1), tensor(2)]);
    expect([a!.itemSync(), b!.itemSync()]).toEqual([65536, 131072]);
    expect(() => scaler.scale(3 as never)).toThrow(TypeError);
  });

  it('clips between unscale_ and step', () => {
    const [p, optimizer] = made(0, 0);
    const scaler = new GradScaler({ initScale: 4 });
    p.grad = tensor([12, 16]);
    scaler.unscale_(optimizer);
    expect(p.grad!.toArraySync()).toEqual([3, 4]);
    utils.clipGradNorm_([p], 2.5);
    scaler.step(optimizer);
    scaler.update();
    for (const [i, value] of [-1.5, -2].entries()) expect((p.toArraySync() as number[])[i]).toBeCloseTo(value, 5);
  });

  it.each([Number.POSITIVE_INFINITY, Number.NaN])('leaves steps with %s out, and backs off', (bad) => {
    const p = tensor([1, 2]).requiresGrad_();
    const optimizer = new Adam([p]);
    const scaler = new GradScaler(8);
    p.grad = tensor([1, bad]);
    scaler.step(optimizer);
    scaler.update();
    expect(p.toArraySync()).toEqual([1, 2]);
    expect(optimizer.state.size).toBe(0);
    expect(scaler.getScale()).toBe(4);
  });

  it('grows after good steps in a row, within float32', () => {
    const [p, optimizer] = made(0);
    const scaler = new GradScaler({ initScale: 2, growthFactor: 3, backoffFactor: 0.5, growthInterval: 3 });
    const scales: number[] = [];
    for (const grad of [1, 1, Number.NaN, 1, 1, 1, 1]) {
      stepWith(scaler, p, optimizer, grad);
      scales.push(scaler.getScale());
    }
    expect(scales).toEqual([2, 2, 1, 1, 1, 3, 3]);
    const high = new GradScaler({ initScale: 2 ** 127, growthInterval: 1 });
    stepWith(high, p, optimizer, 1);
    expect(high.getScale()).toBe(2 ** 127);
    // As float32, where PyTorch keeps it.
    expect(new GradScaler(0.1).getScale()).toBe(Math.fround(0.1));
  });

  it('judges several optimizers on their own, and adapts for all', () => {
    const [[p, first], [q, second]] = [made(1), made(1)];
    const scaler = new GradScaler(2);
    p.grad = tensor([Number.POSITIVE_INFINITY]);
    q.grad = tensor([2]);
    scaler.step(first);
    scaler.step(second);
    scaler.update();
    expect([p.itemSync(), q.itemSync(), scaler.getScale()]).toEqual([1, 0, 1]);
    scaler.update(512);
    expect(scaler.getScale()).toBe(512);
  });

  it('refuses what makes no sense', () => {
    const [p, optimizer] = made(1);
    const scaler = new GradScaler();
    expect(() => scaler.update()).toThrow('no step() or unscale_()');
    expect(() => scaler.step(optimizer)).toThrow('backward() first');
    p.grad = tensor([1]);
    scaler.unscale_(optimizer);
    expect(() => scaler.unscale_(optimizer)).toThrow('already');
    scaler.step(optimizer);
    expect(() => scaler.step(optimizer)).toThrow('already');
    expect(() => scaler.unscale_(optimizer)).toThrow('after step()');
    scaler.update();
    const half = zeros(1, { dtype: 'float16' }).requiresGrad_();
    half.grad = zeros(1, { dtype: 'float16' });
    expect(() => scaler.unscale_(new SGD([half], 1))).toThrow(DTypeError);
    expect(() => new GradScaler({ growthFactor: 1 })).toThrow(RangeError);
    expect(() => new GradScaler({ backoffFactor: 1 })).toThrow(RangeError);
    expect(() => new GradScaler({ growthInterval: 0 })).toThrow(RangeError);
    expect(() => scaler.update(0)).toThrow(RangeError);
  });

  it('does nothing when it is off', () => {
    const [p, optimizer] = made(3);
    const scaler = new GradScaler({ enabled: false });
    p.grad = tensor([1]);
    expect(scaler.scale(p)).toBe(p);
    scaler.unscale_(optimizer);
    scaler.step(optimizer);
    scaler.update();
    expect([p.itemSync(), scaler.getScale(), scaler.isEnabled()]).toEqual([2, 1, false]);
    expect(scaler.stateDict()).toEqual({});
  });

  it('goes on from a state dict', () => {
    const [p, optimizer] = made(0);
    const scaler = new GradScaler({ initScale: 2, growthInterval: 2 });
    stepWith(scaler, p, optimizer, 1);
    const state = scaler.stateDict();
    expect(state).toEqual({
      scale: 2,
      growth_factor: 2,
      backoff_factor: 0.5,
      growth_interval: 2,
      _growth_tracker: 1,
    });
    const other = new GradScaler();
    other.loadStateDict(new Map(Object.entries(state)));
    stepWith(other, p, optimizer, 1);
    expect(other.getScale()).toBe(4);
    expect(() => other.loadStateDict({})).toThrow(SerializationError);
    expect(() => other.loadStateDict({ ...state, scale: 'x' })).toThrow(SerializationError);
    expect(other.getScale()).toBe(4);
  });

  it('trains in float16 what would vanish without it', () => {
    manualSeed(0);
    const run = (scaler: GradScaler): number => {
      manualSeed(1);
      const net = new Linear(4, 1, { bias: false });
      const before = net.weight.detach().clone();
      const optimizer = new SGD(net.parameters(), { lr: 1e6 });
      // Gradients of about 1e-8, below float16's smallest number.
      const loss = autocast({ deviceType: 'cpu', dtype: 'float16' }, () =>
        net(randn(8, 4)).mul(1e-8).to('float32').mean(),
      );
      scaler.scale(loss).backward();
      scaler.step(optimizer);
      scaler.update();
      return net.weight.detach().sub(before).abs().max().itemSync();
    };
    expect(run(new GradScaler({ enabled: false }))).toBe(0);
    expect(run(new GradScaler())).toBeGreaterThan(1e-4);
  });
});
