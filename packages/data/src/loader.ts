/** @file DataLoader: batches of a dataset, in order or shuffled, synchronously or loaded ahead. */
import { defaultGenerator, type Generator } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { firstArgument } from './arguments.ts';
import { type Collated, defaultCollate } from './collate.ts';
import { asDataset, type DatasetLike, describe, type StreamDataset } from './dataset.ts';
import { batchesAhead, batchesNow, indexedPass, type Later, openStream, type Pass } from './passes.ts';
import { BatchSampler, batchCount, checkPositive, RandomSampler, SequentialSampler } from './sampler.ts';

/** An order of visit, whose length need not be known. */
type Order<I> = Iterable<I> & { readonly length?: number };

export interface DataLoaderOptions<T, B = Collated<T>> {
  /** Samples per batch, default 1; null: single samples, passed through `collateFn` if there is one. */
  batchSize?: number | null | undefined;
  /** Random order, a new one in each pass. Default false. */
  shuffle?: boolean | null | undefined;
  /** Order of visit instead of `shuffle`: anything that iterates over indices. */
  sampler?: Order<number> | null | undefined;
  /** Lists of indices instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  batchSampler?: Order<readonly number[]> | null | undefined;
  /** Worker threads: only 0 in this version. Samples load in this thread, those that are promises at the same time. */
  numWorkers?: number | undefined;
  /** Makes a batch of a list of samples, default {@link defaultCollate}; with `batchSize: null` it gets one sample. */
  collateFn?: ((samples: T[]) => B | Promise<B>) | null | undefined;
  /** Accepted for PyTorch's sake: memory of the CPU needs no pinning. */
  pinMemory?: boolean | undefined;
  /** Leaves out a last batch that is not full. Default false. */
  dropLast?: boolean | undefined;
  /** Source of the random order; default the global generator, which `manualSeed` seeds. */
  generator?: Generator | null | undefined;
  /** Batches that load while one is worked on, where samples are promises. Default 2; 0 loads nothing ahead. */
  prefetchFactor?: number | null | undefined;
}

type Positional<T, B> = [
  batchSize: number | null,
  shuffle: boolean | null,
  sampler: Order<number> | null,
  batchSampler: Order<readonly number[]> | null,
  numWorkers: number,
  collateFn: ((samples: T[]) => B | Promise<B>) | null,
  pinMemory: boolean,
  dropLast: boolean,
];

type Parsed = { [K in keyof DataLoaderOptions<unknown>]-?: Exclude<DataLoaderOptions<never, unknown>[K], undefined> };

const parse = signature<Parsed>(
  'DataLoader',
  ['batchSize', 'shuffle', 'sampler', 'batchSampler', 'numWorkers', 'collateFn', 'pinMemory', 'dropLast'],
  {
    batchSize: 1,
    shuffle: null,
    sampler: null,
    batchSampler: null,
    numWorkers: 0,
    collateFn: null,
    pinMemory: false,
    dropLast: false,
    generator: null,
    prefetchFactor: null,
  },
);

/**
 * Batches of a dataset. Iterate with `for await`; with plain `for` when neither the dataset nor the collate function
 * is asynchronous. Each iteration is a new pass.
 *
 * Without a `collateFn` a batch is what {@link defaultCollate} makes: of samples `[Tensor, number]` a pair
 * `[Tensor, Tensor]` whose first dimension is the batch.
 *
 * ```ts
 * const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true });
 * for await (const [x, y] of loader) train(x, y);
 * const [x, y] = await loader.first();
 * ```
 *
 * Orders are PyTorch's: the same seed of the global generator, or of `generator`, shuffles alike. Where `get` gives
 * promises, the samples of a batch load at the same time and `prefetchFactor` batches load ahead, outside of the modes
 * (`noGrad` …) that are open around the loop. A failing `get` ends the pass when its batch is reached, with a
 * FlambeauError that names the index and carries the failure as its `cause`.
 *
 * @throws TypeError for options that exclude each other, RangeError for values out of range.
 */
export class DataLoader<T, B = Collated<T>> {
  readonly dataset: DatasetLike<T> | StreamDataset<T>;
  /** Samples per batch; null when a `batchSampler` decides, or when samples come singly. */
  readonly batchSize: number | null;
  /** The order of single indices; null for streams and with a `batchSampler` of one's own. */
  readonly sampler: Order<number> | null;
  /** The order in lists; null for streams and when samples come singly. */
  readonly batchSampler: Order<readonly number[]> | null;
  readonly numWorkers: number;
  readonly pinMemory: boolean;
  readonly dropLast: boolean;
  readonly generator: Generator | null;
  readonly prefetchFactor: number;
  readonly #streaming: boolean;
  readonly #collate: (samples: T[]) => Later<B>;

  constructor(dataset: DatasetLike<T> | StreamDataset<T>, options?: DataLoaderOptions<T, B>);
  constructor(options: DataLoaderOptions<T, B> & { dataset: DatasetLike<T> | StreamDataset<T> });
  constructor(dataset: DatasetLike<T> | StreamDataset<T>, ...args: Trailing<Positional<T, B>, DataLoaderOptions<T, B>>);
  constructor(...args: unknown[]) {
    const [dataset, rest] = firstArgument('DataLoader()', 'dataset', args);
    const options = parse(rest);
    const streaming = isStream(dataset);
    checkOptions(options, streaming);
    this.dataset = dataset as DatasetLike<T> | StreamDataset<T>;
    this.numWorkers = options.numWorkers;
    this.pinMemory = options.pinMemory;
    this.dropLast = options.dropLast;
    this.generator = options.generator;
    this.prefetchFactor = options.prefetchFactor ?? 2;
    this.batchSize = options.batchSampler === null ? options.batchSize : null;
    this.sampler =
      streaming || options.batchSampler !== null
        ? null
        : (options.sampler ?? defaultSampler(this.dataset as DatasetLike<T>, options));
    this.batchSampler =
      options.batchSampler ??
      (this.sampler !== null && this.batchSize !== null
        ? new BatchSampler(this.sampler, this.batchSize, this.dropLast)
        : null);
    this.#streaming = streaming;
    this.#collate = collateOf<T, B>(options, this.batchSize === null && options.batchSampler === null);
  }

  /** Batches of a pass. @throws TypeError when the sampler or stream has no length. */
  get length(): number {
    if (!this.#streaming) {
      const length = (this.batchSampler ?? this.sampler)?.length;
      return batchCount('DataLoader', length, 1, false);
    }
    return batchCount('DataLoader', (this.dataset as StreamDataset<T>).length, this.batchSize ?? 1, this.dropLast);
  }

  /** A synchronous pass. @throws TypeError, from the loop, when samples or batches turn out to be promises. */
  [Symbol.iterator](): IterableIterator<B> {
    return batchesNow(this.#openPass());
  }

  /** A pass that loads ahead where samples are promises. */
  [Symbol.asyncIterator](): AsyncIterableIterator<B> {
    return batchesAhead(this.#openPass(), this.prefetchFactor);
  }

  /** The first batch of a new pass. @throws RangeError when there is none. */
  async first(): Promise<B> {
    for await (const batch of batchesAhead(this.#openPass(), 0)) return batch;
    throw new RangeError('DataLoader.first(): the dataset gives no batch');
  }

  #openPass(): Pass<B> {
    // PyTorch draws a seed for its workers at the start of each pass, even when there are none; all later draws depend on it.
    (this.generator ?? defaultGenerator()).randomInt64();
    if (this.#streaming) {
      return openStream(this.dataset as StreamDataset<T>, {
        batchSize: this.batchSize,
        dropLast: this.dropLast,
        collate: this.#collate,
      });
    }
    const order = this.batchSampler ?? singles(this.sampler!);
    return indexedPass(
      asDataset('DataLoader()', this.dataset as DatasetLike<T>),
      order[Symbol.iterator](),
      this.#collate,
    );
  }
}

/** Whether a dataset has no index. @throws TypeError when it is no dataset at all. */
function isStream(dataset: unknown): boolean {
  const candidate = dataset as Record<PropertyKey, unknown> | null;
  if (Array.isArray(candidate) || (typeof candidate?.get === 'function' && typeof candidate.length === 'number')) {
    return false;
  }
  if (typeof candidate?.[Symbol.iterator] === 'function' || typeof candidate?.[Symbol.asyncIterator] === 'function') {
    return true;
  }
  throw new TypeError(
    `DataLoader(): expected a dataset (\`length\` and \`get(index)\`), a list, or something that can be iterated, got ${describe(dataset)}`,
  );
}

function checkOptions(options: Parsed, streaming: boolean): void {
  const { batchSize, shuffle, sampler, batchSampler, numWorkers, dropLast, prefetchFactor } = options;
  const clash = (text: string) => new TypeError(`DataLoader(): ${text}`);
  if (numWorkers !== 0) {
    throw new RangeError(
      `DataLoader(): numWorkers must be 0, got ${numWorkers}; worker threads are not part of this version. ` +
        'Samples load in this thread; give promises from get() to load them at the same time and ahead (prefetchFactor)',
    );
  }
  if (prefetchFactor !== null && !(Number.isInteger(prefetchFactor) && prefetchFactor >= 0)) {
    throw new RangeError(`DataLoader(): prefetchFactor must be an integer of at least 0, got ${prefetchFactor}`);
  }
  if (batchSize !== null) checkPositive('DataLoader()', 'batchSize', batchSize);
  if (streaming && (shuffle || sampler !== null || batchSampler !== null)) {
    throw clash(
      'a stream comes in its own order: it takes no shuffle, sampler or batchSampler. A tensor is shuffled as new TensorDataset(x)',
    );
  }
  if (sampler !== null && shuffle) throw clash('sampler and shuffle exclude each other');
  if (batchSampler !== null && (batchSize !== 1 || shuffle || sampler !== null || dropLast)) {
    throw clash('batchSampler excludes batchSize, shuffle, sampler and dropLast');
  }
  if (batchSize === null && dropLast) throw clash('without batches (batchSize: null) there is no last one to drop');
}

function defaultSampler<T>(dataset: DatasetLike<T>, { shuffle, generator }: Parsed): Order<number> {
  return shuffle ? new RandomSampler(dataset, { generator }) : new SequentialSampler(dataset);
}

function collateOf<T, B>(options: Parsed, single: boolean): (samples: T[]) => Later<B> {
  const collateFn = options.collateFn as ((samples: unknown) => Later<B>) | null;
  if (single) return collateFn === null ? ([sample]) => sample as unknown as B : ([sample]) => collateFn(sample);
  return collateFn ?? ((samples) => defaultCollate(samples) as unknown as B);
}

function* singles(order: Iterable<number>): IterableIterator<[number]> {
  for (const index of order) yield [index];
}
