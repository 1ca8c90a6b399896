import '@flambeau/backend-cpu';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Generator, manualSeed, rand } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { DataLoader, RandomSampler, randomSplit, SubsetRandomSampler, WeightedRandomSampler } from '../src/index.ts';

/** Orders and draws that PyTorch 1.13 made. */
interface Golden {
  kind: string;
  n: number;
  batch_size: number;
  drop_last: boolean;
  shuffle: boolean;
  manual_seed: number;
  generator_seed: number | null;
  epochs: number[][][];
  len: number;
  first_batch: number[];
  second_iterator: number[][];
  replacement: boolean;
  num_samples: number;
  weights: number[];
  indices: number[] & number[][];
  lengths: number[];
  out: number[];
  rand_after?: { $t: { data: string } };
}

const goldens = JSON.parse(
  gunzipSync(readFileSync(new URL('./fixtures/dataloader.json.gz', import.meta.url))).toString(),
) as Golden[];
const ofKind = (kind: string): (readonly [string, Golden])[] =>
  goldens
    .filter((golden) => golden.kind === kind)
    .map((golden) => [JSON.stringify({ ...golden, epochs: undefined, out: undefined }).slice(0, 140), golden]);

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const generatorOf = ({ generator_seed: seed }: Golden): Generator | null =>
  seed === null ? null : new Generator().manualSeed(seed);

function checkRandAfter({ rand_after: golden }: Golden): void {
  if (golden === undefined) return;
  expect(rand(1).itemSync()).toBe(Buffer.from(golden.$t.data, 'base64').readFloatLE());
}

const collateFn = (samples: number[]): number[] => samples;

describe('DataLoader draws what PyTorch draws', () => {
  it.each(ofKind('DataLoader'))('%s', (_, golden) => {
    manualSeed(golden.manual_seed);
    const loader = new DataLoader(range(golden.n), {
      batchSize: golden.batch_size,
      shuffle: golden.shuffle,
      dropLast: golden.drop_last,
      generator: generatorOf(golden),
      collateFn,
    });
    expect(loader.length).toBe(golden.len);
    expect(golden.epochs.map(() => [...loader])).toEqual(golden.epochs);
    checkRandAfter(golden);
  });

  it.each(ofKind('DataLoader'))('asynchronously as well: %s', async (_, golden) => {
    manualSeed(golden.manual_seed);
    const dataset = { length: golden.n, get: async (i: number) => i };
    const loader = new DataLoader(dataset, {
      batchSize: golden.batch_size,
      shuffle: golden.shuffle,
      dropLast: golden.drop_last,
      generator: generatorOf(golden),
      collateFn,
    });
    const epochs: number[][][] = [];
    for (const _epoch of golden.epochs) {
      const batches: number[][] = [];
      for await (const batch of loader) batches.push(batch);
      epochs.push(batches);
    }
    expect(epochs).toEqual(golden.epochs);
    checkRandAfter(golden);
  });

  it.each(ofKind('abandoned_iterator'))('%s', (_, golden) => {
    manualSeed(golden.manual_seed);
    const loader = new DataLoader(range(golden.n), { batchSize: golden.batch_size, shuffle: true, collateFn });
    const abandoned = loader[Symbol.iterator]();
    expect(abandoned.next().value).toEqual(golden.first_batch);
    expect([...loader]).toEqual(golden.second_iterator);
    checkRandAfter(golden);
  });
});

describe('samplers draw what PyTorch draws', () => {
  it.each(ofKind('RandomSampler'))('%s', (_, golden) => {
    manualSeed(golden.manual_seed);
    const sampler = new RandomSampler(range(golden.n), {
      replacement: golden.replacement,
      numSamples: golden.num_samples,
    });
    expect([...sampler]).toEqual(golden.out);
    checkRandAfter(golden);
  });

  it.each(ofKind('WeightedRandomSampler'))('%s', (_, golden) => {
    manualSeed(golden.manual_seed);
    const { weights, num_samples: numSamples, replacement } = golden;
    expect([...new WeightedRandomSampler(weights, numSamples, replacement)]).toEqual(golden.out);
    checkRandAfter(golden);
  });

  it.each(ofKind('SubsetRandomSampler'))('%s', (_, golden) => {
    manualSeed(golden.manual_seed);
    expect([...new SubsetRandomSampler(golden.indices)]).toEqual(golden.out);
    checkRandAfter(golden);
  });

  it.each(ofKind('random_split'))('%s', (_, golden) => {
    manualSeed(golden.manual_seed);
    const parts = randomSplit(range(golden.n), golden.lengths, { generator: generatorOf(golden) });
    expect(parts.map((part) => part.indices)).toEqual(golden.indices);
    checkRandAfter(golden);
  });
});
