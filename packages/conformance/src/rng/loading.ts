/** @file Orders of data loading: samplers, loaders, splits. */
import { data, Generator, type Tensor } from 'flambeau';
import { MissingError } from '../calls.ts';
import type { GoldenTensor } from '../decode.ts';
import { type Check, compareNext, sameJson, torch } from './torch.ts';

interface Common {
  readonly kind: string;
  readonly manual_seed: number;
  readonly generator_seed: number | null;
  readonly n: number;
  readonly rand_after: GoldenTensor;
}

interface Loader extends Common {
  readonly batch_size: number;
  readonly drop_last: boolean;
  readonly shuffle: boolean;
  readonly epochs: readonly unknown[];
  readonly len: number;
}

interface Abandoned extends Common {
  readonly batch_size: number;
  readonly first_batch: readonly number[];
  readonly second_iterator: readonly unknown[];
}

interface Sampled extends Common {
  readonly replacement: boolean;
  readonly num_samples: number;
  readonly weights: readonly number[];
  readonly indices: readonly number[];
  readonly out: readonly number[];
}

interface Split extends Common {
  readonly lengths: readonly number[];
  readonly indices: readonly (readonly number[])[];
}

/** A dataset whose items are their own positions. */
const positions = (n: number): { length: number; get(i: number): number } => ({ length: n, get: (i) => i });

const generatorOf = (seed: number | null): { generator?: Generator } =>
  seed === null ? {} : { generator: new Generator().manualSeed(seed) };

const indicesOf = (batch: unknown): unknown => (batch as Tensor).toArray();

/** A pass over a loader as lists of indices. */
async function pass(loader: AsyncIterable<unknown>): Promise<unknown[]> {
  const batches: unknown[] = [];
  for await (const batch of loader) batches.push(await indicesOf(batch));
  return batches;
}

const kinds: Record<string, Check<never>> = {
  async DataLoader(golden: Loader) {
    const options = { batchSize: golden.batch_size, dropLast: golden.drop_last, shuffle: golden.shuffle };
    const loader = new data.DataLoader(positions(golden.n), { ...options, ...generatorOf(golden.generator_seed) });
    if (loader.length !== golden.len) return `length is ${loader.length}, expected ${golden.len}`;
    for (const epoch of golden.epochs) {
      const difference = sameJson(await pass(loader), epoch);
      if (difference !== null) return difference;
    }
    return compareNext(golden.rand_after);
  },

  /** One batch of a pass that is then left, and a whole pass after it. */
  async abandoned_iterator(golden: Abandoned) {
    const loader = new data.DataLoader(positions(golden.n), { batchSize: golden.batch_size, shuffle: true });
    const first = await loader[Symbol.asyncIterator]().next();
    return (
      sameJson(await indicesOf(first.value), golden.first_batch) ??
      sameJson(await pass(loader), golden.second_iterator) ??
      (await compareNext(golden.rand_after))
    );
  },

  async RandomSampler({ n, replacement, num_samples: numSamples, out, rand_after }: Sampled) {
    const sampler = new data.RandomSampler(positions(n), { replacement, numSamples });
    return sameJson([...sampler], out) ?? (await compareNext(rand_after));
  },

  async WeightedRandomSampler({ weights, num_samples: count, replacement, out }: Sampled) {
    return sameJson([...new data.WeightedRandomSampler(weights, count, { replacement })], out);
  },

  async SubsetRandomSampler({ indices, out }: Sampled) {
    return sameJson([...new data.SubsetRandomSampler(indices)], out);
  },

  async random_split({ n, lengths, generator_seed, indices }: Split) {
    const parts = data.randomSplit(positions(n), lengths, generatorOf(generator_seed));
    return sameJson(
      parts.map((part) => part.indices),
      indices,
    );
  },
};

export const checkLoading: Check<Common> = async (golden) => {
  const check = kinds[golden.kind];
  if (check === undefined) throw new MissingError(`the runner has no kind '${golden.kind}'`);
  torch('manual_seed')(golden.manual_seed);
  return check(golden as never);
};
