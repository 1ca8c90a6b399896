/** Optimizers on WebGPU: state that moves, decisions that stay on the device, closures that are awaited. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import * as webgpu from '@flambeau/backend-webgpu';
import { Linear, utils } from '@flambeau/nn';
import { DeviceError, isTensor, manualSeed, randn, type Tensor, tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import * as optim from '../src/index.ts';

const gpu = 'webgpu:0';

beforeAll(() => webgpu.init());

function expectClose(got: readonly number[], wanted: readonly number[], tolerance = 1e-5): void {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(Math.abs(got[i]! - value), `${got[i]} and ${value}`).toBeLessThanOrEqual(tolerance * (1 + Math.abs(value)));
  });
}

const flat = async (x: Tensor): Promise<number[]> => Array.from(await x.detach().toTypedArray(), Number);

const start = (on: string): Tensor => tensor([1, -2, 3]).to(on).requiresGrad_();

/** Steps down a bowl. */
function descend(optimizer: optim.Optimizer, x: Tensor, steps: number): void {
  for (let i = 0; i < steps; i++) {
    optimizer.zeroGrad();
    x.square().sum().backward();
    optimizer.step();
  }
}

type Make = (parameters: Tensor[]) => optim.Optimizer;

const makers: [name: string, make: Make][] = [
  ['SGD', (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 })],
  ['Adam', (p) => new optim.Adam(p, { lr: 0.1, amsgrad: true })],
  ['RMSprop', (p) => new optim.RMSprop(p, { lr: 0.1, centered: true })],
  ['NAdam', (p) => new optim.NAdam(p, { lr: 0.1 })],
  ['ASGD', (p) => new optim.ASGD(p, { lr: 0.1 })],
  ['Lion', (p) => new optim.Lion(p, { lr: 0.1 })],
];

it('GradScaler leaves the decision on the device until it is awaited', async () => {
  const p = tensor([1, 2]).to(gpu).requiresGrad_();
  const optimizer = new optim.Adam([p], { lr: 0.5 });
  const scaler = new optim.GradScaler({ initScale: 4, growthInterval: 1 });
  p.grad = tensor([1, Number.POSITIVE_INFINITY]).to(gpu);
  await scaler.step(optimizer);
  scaler.update();
  expect([await flat(p), scaler.getScale()]).toEqual([[1, 2], 2]);
  optimizer.zeroGrad();
  scaler.scale(p.square().sum()).backward();
  const step = scaler.step(optimizer);
  expect(() => scaler.update()).toThrow('await');
  await step;
  scaler.update();
  expectClose(await flat(p), [0.5, 1.5]);
  expect(scaler.getScale()).toBe(4);
});

it('Muon makes the same steps on the device', async () => {
  manualSeed(0);
  const [p, grad] = [randn(4, 3), randn(4, 3)];
  const [a, b] = [p.clone().requiresGrad_(), p.to(gpu).requiresGrad_()];
  for (const [x, g] of [
    [a, grad],
    [b, grad.to(gpu)],
  ] as const) {
    x.grad = g;
    const optimizer = new optim.Muon([x], { lr: 0.1 });
    optimizer.step();
    optimizer.step();
  }
  expectClose(await flat(b), await flat(a), 1e-4);
});

describe('state', () => {
  it.each(makers)('of %s goes on where the CPU stopped', async (_, make) => {
    const x = start('cpu');
    const optimizer = make([x]);
    descend(optimizer, x, 3);
    const moved = x.detach().to(gpu).requiresGrad_();
    const other = make([moved]);
    other.loadStateDict(optimizer.stateDict());
    descend(optimizer, x, 3);
    descend(other, moved, 3);
    expectClose(await flat(moved), await flat(x));
    // Once more, from the device to the device.
    const again = moved.detach().clone().requiresGrad_();
    const third = make([again]);
    third.loadStateDict(other.stateDict());
    descend(optimizer, x, 2);
    descend(third, again, 2);
    expectClose(await flat(again), await flat(x));
  });

  it('does not leave the device at once: nothing is changed then', async () => {
    const [x, y] = [start(gpu), start('cpu')];
    const [source, target] = [new optim.Adam([x]), new optim.Adam([y])];
    descend(source, x, 2);
    descend(target, y, 1);
    const state = source.stateDict();
    expect(() => target.loadStateDict(state)).toThrow(DeviceError);
    expect(() => target.loadStateDict(state)).toThrow('await x.cpu()');
    expect(target.state.get(y)!.step).toBe(1);
    for (const kept of state.state.values())
      for (const [key, value] of Object.entries(kept)) if (isTensor(value)) kept[key] = await value.cpu();
    target.loadStateDict(state);
    expect(target.state.get(y)!.step).toBe(2);
  });

  it('keeps its counters on the CPU, as PyTorch does', () => {
    const x = start(gpu);
    const optimizer = new optim.Adam([x]);
    descend(optimizer, x, 2);
    const state = optimizer.stateDict();
    const { step, exp_avg } = state.state.get(0)! as { step: Tensor; exp_avg: Tensor };
    expect([step.device, step.itemSync(), exp_avg.device]).toEqual(['cpu', 2, gpu]);
    state.state.get(0)!.step = step.to(gpu);
    expect(() => optimizer.loadStateDict(state)).toThrow("'step'");
    expect(() => optimizer.loadStateDict(state)).toThrow('await x.cpu()');
    expect(optimizer.state.get(x)!.step).toBe(2);
  });
});

describe('LBFGS', () => {
  const rosenbrock = (x: Tensor): Tensor => {
    const [a, b] = x.unbind() as [Tensor, Tensor];
    return b.sub(a.square()).square().mul(100).add(a.rsub(1).square());
  };

  it('takes an asynchronous closure and finds the bottom of a curved valley', async () => {
    const losses: Record<string, number> = {};
    for (const on of ['cpu', gpu]) {
      const x = tensor([-1.2, 1]).to(on).requiresGrad_();
      const optimizer = new optim.LBFGS([x], { lineSearchFn: 'strong_wolfe', maxIter: 60 });
      const first = await optimizer.step(async () => {
        optimizer.zeroGrad();
        const loss = rosenbrock(x);
        loss.backward();
        return loss;
      });
      losses[on] = await first.item();
      expectClose(await flat(x), [1, 1], 1e-2);
    }
    expectClose([losses[gpu]!], [losses.cpu!]);
  });

  it('says so where the closure is synchronous', async () => {
    const x = start(gpu);
    const optimizer = new optim.LBFGS([x]);
    const closure = (): Tensor => {
      const loss = x.square().sum();
      loss.backward();
      return loss;
    };
    expect(() => optimizer.step(closure)).toThrow(DeviceError);
    expect(() => optimizer.step(closure)).toThrow('await optimizer.step(async');
    expect(await flat(x)).toEqual([1, -2, 3]);
  });
});

describe('around an optimizer', () => {
  it('gradients are clipped without reading', async () => {
    const run = async (on: string, maxNorm: number): Promise<number[]> => {
      const x = start(on);
      x.square().sum().backward();
      const total = utils.clipGradNorm_([x], maxNorm);
      return [await total.item(), ...(await flat(x.grad!))];
    };
    for (const maxNorm of [1, 100]) expectClose(await run(gpu, maxNorm), await run('cpu', maxNorm));
    const x = start(gpu);
    x.square().sum().backward();
    expect(() => utils.clipGradNorm_([x], 1, { errorIfNonfinite: true })).toThrow(DeviceError);
    expect(() => utils.clipGradNorm_([x], 1, { errorIfNonfinite: true })).toThrow('await total.item()');
    expect(await flat(x.grad!)).toEqual([2, -4, 6]);
  });

  it('a scheduler that looks at the loss gets its number', async () => {
    const x = start(gpu);
    const optimizer = new optim.SGD([x], { lr: 1 });
    const scheduler = new optim.lrScheduler.ReduceLROnPlateau(optimizer, { patience: 0, factor: 0.5 });
    const loss = x.detach().sum();
    expect(() => scheduler.step(loss)).toThrow('await x.item()');
    for (let i = 0; i < 3; i++) scheduler.step(await loss.item());
    expect(optimizer.paramGroups[0]!.lr).toBe(0.25);
  });

  it('averages of models stay on the device', async () => {
    manualSeed(1);
    const net = new Linear(2, 1).to(gpu);
    const average = new optim.swaUtils.AveragedModel(net);
    for (const value of [1, 3]) {
      net.weight.data.fill_(value);
      average.updateParameters(net);
    }
    expect(average.module.weight.device).toBe(gpu);
    expect(await flat(average.module.weight)).toEqual([2, 2]);
    const state = average.stateDict();
    expect(await state.get('n_averaged')!.item()).toBe(2);
    const resumed = new optim.swaUtils.AveragedModel(net);
    resumed.loadStateDict(state);
    expect(await flat(resumed.module.weight)).toEqual([2, 2]);
    expect(resumed(randn(3, 2).to(gpu)).device).toBe(gpu);
  });
});
