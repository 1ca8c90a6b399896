import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { emptyCache, init, memoryStats } from '@flambeau/backend-webgpu';
import {
  F,
  FlambeauError,
  manualSeed,
  nn,
  OutOfMemoryError,
  ones,
  optim,
  randn,
  scope,
  type Tensor,
  tensor,
  tidy,
  zeros,
} from 'flambeau';
import { beforeAll, describe, expect, test } from 'vitest';

const MEBI = 2 ** 20;
const on = { device: 'webgpu' };

beforeAll(() => init({ memoryLimit: 64 * MEBI }));

/** Collects garbage and lets finalizers run. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('device memory', () => {
  test('statistics tell what is in use, kept for reuse, and the most', async () => {
    await collect();
    await emptyCache();
    const start = memoryStats();
    expect(start.pooledBytes).toBe(0);
    const x = zeros([1024, 256], on);
    expect(memoryStats().liveBytes - start.liveBytes).toBe(MEBI);
    expect(memoryStats().liveBuffers - start.liveBuffers).toBe(1);
    x.dispose();
    expect(memoryStats()).toMatchObject({ liveBytes: start.liveBytes, pooledBytes: MEBI });
    expect(memoryStats().peakBytes).toBeGreaterThanOrEqual(start.liveBytes + MEBI);
    zeros([1024, 256], on);
    expect(memoryStats().pooledBytes).toBe(0);
    await emptyCache();
  });

  test('a disposed tensor is refused by name of the remedy', async () => {
    const x = ones([3], on);
    x.dispose();
    expect(() => x.add(1)).toThrow(FlambeauError);
    await expect(x.toArray()).rejects.toThrow(/keep\(\)/);
  });

  test('scopes free at once what nothing holds', async () => {
    await collect();
    const x = randn([256, 256], on);
    const { liveBytes } = memoryStats();
    const total = tidy(() => x.matmul(x).relu().sum());
    expect(memoryStats().liveBytes - liveBytes).toBe(256);
    const value = await scope(async () => (await x.mul(2).sum().item()) / 2);
    expect(memoryStats().liveBytes - liveBytes).toBe(256);
    expect(value).toBeCloseTo(await x.sum().item(), 2);
    total.dispose();
  });

  test('memory of aliases is not taken while one of them lives', async () => {
    const alias = (() => ones([1000], on).mul(7).data)();
    await collect();
    for (let i = 0; i < 20; i++) zeros([1000], on);
    expect(await alias.sum().item()).toBe(7000);
  });

  test('memory that comes back is not written while an earlier command reads it', async () => {
    let x = ones([64], on);
    const results: Tensor[] = [];
    for (let i = 0; i < 50; i++) {
      x = tidy(() => x.add(tensor(Array(64).fill(i), on)));
      results.push(x.at(0).clone());
    }
    const values = await Promise.all(results.map((r) => r.item()));
    expect(values).toEqual(values.map((_, i) => 1 + (i * (i + 1)) / 2));
  });
});

describe('a loop that never awaits', () => {
  test('gets an error that tells what fills the device, and goes on after the remedy', async () => {
    await collect();
    const x = ones([1024, 256], on);
    let made = 0;
    const grow = (): void => {
      for (;;) {
        x.add(made);
        made++;
      }
    };
    expect(grow).toThrow(OutOfMemoryError);
    expect(grow).toThrow(/limit of 67108864: .*float32\[262144\].*await loss\.item\(\).*tidy/);
    expect(made).toBeGreaterThan(50);
    await collect();
    for (let i = 0; i < 200; i++) tidy(() => x.add(i).sum());
    expect(await x.sum().item()).toBe(262144);
  });

  test('is bounded where reading gives time to collect', async () => {
    const x = ones([1024, 256], on);
    let last = 0;
    for (let i = 0; i < 300; i++) last = await x.add(i).sum().item();
    expect(last).toBe(300 * 262144);
  });
});

describe('training', () => {
  test('1,000 ordinary steps are flat', { timeout: 400_000 }, async () => {
    await collect();
    manualSeed(0);
    const net = new nn.Sequential(new nn.Linear(16, 16), new nn.ReLU(), new nn.Linear(16, 4));
    net.to('webgpu');
    const optimizer = new optim.Adam(net.parameters(), { lr: 1e-3 });
    const [input, target] = [randn(4, 16), tensor([0, 1, 2, 3], { dtype: 'int32' })];
    const peaks = { early: 0, late: 0 };
    for (let step = 0; step < 1000; step++) {
      const [x, y] = [input.to('webgpu'), target.to('webgpu')];
      optimizer.zeroGrad();
      const loss = F.crossEntropy(net(x), y);
      loss.backward();
      optimizer.step();
      const live = memoryStats().liveBytes;
      if (step >= 100) peaks.late = Math.max(peaks.late, live);
      else if (step >= 20) peaks.early = Math.max(peaks.early, live);
      await loss.item();
    }
    expect(peaks.late).toBeLessThanOrEqual(1.2 * peaks.early);
  });
});
