import { empty, Generator, manualSeed, rand, randint, randn, randperm, type Tensor, zeros } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, open } from './compare.ts';

beforeAll(open);

/** Philox4x32-10 as its authors describe it, in bigints. */
function philox(counter: readonly number[], seed: readonly number[]): number[] {
  let c = counter.map(BigInt);
  let [k0, k1] = seed.map(BigInt) as [bigint, bigint];
  const low = (x: bigint): bigint => x & 0xffffffffn;
  for (let i = 0; i < 10; i++) {
    const [p, q] = [0xd2511f53n * c[0]!, 0xcd9e8d57n * c[2]!];
    c = [(q >> 32n) ^ c[1]! ^ k0, low(q), (p >> 32n) ^ c[3]! ^ k1, low(p)];
    [k0, k1] = [low(k0 + 0x9e3779b9n), low(k1 + 0xbb67ae85n)];
  }
  return c.map(Number);
}

const generator = (seed = 7): Generator => new Generator().manualSeed(seed);
const N = 200_000;

async function moments(x: Tensor): Promise<{ mean: number; std: number; min: number; max: number }> {
  const values = await x.to('float32').toTypedArray();
  let [sum, squares, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values as Float32Array) {
    sum += value;
    squares += value * value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const mean = sum / values.length;
  return { mean, std: Math.sqrt(squares / values.length - mean * mean), min, max };
}

describe('random', () => {
  it('is Philox4x32-10, keyed by two draws of the generator', async () => {
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    const { engine } = generator();
    const key = [engine.u32(), engine.u32()];
    const wanted = [0, 1, 2].flatMap((block) => philox([block, 0, 0, 0], key)).slice(0, 10);
    const drawn = randint(-(2 ** 31), 2 ** 31, [10], { dtype: 'int32', device, generator: generator() });
    expect(await drawn.toArray()).toEqual(wanted.map((word) => word - 2 ** 31));
  });

  it('follows the generator: seeds, states, clones', async () => {
    manualSeed(3);
    const first = await rand(50, { device }).toArray();
    const second = await rand(50, { device }).toArray();
    expect(second).not.toEqual(first);
    manualSeed(3);
    expect(await rand(50, { device }).toArray()).toEqual(first);
    const one = generator();
    const two = one.clone();
    expect(await rand(9, { device, generator: one }).toArray()).toEqual(
      await rand(9, { device, generator: two }).toArray(),
    );
  });

  it('uniform numbers', async () => {
    const { mean, std, min, max } = await moments(rand(N, { device, generator: generator() }));
    expect(mean).toBeCloseTo(0.5, 2);
    expect(std).toBeCloseTo(Math.sqrt(1 / 12), 2);
    expect(min).toBeGreaterThanOrEqual(0);
    expect(max).toBeLessThan(1);
    const moved = await moments(empty(N, { device }).uniform_(-3, 5, { generator: generator() }));
    expect(moved.mean).toBeCloseTo(1, 1);
    expect(moved.min).toBeGreaterThanOrEqual(-3);
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const half = await moments(empty(N, { device, dtype }).uniform_({ generator: generator() }));
      expect(half.max).toBeLessThan(1);
      expect(half.mean).toBeCloseTo(0.5, 1);
    }
  });

  it('normal numbers', async () => {
    const x = await moments(randn(N, { device, generator: generator() }));
    expect(x.mean).toBeCloseTo(0, 1);
    expect(x.std).toBeCloseTo(1, 1);
    expect(x.max).toBeGreaterThan(3.5);
    const y = await moments(empty(N, { device }).normal_(4, 0.5, { generator: generator() }));
    expect(y.mean).toBeCloseTo(4, 1);
    expect(y.std).toBeCloseTo(0.5, 1);
    const z = await moments(empty(N, { device }).logNormal_(0, 0.25, { generator: generator() }));
    expect(z.mean).toBeCloseTo(Math.exp(0.25 ** 2 / 2), 1);
  });

  it('other distributions', async () => {
    const bernoulli = await moments(zeros(N, { device }).bernoulli_(0.3, { generator: generator() }));
    expect(bernoulli.mean).toBeCloseTo(0.3, 2);
    expect((await moments(zeros(99, { device }).bernoulli_(1))).min).toBe(1);
    expect((await moments(zeros(99, { device }).bernoulli_(0))).max).toBe(0);
    const exponential = await moments(empty(N, { device }).exponential_(2, { generator: generator() }));
    expect(exponential.mean).toBeCloseTo(0.5, 1);
    expect(exponential.min).toBeGreaterThan(0);
    const geometric = await moments(empty(N, { device }).geometric_(0.25, { generator: generator() }));
    expect(geometric.mean).toBeCloseTo(4, 0);
    expect(geometric.min).toBe(1);
    const cauchy = await empty(N, { device }).cauchy_(3, 1, { generator: generator() }).median().item();
    expect(cauchy).toBeCloseTo(3, 1);
  });

  it('integers', async () => {
    const dice = await moments(randint(1, 7, [N], { device, generator: generator() }));
    expect(dice.mean).toBeCloseTo(3.5, 1);
    expect([dice.min, dice.max]).toEqual([1, 6]);
    const small = await moments(randint(-100, 28, [N], { device, dtype: 'int8', generator: generator() }));
    expect([small.min, small.max]).toEqual([-100, 27]);
    const floats = await moments(randint(0, 10, [N], { device, dtype: 'float32', generator: generator() }));
    expect([floats.min, floats.max]).toEqual([0, 9]);
    const half = await moments(randint(2040, 2060, [N], { device, dtype: 'float16', generator: generator() }));
    expect(half.min).toBeGreaterThanOrEqual(2040);
    expect(half.max).toBeLessThan(2060);
    const all = await moments(zeros(N, { device, dtype: 'uint8' }).random_({ generator: generator() }));
    expect([all.min, all.max]).toEqual([0, 255]);
  });

  it('permutations are the same as on the CPU', async () => {
    const there = randperm(1000, { device, generator: generator() });
    expect(await there.toArray()).toEqual(await randperm(1000, { generator: generator() }).toArray());
  });

  it('fills views and leaves the rest alone', async () => {
    const x = zeros(6, 8, { device });
    x.narrow(1, 2, 3).t().narrow(1, 1, 4).uniform_(1, 2);
    const rows = (await x.toArray()) as number[][];
    const filled = rows.map((row) => row.map((value) => value !== 0));
    expect(filled).toEqual(rows.map((row, i) => row.map((_, j) => i >= 1 && i < 5 && j >= 2 && j < 5)));
  });

  it('refuses parameters out of range, before drawing', async () => {
    const drawing = generator();
    const before = drawing.getState();
    expect(() => zeros(3, { device }).exponential_(-1, { generator: drawing })).toThrow(RangeError);
    expect(() => zeros(3, { device }).normal_(0, -1, { generator: drawing })).toThrow(RangeError);
    expect(drawing.getState()).toEqual(before);
  });
});
