/** A training step asks little of the device beside its work: few submits, and nothing compiled or made anew. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Conv2d, CrossEntropyLoss, Flatten, Linear, MaxPool2d, ReLU, Sequential } from '@flambeau/nn';
import { SGD } from '@flambeau/optim';
import { fromTypedArray, type Tensor, tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { findAdapter } from '../src/device.ts';
import { init, memoryStats } from '../src/index.ts';

/** What was asked of the device. */
const counts = { submits: 0, pipelines: 0, modules: 0, buffers: 0 };
type Counts = typeof counts;
const names = Object.keys(counts) as (keyof Counts)[];

/** The adapter, whose device counts. */
async function countingAdapter(): Promise<GPUAdapter> {
  const adapter = (await findAdapter({}))!;
  const request = adapter.requestDevice.bind(adapter);
  adapter.requestDevice = async (descriptor) => {
    const device = await request(descriptor);
    const count = <Name extends string>(
      owner: Record<Name, (...args: never[]) => unknown>,
      name: Name,
      key: keyof Counts,
    ) => {
      const method = owner[name].bind(owner);
      owner[name] = (...args) => {
        counts[key]++;
        return method(...args);
      };
    };
    count(device.queue, 'submit', 'submits');
    count(device, 'createComputePipeline', 'pipelines');
    count(device, 'createShaderModule', 'modules');
    count(device, 'createBuffer', 'buffers');
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
  const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
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
