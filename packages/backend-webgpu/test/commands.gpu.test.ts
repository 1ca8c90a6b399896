/** A training step asks little of the device beside its work: few submits, and nothing compiled or made anew. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Conv2d, CrossEntropyLoss, Flatten, Linear, MaxPool2d, ReLU, Sequential } from '@flambeau/nn';
import * as optim from '@flambeau/optim';
import { fromTypedArray, Parameter, type Tensor, tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { findAdapter } from '../src/device.ts';
import { init, memoryStats, synchronize } from '../src/index.ts';

/** What was asked of the device. */
const counts = { submits: 0, pipelines: 0, modules: 0, buffers: 0, passes: 0, dispatches: 0, uploads: 0 };
type Counts = typeof counts;
const names = Object.keys(counts) as (keyof Counts)[];

/** The adapter, whose device counts. */
async function countingAdapter(): Promise<GPUAdapter> {
  const adapter = (await findAdapter({}))!;
  const request = adapter.requestDevice.bind(adapter);
  adapter.requestDevice = async (descriptor) => {
    const device = await request(descriptor);
    /** Counts the calls of a method, and those of methods of what it returns. */
    const count = <Name extends string>(
      owner: Record<Name, (...args: never[]) => unknown>,
      name: Name,
      key: keyof Counts | null,
      further: (made: never) => void = () => {},
    ) => {
      const method = owner[name].bind(owner);
      owner[name] = (...args) => {
        if (key !== null) counts[key]++;
        const made = method(...args);
        further(made as never);
        return made;
      };
    };
    count(device.queue, 'submit', 'submits');
    count(device.queue, 'writeBuffer', 'uploads');
    count(device, 'createComputePipeline', 'pipelines');
    count(device, 'createShaderModule', 'modules');
    count(device, 'createBuffer', 'buffers');
    count(device, 'createCommandEncoder', null, (encoder: GPUCommandEncoder) =>
      count(encoder, 'beginComputePass', 'passes', (pass: GPUComputePassEncoder) =>
        count(pass, 'dispatchWorkgroups', 'dispatches'),
      ),
    );
    return device;
  };
  return adapter;
}

beforeAll(async () => {
  await init({ adapter: await countingAdapter() });
});

const wave = (shape: number[]): Tensor =>
  fromTypedArray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 12.9898)),
    shape,
  );

/** A step of the tutorial's MNIST network; the loss is read. */
function trainer(batch: number): () => Promise<number> {
  const net = new Sequential(
    new Conv2d(1, 10, 5, { padding: 2 }),
    new ReLU(),
    new MaxPool2d(2),
    new Conv2d(10, 20, 5, { padding: 2 }),
    new ReLU(),
    new MaxPool2d(2),
    new Flatten(),
    new Linear(980, 50),
    new ReLU(),
    new Linear(50, 10),
  ).to('webgpu');
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
  const criterion = new CrossEntropyLoss();
  const x = wave([batch, 1, 28, 28]).to('webgpu');
  const y = tensor(
    Array.from({ length: batch }, (_, i) => i % 10),
    { dtype: 'int32' },
  ).to('webgpu');
  return async () => {
    optimizer.zeroGrad();
    const loss = criterion(net(x), y);
    loss.backward();
    optimizer.step();
    return (await loss.item()) as number;
  };
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Collects what nothing holds any more; finalizers run a little later. */
async function collect(): Promise<void> {
  gc();
  for (let before = -1; before !== memoryStats().liveBuffers; ) {
    before = memoryStats().liveBuffers;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What `steps` further steps ask for, of which each is followed by a collection. */
async function asked(step: () => Promise<number>, steps: number): Promise<Counts> {
  const before = { ...counts };
  for (let i = 0; i < steps; i++) {
    await step();
    await collect();
  }
  return Object.fromEntries(names.map((name) => [name, counts[name] - before[name]])) as unknown as Counts;
}

describe('commands of a training step', () => {
  it('go in few submits, and compile and allocate nothing after the first steps', { timeout: 120_000 }, async () => {
    const step = trainer(8);
    const first = await asked(step, 3);
    expect(first.pipelines).toBeGreaterThan(10);
    const later = await asked(step, 6);
    expect(later.submits).toBeLessThanOrEqual(6 * 4);
    expect(later).toMatchObject({ pipelines: 0, modules: 0, buffers: 0 });
  });

  it('also for the batches of the tutorial', { timeout: 120_000 }, async () => {
    const { submits } = await asked(trainer(100), 1);
    expect(submits).toBeLessThanOrEqual(4);
  });
});

describe('the step of an optimizer', () => {
  const { Adadelta, Adagrad, Adam, AdamW, Adamax, ASGD, NAdam, RAdam, RMSprop, Rprop, SGD } = optim;
  const makers: Record<string, (params: Parameter[]) => optim.Optimizer> = {
    SGD: (params) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    Adam: (params) => new Adam(params, { amsgrad: true, weightDecay: 0.01 }),
    AdamW: (params) => new AdamW(params),
    Adamax: (params) => new Adamax(params),
    NAdam: (params) => new NAdam(params),
    RAdam: (params) => new RAdam(params),
    Adagrad: (params) => new Adagrad(params),
    Adadelta: (params) => new Adadelta(params),
    RMSprop: (params) => new RMSprop(params, { centered: true, momentum: 0.5 }),
    Rprop: (params) => new Rprop(params),
    ASGD: (params) => new ASGD(params),
  };

  it.each(Object.entries(makers))('%s is one dispatch for each parameter, in one pass', async (_name, make) => {
    const params = [[3, 4], [5], []].map((shape) => new Parameter(wave(shape).to('webgpu')));
    const optimizer = make(params);
    let compiled = 0;
    for (let step = 0; step < 8; step++) {
      for (const p of params) p.grad = wave([...p.shape]).to('webgpu');
      await synchronize();
      const before = { ...counts };
      optimizer.step();
      await synchronize();
      // The first step makes the state.
      if (step === 0) continue;
      expect(counts.dispatches - before.dispatches).toBeLessThanOrEqual(params.length);
      expect(counts.passes - before.passes).toBe(1);
      expect(counts.uploads - before.uploads).toBe(1);
      compiled = counts.pipelines - before.pipelines;
      for (const group of optimizer.paramGroups) group.lr *= 0.9;
    }
    // Learning rates and step counts are data.
    expect(compiled).toBe(0);
  });
});
