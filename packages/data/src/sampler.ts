/** @file In which order a DataLoader visits a dataset. Orders and draws are PyTorch's, bit for bit. */
import { defaultGenerator, Generator, multinomial, randint, randperm, type Tensor, tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { firstArgument } from './arguments.ts';

/** An order of visit: indices, or lists of them for a batch sampler, made anew on each iteration. */
export interface Sampler<T = number> extends Iterable<T> {
  readonly length: number;
}

/** Whatever has a `length`: a dataset, a list. */
export interface Sized {
  readonly length: number;
}

/** A generator, or null for the global one. */
export type GeneratorOption = Generator | null | undefined;

export interface RandomSamplerOptions {
  /** Whether an index may come more than once. Default false. */
  replacement?: boolean | undefined;
  /** Indices of one pass; default the length of the data source. */
  numSamples?: number | null | undefined;
  generator?: GeneratorOption;
}

export interface WeightedRandomSamplerOptions {
  /** Whether an index may come more than once. Default true. */
  replacement?: boolean | undefined;
  generator?: GeneratorOption;
}

/** @throws RangeError unless `value` is a positive integer. */
export function checkPositive(owner: string, name: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) > 0) return value as number;
  throw new RangeError(`${owner}: ${name} must be a positive integer, got ${String(value)}`);
}

function toNumbers(indices: Tensor): number[] {
  return Array.from(indices.toTypedArraySync() as ArrayLike<number>);
}

function permutation(n: number, generator: Generator): number[] {
  return toNumbers(randperm(n, { generator, device: 'cpu' }));
}

/** 0, 1, 2 … */
export class SequentialSampler implements Sampler {
  readonly dataSource: Sized;

  constructor(dataSource: Sized) {
    this.dataSource = dataSource;
  }

  get length(): number {
    return this.dataSource.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let i = 0; i < this.dataSource.length; i++) yield i;
  }
}

const parseRandom = signature<{ replacement: boolean; numSamples: number | null; generator: Generator | null }>(
  'RandomSampler',
  ['replacement', 'numSamples', 'generator'],
  { replacement: false, numSamples: null, generator: null },
);

/**
 * Indices in random order: a permutation of the data source, or draws with replacement. Without a generator each
 * pass seeds a fresh one from the global generator, so that `manualSeed` decides the order and a pass uses up one seed.
 *
 * ```ts
 * manualSeed(1);
 * [...new RandomSampler([10, 20, 30])]; // a permutation of 0, 1, 2
 * ```
 * @throws RangeError for a number of samples that is not positive, an empty data source among them.
 */
export class RandomSampler implements Sampler {
  readonly dataSource: Sized;
  readonly replacement: boolean;
  readonly generator: Generator | null;
  readonly #numSamples: number | null;

  constructor(dataSource: Sized, options?: RandomSamplerOptions);
  constructor(options: RandomSamplerOptions & { dataSource: Sized });
  constructor(dataSource: Sized, replacement?: boolean, numSamples?: number | null, generator?: GeneratorOption);
  constructor(...args: unknown[]) {
    const [dataSource, rest] = firstArgument('RandomSampler()', 'dataSource', args);
    const { replacement, numSamples, generator } = parseRandom(rest);
    this.dataSource = dataSource as Sized;
    this.replacement = replacement;
    this.generator = generator;
    this.#numSamples = numSamples;
    checkPositive('RandomSampler()', 'numSamples', this.numSamples);
  }

  /** Indices of one pass. Without a number given, the length that the data source has now. */
  get numSamples(): number {
    return this.#numSamples ?? this.dataSource.length;
  }

  get length(): number {
    return this.numSamples;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const n = checkPositive('RandomSampler', 'the length of the data source', this.dataSource.length);
    const count = this.numSamples;
    const generator = this.generator ?? new Generator().manualSeed(defaultGenerator().randomInt64());
    if (this.replacement) {
      // PyTorch draws 32 at a time; the draws are the same, but a pass that is abandoned has drawn no more than that.
      for (let start = 0; start < count; start += 32) {
        yield* toNumbers(randint(0, n, [Math.min(32, count - start)], { generator, device: 'cpu' }));
      }
      return;
    }
    for (let whole = Math.floor(count / n); whole > 0; whole--) yield* permutation(n, generator);
    // Drawn even when nothing of it is used, as PyTorch does: with a generator of the user's the next pass depends on it.
    yield* permutation(n, generator).slice(0, count % n);
  }
}

const parseSubset = signature<{ generator: Generator | null }>('SubsetRandomSampler', ['generator'], {
  generator: null,
});

/** Given indices in random order. Draws from the generator itself, the global one by default. */
export class SubsetRandomSampler implements Sampler {
  readonly indices: readonly number[];
  readonly generator: Generator | null;

  constructor(
    indices: readonly number[],
    ...args: Trailing<[generator: Generator | null], { generator?: GeneratorOption }>
  );
  constructor(options: { indices: readonly number[]; generator?: GeneratorOption });
  constructor(...args: unknown[]) {
    const [indices, rest] = firstArgument('SubsetRandomSampler()', 'indices', args);
    this.indices = indices as readonly number[];
    this.generator = parseSubset(rest).generator;
  }

  get length(): number {
    return this.indices.length;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (const i of permutation(this.indices.length, this.generator ?? defaultGenerator())) yield this.indices[i]!;
  }
}

const parseWeighted = signature<{ numSamples: number; replacement: boolean; generator: Generator | null }>(
  'WeightedRandomSampler',
  ['numSamples', 'replacement', 'generator'],
  { replacement: true, generator: null },
);

/**
 * Indices drawn with given probabilities, which need not sum to one.
 *
 * ```ts
 * // Rare classes as often as common ones:
 * const sampler = new WeightedRandomSampler(labels.map((label) => 1 / counts[label]), labels.length);
 * ```
 * @throws RangeError for negative, infinite or all-zero weights, or more draws without replacement than there are
 *   positive weights.
 */
export class WeightedRandomSampler implements Sampler {
  readonly weights: readonly number[];
  readonly numSamples: number;
  readonly replacement: boolean;
  readonly generator: Generator | null;

  constructor(weights: Iterable<number>, numSamples: number, options?: WeightedRandomSamplerOptions);
  constructor(options: WeightedRandomSamplerOptions & { weights: Iterable<number>; numSamples: number });
  constructor(weights: Iterable<number>, numSamples: number, replacement?: boolean, generator?: GeneratorOption);
  constructor(...args: unknown[]) {
    const owner = 'WeightedRandomSampler()';
    const [weights, rest] = firstArgument(owner, 'weights', args);
    const { numSamples, replacement, generator } = parseWeighted(rest);
    this.weights = [...(weights as Iterable<number>)];
    this.numSamples = checkPositive(owner, 'numSamples', numSamples);
    this.replacement = replacement;
    this.generator = generator;
    const wrong = this.weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
    if (wrong >= 0) {
      throw new RangeError(`${owner}: weights must be finite and not negative, got ${this.weights[wrong]} at ${wrong}`);
    }
    const possible = this.weights.filter((weight) => weight > 0).length;
    if (possible === 0) throw new RangeError(`${owner}: at least one weight must be positive`);
    if (!replacement && numSamples > possible) {
      throw new RangeError(
        `${owner}: cannot draw ${numSamples} samples without replacement from ${possible} positive weights`,
      );
    }
  }

  get length(): number {
    return this.numSamples;
  }

  *[Symbol.iterator](): IterableIterator<number> {
    const weights = tensor(this.weights, { dtype: 'float64', device: 'cpu' });
    yield* toNumbers(
      multinomial(weights, this.numSamples, this.replacement, { generator: this.generator ?? defaultGenerator() }),
    );
  }
}

const parseBatch = signature<{ batchSize: number; dropLast: boolean }>('BatchSampler', ['batchSize', 'dropLast'], {});

/**
 * Lists of indices from a sampler of single ones.
 *
 * ```ts
 * [...new BatchSampler(new SequentialSampler(list), 3, false)]; // [[0, 1, 2], [3, 4, 5], [6]] for a list of 7
 * ```
 */
export class BatchSampler<T = number> implements Sampler<T[]> {
  readonly sampler: Iterable<T> & { readonly length?: number };
  readonly batchSize: number;
  readonly dropLast: boolean;

  constructor(sampler: Iterable<T> & { readonly length?: number }, batchSize: number, dropLast: boolean);
  constructor(options: { sampler: Iterable<T> & { readonly length?: number }; batchSize: number; dropLast: boolean });
  constructor(...args: unknown[]) {
    const [sampler, rest] = firstArgument('BatchSampler()', 'sampler', args);
    const { batchSize, dropLast } = parseBatch(rest);
    this.sampler = sampler as Iterable<T> & { readonly length?: number };
    this.batchSize = checkPositive('BatchSampler()', 'batchSize', batchSize);
    this.dropLast = dropLast;
  }

  /** Number of batches. @throws TypeError when the sampler has no length. */
  get length(): number {
    return batchCount('BatchSampler', this.sampler.length, this.batchSize, this.dropLast);
  }

  *[Symbol.iterator](): IterableIterator<T[]> {
    let batch: T[] = [];
    for (const item of this.sampler) {
      batch.push(item);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}

/** How many batches `count` items make. @throws TypeError when the number of items is unknown. */
export function batchCount(owner: string, count: number | undefined, batchSize: number, dropLast: boolean): number {
  if (typeof count !== 'number') {
    throw new TypeError(`${owner}.length is unknown, because what it reads from has no length`);
  }
  return dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
}
