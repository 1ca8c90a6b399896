import { describe, expect, it } from 'vitest';
import { DeviceError, FlambeauError } from '../src/errors.ts';
import { fillNormal, fillUniform } from '../src/random/fill.ts';
import { Generator } from '../src/random/generator.ts';
import type { GoldenTensor } from './golden.ts';
import { elementsOf, readFixture } from './golden.ts';

const { states } = readFixture<{
  states: {
    seed: number;
    ops: ('rand3' | 'rand700' | 'randn1')[];
    state: GoldenTensor;
    initial_seed: number;
    next_rand3_then_randn2: [GoldenTensor, GoldenTensor];
  }[];
}>('rng.json.gz');

function rand(g: Generator, n: number): Float32Array {
  const data = new Float32Array(n);
  fillUniform(g, data, 0, n, 'float32');
  return data;
}

function randn(g: Generator, n: number): Float32Array {
  const data = new Float32Array(n);
  fillNormal(g, data, 0, n, 'float32');
  return data;
}

const draws = {
  rand3: (g: Generator) => rand(g, 3),
  rand700: (g: Generator) => rand(g, 700),
  randn1: (g: Generator) => randn(g, 1),
};

describe('the state of a generator', () => {
  it.each(states)('seed $seed after $ops has PyTorch’s bytes', (c) => {
    const g = new Generator().manualSeed(c.seed);
    for (const op of c.ops) draws[op](g);
    expect(g.getState()).toStrictEqual(elementsOf(c.state));
    expect(g.initialSeed()).toBe(c.initial_seed);
  });

  it.each(states)('is continued from PyTorch’s bytes: seed $seed after $ops', (c) => {
    const g = new Generator().setState(elementsOf(c.state) as Uint8Array);
    expect(g.initialSeed()).toBe(c.initial_seed);
    expect(rand(g, 3)).toStrictEqual(elementsOf(c.next_rand3_then_randn2[0]));
    expect(randn(g, 2)).toStrictEqual(elementsOf(c.next_rand3_then_randn2[1]));
  });

  it('is a copy, in which a waiting second normal is kept', () => {
    const g = new Generator().manualSeed(5);
    randn(g, 1);
    const state = g.getState();
    const expected = randn(g, 3);
    expect(randn(g.setState(state), 3)).toStrictEqual(expected);
    expect(randn(g.setState(state), 3)).toStrictEqual(expected);
  });

  it('may be read from bytes at any offset of a buffer', () => {
    const state = new Generator().manualSeed(5).getState();
    const shifted = new Uint8Array(state.length + 3).subarray(3);
    shifted.set(state);
    expect(rand(new Generator().setState(shifted), 3)).toStrictEqual(rand(new Generator().manualSeed(5), 3));
  });

  it('is refused and left alone if it is none', () => {
    const g = new Generator().manualSeed(5);
    const before = g.getState();
    const bad: Uint8Array[] = [new Uint8Array(0), new Uint8Array(5055), new Uint8Array(5056)];
    // Positions that do not belong together would read outside of the 624 words.
    for (const [left, next] of [
      [0, 0],
      [600, 624],
      [1, 625],
      [625, 0],
      [1, 2 ** 31],
    ] as const) {
      const state = g.getState();
      const view = new DataView(state.buffer);
      view.setInt32(8, left, true);
      view.setUint32(16, next, true);
      bad.push(state);
    }
    for (const state of bad) {
      expect(() => g.setState(state)).toThrow(FlambeauError);
      expect(g.getState()).toStrictEqual(before);
    }
  });

  it('is shared by a clone only until one of them draws', () => {
    const g = new Generator().manualSeed(9);
    randn(g, 1);
    const copy = g.clone();
    const expected = randn(g, 3);
    expect(randn(copy, 3)).toStrictEqual(expected);
  });
});

describe('seeds', () => {
  it('count modulo 2^64, of which the low 32 bits decide the numbers', () => {
    const numbers = (seed: number | bigint) => rand(new Generator().manualSeed(seed), 4);
    expect(numbers(-1)).toStrictEqual(numbers(2n ** 64n - 1n));
    expect(numbers(5)).toStrictEqual(numbers(2 ** 32 + 5));
    expect(numbers(5)).not.toEqual(numbers(6));
  });

  it('are reported as numbers, and as bigints where a number is not exact', () => {
    expect(new Generator().initialSeed()).toBe(67280421310721);
    expect(new Generator().manualSeed(42n).initialSeed()).toBe(42);
    expect(new Generator().manualSeed(-1).initialSeed()).toBe(2n ** 64n - 1n);
    expect(new Generator().manualSeed(2n ** 53n - 1n).initialSeed()).toBe(2 ** 53 - 1);
    expect(new Generator().manualSeed(2n ** 53n).initialSeed()).toBe(2n ** 53n);
  });

  it.each([1.5, NaN, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n])('%s is refused', (seed) => {
    expect(() => new Generator().manualSeed(seed)).toThrow(RangeError);
  });

  it('are chosen anew by seed(), and bring back its numbers', () => {
    const g = new Generator();
    const seed = g.seed();
    expect(g.seed()).not.toBe(seed);
    expect(Number.isSafeInteger(seed)).toBe(true);
    g.manualSeed(seed);
    expect(rand(g, 3)).toStrictEqual(rand(new Generator().manualSeed(seed), 3));
  });

  it('drop the second normal', () => {
    const g = new Generator().manualSeed(3);
    const [first] = randn(g, 1);
    expect(randn(g.manualSeed(3), 1)[0]).toBe(first);
  });
});

describe('a generator', () => {
  it('lives on the CPU', () => {
    expect(new Generator('cpu').device).toBe('cpu');
    expect(() => new Generator('cuda')).toThrow(DeviceError);
  });

  it('draws single numbers', () => {
    const a = new Generator().manualSeed(1);
    const b = new Generator().manualSeed(1);
    const values = new Float64Array(3);
    fillUniform(b, values, 0, 3, 'float64', -2, 5);
    expect([a.uniform(-2, 5), a.uniform(-2, 5), a.uniform(-2, 5)]).toEqual([...values]);
    // What PyTorch's `torch.empty((), dtype=torch.int64).random_()` gives after manual_seed(0).
    expect(new Generator().manualSeed(0).randomInt64()).toBe(900450186894289455n);
  });
});
