import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { Adam, lrScheduler, SGD } from '../src/index.ts';

const sgd = (...lrs: number[]): SGD =>
  new SGD(
    lrs.map((lr) => ({ params: [zeros(1).requiresGrad_()], lr })),
    { lr: 0.1, momentum: 0.9 },
  );

/** Learning rates of the first group after each of `steps` steps, the first before any. */
function rates(optimizer: SGD, scheduler: { step(): void }, steps: number): number[] {
  const seen = [optimizer.paramGroups[0]!.lr];
  for (let i = 0; i < steps; i++) {
    scheduler.step();
    seen.push(optimizer.paramGroups[0]!.lr);
  }
  return seen;
}

describe('schedulers', () => {
  it('go step by step', () => {
    const optimizer = sgd(1);
    const seen = rates(optimizer, new lrScheduler.StepLR(optimizer, 2, { gamma: 0.5 }), 5);
    expect(seen).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
  });

  it('can jump to an epoch', () => {
    const optimizer = sgd(1);
    for (const scheduler of [
      new lrScheduler.StepLR(optimizer, 2, 0.5),
      new lrScheduler.ExponentialLR(optimizer, Math.SQRT1_2),
      new lrScheduler.MultiStepLR(optimizer, [1, 3], 0.5),
    ]) {
      scheduler.step(4);
      expect(optimizer.paramGroups[0]!.lr).toBeCloseTo(0.25, 12);
      optimizer.paramGroups[0]!.lr = 1;
    }
  });

  it('follow functions of one’s own, one for each group', () => {
    const optimizer = sgd(1, 2);
    const scheduler = new lrScheduler.LambdaLR(optimizer, [(epoch) => 1 / (epoch + 1), () => 0.5]);
    scheduler.step();
    expect(scheduler.getLastLr()).toEqual([0.5, 1]);
    expect(() => new lrScheduler.LambdaLR(optimizer, [() => 1])).toThrow(/2 parameter groups/);
  });

  it('warm up and anneal one after the other', () => {
    const optimizer = sgd(1);
    const warmup = new lrScheduler.LinearLR(optimizer, { startFactor: 0.5, totalIters: 2 });
    const decay = new lrScheduler.CosineAnnealingLR(optimizer, 2);
    const seen = rates(optimizer, new lrScheduler.SequentialLR(optimizer, [warmup, decay], [2]), 4);
    for (const [i, value] of [0.5, 0.75, 1, 0.5, 0].entries()) expect(seen[i]).toBeCloseTo(value, 12);
  });

  it('reduce learning rates when a metric stops improving', () => {
    const optimizer = sgd(1);
    const scheduler = new lrScheduler.ReduceLROnPlateau(optimizer, 'min', { patience: 1, factor: 0.5 });
    for (const loss of [3, 2, 2, 2]) scheduler.step(tensor(loss));
    expect(scheduler.getLastLr()).toEqual([0.5]);
    expect(scheduler.best).toBe(2);
  });

  it('cycle momentum of SGD and betas of Adam', () => {
    const optimizer = sgd(1);
    new lrScheduler.CyclicLR(optimizer, 0.1, 0.5, { stepSizeUp: 2 });
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.1, momentum: 0.9 });
    const adam = new Adam([zeros(1).requiresGrad_()]);
    const cycle = new lrScheduler.OneCycleLR(adam, 1, { totalSteps: 10 });
    expect(adam.paramGroups[0]!.betas).toEqual([0.95, 0.999]);
    for (let i = 0; i < 10; i++) cycle.step();
    expect(() => cycle.step()).toThrow(/beyond the 10 steps/);
    expect(() => new lrScheduler.CyclicLR(adam, 0.1, 0.5)).toThrow(/cycleMomentum/);
  });

  it('resume where another left off', () => {
    const [first, second] = [sgd(1), sgd(1)];
    const scheduler = new lrScheduler.ExponentialLR(first, 0.5);
    scheduler.step();
    second.loadStateDict(first.stateDict());
    const resumed = new lrScheduler.ExponentialLR(second, 0.5, 1);
    expect(resumed.getLastLr()).toEqual([0.25]);
    const loaded = new lrScheduler.ExponentialLR(sgd(1), 0.1);
    loaded.loadStateDict(scheduler.stateDict());
    expect([loaded.gamma, loaded.lastEpoch]).toEqual([0.5, 1]);
    expect(() => new lrScheduler.ExponentialLR(sgd(1), 0.5, 3)).toThrow(/initialLr/);
  });

  it('refuse settings that make no sense', () => {
    const optimizer = sgd(1);
    expect(() => new lrScheduler.StepLR(optimizer, 0)).toThrow(RangeError);
    expect(() => new lrScheduler.LinearLR(optimizer, { startFactor: 2 })).toThrow(RangeError);
    expect(() => new lrScheduler.OneCycleLR(optimizer, 1)).toThrow(/totalSteps/);
    expect(() => new lrScheduler.ReduceLROnPlateau(optimizer, { factor: 1 })).toThrow(RangeError);
    expect(() => new lrScheduler.SequentialLR(optimizer, [], [])).toThrow(TypeError);
    expect(() => new lrScheduler.StepLR(optimizer, { stepSize: 1, gama: 1 } as never)).toThrow(/'gamma'/);
  });
});
