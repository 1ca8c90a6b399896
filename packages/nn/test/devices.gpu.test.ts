/** Modules on WebGPU: moving there and back, counters, state dicts, files, copies, initialization, the default device. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as webgpu from '@flambeau/backend-webgpu';
import { SGD } from '@flambeau/optim';
import { load, save } from '@flambeau/serialize';
import {
  autocast,
  DeviceError,
  functional as F,
  linalg,
  manualSeed,
  ones,
  randn,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { backendFor } from '@flambeau/tensor/internal';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import * as nn from '../src/index.ts';

const gpu = 'webgpu:0';

beforeAll(() => webgpu.init());

class Network extends nn.Module {
  linear = new nn.Linear(3, 4);
  norm = new nn.BatchNorm1d(4);
  head = new nn.Linear(4, 2);

  override forward(x: Tensor): Tensor {
    return this.head(this.norm(this.linear(x)).tanh());
  }
}

const network = (): Network => new Network();

const devicesOf = (net: nn.Module): Set<string> =>
  new Set([...net.parameters(), ...net.buffers()].map((x) => x.device));

/** All values of a state dict. */
async function valuesOf(state: ReadonlyMap<string, Tensor>): Promise<Record<string, unknown>> {
  const entries = [...state].map(async ([key, value]) => [key, await value.toArray()] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Expects numbers, nested alike, within 1e-5 of each other. */
function expectClose(got: unknown, wanted: unknown): void {
  if (typeof wanted === 'number')
    expect(Math.abs((got as number) - wanted)).toBeLessThan(1e-5 + 1e-5 * Math.abs(wanted));
  else if (typeof wanted === 'object' && wanted !== null)
    for (const [key, value] of Object.entries(wanted)) expectClose((got as Record<string, unknown>)[key], value);
  else expect(got).toBe(wanted);
}

async function step(net: nn.Module & ((x: Tensor) => Tensor), optimizer: SGD, x: Tensor): Promise<number> {
  optimizer.zeroGrad();
  const loss = net(x).square().mean();
  loss.backward();
  optimizer.step();
  return loss.item();
}

describe('moving a module', () => {
  it('takes parameters, buffers and gradients along, and an optimizer goes on with them', async () => {
    manualSeed(1);
    const [net, twin] = [network(), network()];
    twin.loadStateDict(net.stateDict());
    const [optimizer, other] = [new SGD(net.parameters(), { lr: 0.1 }), new SGD(twin.parameters(), { lr: 0.1 })];
    const x = randn(8, 3);
    await step(net, optimizer, x);
    await step(twin, other, x);
    const weight = net.linear.weight;
    const grad = weight.grad!.toArraySync();
    expect(net.to('webgpu')).toBe(net);
    expect(net.linear.weight).toBe(weight);
    expect(devicesOf(net)).toEqual(new Set([gpu]));
    expect(weight.grad!.device).toBe(gpu);
    expect(await weight.grad!.toArray()).toEqual(grad);
    for (let i = 0; i < 3; i++) expectClose(await step(net, optimizer, x.to(gpu)), await step(twin, other, x));
    expect(() => net.to('cpu')).toThrow(DeviceError);
    expect(() => net.to('cpu')).toThrow('await');
    expect(devicesOf(net)).toEqual(new Set([gpu]));
    expect(await net.cpu()).toBe(net);
    expect(devicesOf(net)).toEqual(new Set(['cpu']));
    expect(weight.grad!.device).toBe('cpu');
    expectClose(await valuesOf(net.stateDict()), await valuesOf(twin.stateDict()));
    expectClose(await step(net, optimizer, x), await step(twin, other, x));
  });

  it('makes counters int32, within its range', async () => {
    const net = network();
    expect(net.norm.num_batches_tracked!.dtype).toBe('int64');
    net.norm.num_batches_tracked!.fill_(41);
    net.to(gpu);
    expect(net.norm.num_batches_tracked!.dtype).toBe('int32');
    net(randn(4, 3).to(gpu));
    expect(await net.norm.num_batches_tracked!.item()).toBe(42);
    const full = network();
    full.norm.num_batches_tracked!.fill_(2 ** 31);
    expect(() => full.to(gpu)).toThrow(RangeError);
    expect(() => full.to(gpu)).toThrow('2147483648');
    expect(devicesOf(full)).toEqual(new Set(['cpu']));
    expect(full.norm.num_batches_tracked!.itemSync()).toBe(2 ** 31);
  });

  it('prints the same there', () => {
    expect(String(network().to(gpu))).toBe(String(network()));
    expect(String(new nn.Linear(2, 1).to(gpu).weight)).toContain("tensor(<1x2>, device='webgpu:0'");
  });

  it('names both devices where the input stayed behind', () => {
    const net = new nn.Linear(2, 1).to(gpu);
    expect(() => net(zeros(1, 2))).toThrow(DeviceError);
    expect(() => net(zeros(1, 2))).toThrow(/'cpu'.*'webgpu:0'|'webgpu:0'.*'cpu'/);
  });
});

describe('state dicts', () => {
  it('go to the device, counters included', async () => {
    const [source, target] = [network(), network().to(gpu)];
    source.norm.num_batches_tracked!.fill_(7);
    target.loadStateDict(source.stateDict());
    expect(await valuesOf(target.stateDict())).toEqual(await valuesOf(source.stateDict()));
    expect(devicesOf(target)).toEqual(new Set([gpu]));
    const other = network().to(gpu);
    other.loadStateDict(target.stateDict());
    expect(await valuesOf(other.stateDict())).toEqual(await valuesOf(source.stateDict()));
  });

  it('do not come back at once: nothing is changed then', async () => {
    const [source, target] = [network().to(gpu), network()];
    const before = await valuesOf(target.stateDict());
    expect(() => target.loadStateDict(source.stateDict())).toThrow('await x.cpu()');
    expect(await valuesOf(target.stateDict())).toEqual(before);
  });

  it('are saved from there and loaded anywhere', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flambeau-devices-'));
    try {
      const net = network().to(gpu);
      net(randn(4, 3).to(gpu));
      const path = join(folder, 'net.safetensors');
      await save(net.stateDict(), path);
      const state = (await load(path)) as Map<string, Tensor>;
      expect(new Set([...state.values()].map((x) => x.device))).toEqual(new Set(['cpu']));
      for (const twin of [network(), network().to(gpu)]) {
        twin.loadStateDict(state);
        expect(await valuesOf(twin.stateDict())).toEqual(await valuesOf(net.stateDict()));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are copied by clone()', async () => {
    const net = network().to(gpu);
    const copy = net.clone();
    expect(devicesOf(copy)).toEqual(new Set([gpu]));
    const before = await valuesOf(net.stateDict());
    expect(await valuesOf(copy.stateDict())).toEqual(before);
    copy.linear.weight.data.fill_(0);
    expect(await valuesOf(net.stateDict())).toEqual(before);
  });
});

describe('layers that could be tempted to read', () => {
  it('count batches for a plain mean of the statistics', async () => {
    const batches = [randn(4, 3), randn(6, 3), randn(5, 3)];
    const norms = ['cpu', gpu].map((device) => new nn.BatchNorm1d(3, { momentum: null }).to(device));
    for (const norm of norms) for (const x of batches) norm(x.to(norm.weight!.device));
    expectClose(await valuesOf(norms[1]!.stateDict()), await valuesOf(norms[0]!.stateDict()));
  });

  it('pack sequences of any order', async () => {
    const { packPaddedSequence, padPackedSequence } = nn.utils.rnn;
    manualSeed(2);
    const lstm = new nn.LSTM(2, 3, { bidirectional: true });
    const x = randn(5, 3, 2);
    const run = async (on: string): Promise<unknown> => {
      lstm.to(on);
      const [out, [h]] = lstm(packPaddedSequence(x.to(on), [2, 5, 3], { enforceSorted: false }));
      const [padded, lengths] = padPackedSequence(out);
      return { padded: await padded.toArray(), lengths: await lengths.toArray(), h: await h!.toArray() };
    };
    const wanted = await run('cpu');
    expectClose(await run(gpu), wanted);
  });

  it('take bags of words with and without padding', async () => {
    manualSeed(3);
    const input = tensor([1, 2, 4, 5, 4, 3, 2, 9], { dtype: 'int32' });
    const offsets = tensor([0, 4, 4], { dtype: 'int32' });
    for (const mode of ['sum', 'mean', 'max'] as const) {
      const bag = new nn.EmbeddingBag(10, 3, { mode, paddingIdx: 2 });
      const wanted = bag(input, offsets).detach().toArraySync();
      expectClose(await bag.to(gpu)(input.to(gpu), offsets.to(gpu)).toArray(), wanted);
    }
  });

  it('limit the norms of embeddings in place', async () => {
    manualSeed(4);
    const embedding = new nn.Embedding(5, 3, { maxNorm: 0.5 });
    const copy = embedding.clone().to(gpu);
    const index = tensor([0, 3, 3], { dtype: 'int32' });
    expectClose(await copy(index.to(gpu)).toArray(), embedding(index).detach().toArraySync());
    expectClose(await copy.weight.toArray(), embedding.weight.detach().toArraySync());
  });

  it('drop out the same after the same seed', async () => {
    const run = (): Promise<unknown> => {
      manualSeed(5);
      return new nn.Dropout(0.5)(zeros(50, { device: gpu }).add(1)).toArray();
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(new Set(first as number[])).toEqual(new Set([0, 2]));
  });
});

describe('initialization on the device', () => {
  const { init } = nn;

  it('has the properties that it promises', async () => {
    const q = await init.orthogonal_(zeros(4, 6, { device: gpu })).cpu();
    expectClose(q.matmul(q.t()).toArraySync(), F.oneHot(tensor([0, 1, 2, 3], { dtype: 'int32' })).toArraySync());
    const sparse = init.sparse_(zeros(10, 4, { device: gpu }), 0.3);
    expect(await sparse.eq(0).sum(0).toArray()).toEqual([3, 3, 3, 3]);
    expect(await init.eye_(zeros(2, 2, { device: gpu })).toArray()).toEqual([
      [1, 0],
      [0, 1],
    ]);
    const x = randn(1, 2, 5);
    expectClose(
      await F.conv1d(x.to(gpu), init.dirac_(zeros(2, 2, 3, { device: gpu })), null, { padding: 1 }).toArray(),
      x.toArraySync(),
    );
    const cut = await init.truncNormal_(zeros(500, { device: gpu }), { a: -0.5, b: 0.5 }).cpu();
    expect(cut.abs().max().itemSync()).toBeLessThanOrEqual(0.5);
  });
});

describe('the default device', () => {
  it('is where layers are made, which then need no moving', async () => {
    setDefaultDevice('webgpu');
    try {
      const net = network();
      expect(devicesOf(net)).toEqual(new Set([gpu]));
      expect(net.norm.num_batches_tracked!.dtype).toBe('int32');
      const optimizer = new SGD(net.parameters(), { lr: 0.1 });
      const x = randn(8, 3);
      const losses = [await step(net, optimizer, x), await step(net, optimizer, x)];
      expect(losses[1]).toBeLessThan(losses[0]!);
      expect(
        new nn.Transformer({ dModel: 4, nhead: 2, numEncoderLayers: 1, numDecoderLayers: 1, dimFeedforward: 8 })(
          randn(3, 2, 4),
          randn(2, 2, 4),
        ).device,
      ).toBe(gpu);
    } finally {
      setDefaultDevice('cpu');
    }
  });
});

describe('toEmpty', () => {
  it('moves shapes and dtypes there, counters as int32 where there is no int64', () => {
    const norm = new nn.BatchNorm1d(2);
    const { weight } = norm;
    const state = norm.toEmpty(gpu).stateDict();
    expect(norm.weight).toBe(weight);
    expect([...state.values()].map(({ device }) => device)).toEqual(Array(5).fill(gpu));
    const counter = backendFor(gpu).dtypes.has('int64') ? 'int64' : 'int32';
    expect([weight!.shape, weight!.dtype, state.get('num_batches_tracked')!.dtype]).toEqual([[2], 'float32', counter]);
    expect(() => norm.type('float64')).toThrow();
    expect(norm.running_mean!.dtype).toBe('float32');
  });
});

describe('autocast', () => {
  it('uses the 16-bit dtypes that the device has, and says so where there is none', async () => {
    const { dtypes } = backendFor(gpu);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const x = randn(2, 3).to(gpu);
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const out = autocast({ deviceType: 'webgpu', dtype }, () => x.matmul(x.t()));
      expect(out.dtype).toBe(dtypes.has(dtype) ? dtype : 'float32');
    }
    expect(warn).toHaveBeenCalledTimes(['float16', 'bfloat16'].filter((name) => !dtypes.has(name as never)).length);
    // The CPU's tensors are another matter.
    expect(autocast('webgpu', () => ones(2, 2).matmul(ones(2, 2))).dtype).toBe('float32');
    warn.mockRestore();
  });

  it('goes by the list for GPUs there', () => {
    const low = randn(2, 3).to(gpu).to('float16');
    const dtypeOf = (fn: () => Tensor): string => autocast('webgpu', fn).dtype;
    const [image, kernel] = [randn(1, 2, 4, 4).to(gpu), randn(2, 1, 2, 2).to(gpu)];
    expect(dtypeOf(() => F.convTranspose2d(image, kernel))).toBe('float16');
    expect(dtypeOf(() => image.at(0, 0).mv(kernel.flatten().narrow(0, 0, 4)))).toBe('float16');
    expect(dtypeOf(() => F.relu(low))).toBe('float16');
    for (const full of [
      () => low.exp(),
      () => low.pow(2),
      () => low.sum(),
      () => low.cumsum(1),
      () => F.softmax(low, 1),
      () => F.layerNorm(low, 3),
      () => F.mseLoss(low, low),
      () => low.prod(),
      () => low.cumprod(0),
      () => low.norm(),
      () => low.dist(low),
      () => low.renorm(2, 0, 1),
      () => low.logsumexp(1),
      () => linalg.vectorNorm(low),
      () => linalg.matrixNorm(low),
      () => linalg.norm(low),
    ]) {
      expect(dtypeOf(full)).toBe('float32');
    }
  });

  it('refuses losses of probabilities, which float16 rounds to 0 and 1', () => {
    const p = ones(2).mul(0.5).to(gpu);
    const loss = new nn.BCELoss();
    expect(() => autocast('webgpu', () => loss(p, p))).toThrow(/unsafe under autocast.*binaryCrossEntropyWithLogits/);
    expect(() => autocast({ deviceType: 'webgpu', enabled: false }, () => loss(p, p))).not.toThrow();
    expect(autocast('webgpu', () => new nn.BCEWithLogitsLoss()(p, p)).dtype).toBe('float32');
    // What the refusal leaves behind: autocasting goes on as it was.
    expect(autocast('webgpu', () => loss(ones(2), ones(2))).dtype).toBe('float32');
  });

  it('trains', async () => {
    manualSeed(0);
    const net = network().to(gpu);
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const [x, y] = [randn(8, 3).to(gpu), randn(8, 2).to(gpu)];
    const losses: number[] = [];
    for (let i = 0; i < 10; i++) {
      optimizer.zeroGrad();
      const loss = autocast('webgpu', () => F.mseLoss(net(x), y));
      loss.backward();
      optimizer.step();
      losses.push(await loss.item());
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.8);
  });
});
