/** @file A pass over a dataset: which samples come next, getting them, making a batch of them. */
import { FlambeauError } from '@flambeau/tensor';
import { detached, macrotask, settle } from '@flambeau/tensor/internal';
import type { Dataset, StreamDataset } from './dataset.ts';

/** A value, or a promise of it. */
export type Later<T> = T | Promise<T>;

/** A pass over a dataset in batches `B`. */
export interface Pass<B> {
  /** Starts on the next batch; `done` at the end. Several may be under way; they come in the order of the calls. */
  next(): Later<IteratorResult<B, undefined>>;
  /** Ends the pass and releases what it reads from. */
  close(): Later<void>;
}

export function isPromise<T>(value: Later<T>): value is Promise<T> {
  return typeof (value as Promise<T> | null | undefined)?.then === 'function';
}

/** Marks a promise's failure as seen, for one that may be dropped before anybody awaits it. */
export function quiet<T>(value: Later<T>): Later<T> {
  if (isPromise(value)) value.then(undefined, () => undefined);
  return value;
}

const end = { done: true, value: undefined } as const;

/** An iterator that is closed at most once, and not after it has ended or failed: that is what for-of does. */
function closing<T>(items: Iterator<T>): { next(): IteratorResult<T>; close(): void } {
  let open = true;
  return {
    next() {
      open = false;
      const step = items.next();
      open = !step.done;
      return step;
    },
    close() {
      if (open) items.return?.();
      open = false;
    },
  };
}

/**
 * Lists of indices become batches. Samples that are promises load at the same time.
 *
 * @param order lists of indices, from a batch sampler
 * @param collate makes a batch of the samples of one list
 */
export function indexedPass<T, B>(
  dataset: Dataset<T>,
  order: Iterator<readonly number[]>,
  collate: (samples: T[]) => Later<B>,
): Pass<B> {
  const lists = closing(order);
  let batch = 0;
  return {
    next() {
      const step = lists.next();
      if (step.done) return end;
      const samples = getSamples(dataset, step.value, batch++);
      return asResult(isPromise(samples) ? samples.then((all) => detached(() => collate(all))) : collate(samples));
    },
    close: lists.close,
  };
}

function asResult<B>(value: Later<B>): Later<IteratorResult<B, undefined>> {
  return isPromise(value) ? value.then((batch) => ({ done: false, value: batch })) : { done: false, value };
}

function getSamples<T>(dataset: Dataset<T>, indices: readonly number[], batch: number): Later<T[]> {
  const samples: Later<T>[] = [];
  let wait = false;
  for (const index of indices) {
    try {
      const sample = dataset.get(index);
      if (isPromise(sample)) {
        wait = true;
        const named = Promise.resolve(sample).catch((error) => Promise.reject(failure(error, index, batch)));
        samples.push(quiet(named));
      } else samples.push(sample);
    } catch (error) {
      throw failure(error, index, batch);
    }
  }
  return wait ? Promise.all(samples) : (samples as T[]);
}

function failure(error: unknown, index: number, batch: number): FlambeauError {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new FlambeauError(`DataLoader: the dataset's get(${index}) failed, in batch ${batch}: ${reason}`, {
    cause: error,
  });
}

/** How the items of a stream become batches; `batchSize` null: each item is one. */
export interface StreamOptions<T, B> {
  readonly batchSize: number | null;
  readonly dropLast: boolean;
  collate(samples: T[]): Later<B>;
}

/** Items of a synchronous stream become batches. */
export function streamPass<T, B>(items: Iterator<T>, { batchSize, dropLast, collate }: StreamOptions<T, B>): Pass<B> {
  const size = batchSize ?? 1;
  const stream = closing(items);
  return {
    next() {
      const samples: T[] = [];
      while (samples.length < size) {
        const step = stream.next();
        if (step.done) break;
        samples.push(step.value);
      }
      if (samples.length === 0 || (dropLast && samples.length < size)) return end;
      return asResult(collate(samples));
    },
    close: stream.close,
  };
}

/** Items of an asynchronous stream become batches. They are read one after the other, however many batches are asked for. */
export function asyncStreamPass<T, B>(
  items: AsyncIterator<T>,
  { batchSize, dropLast, collate }: StreamOptions<T, B>,
): Pass<B> {
  const size = batchSize ?? 1;
  let tail: Promise<unknown> = Promise.resolve();
  let reading = 0;
  /** It has ended or failed, or nobody wants more of it. */
  let over = false;

  async function read(): Promise<IteratorResult<B, undefined>> {
    const samples: T[] = [];
    while (samples.length < size && !over) {
      let step: IteratorResult<T>;
      try {
        step = await items.next();
      } catch (error) {
        over = true;
        throw error;
      }
      if (step.done) over = true;
      else samples.push(step.value);
    }
    if (samples.length === 0 || (dropLast && samples.length < size)) return end;
    return { done: false, value: await detached(() => collate(samples)) };
  }

  return {
    next() {
      reading++;
      const result = tail.then(read).finally(() => reading--);
      tail = result.catch(() => undefined);
      return result;
    },
    async close() {
      if (over) return;
      over = true;
      const returned = quiet(Promise.resolve(items.return?.()));
      // A read that is under way may never end (a socket gone silent); whoever leaves the loop must not wait for it.
      if (reading === 0) await returned;
    },
  };
}

/** Opens a stream for one pass. @throws TypeError when it cannot be iterated. */
export function openStream<T, B>(source: StreamDataset<T>, options: StreamOptions<T, B>): Pass<B> {
  const { [Symbol.iterator]: iterate, [Symbol.asyncIterator]: iterateAsync } = source as Partial<
    Iterable<T> & AsyncIterable<T>
  >;
  if (iterateAsync !== undefined) return asyncStreamPass(iterateAsync.call(source), options);
  if (iterate !== undefined) return streamPass(iterate.call(source), options);
  throw new TypeError('DataLoader: an IterableDataset needs *[Symbol.iterator]() or async *[Symbol.asyncIterator]()');
}

/** All batches of a pass that needs no waiting. @throws TypeError when it does. */
export function* batchesNow<B>(pass: Pass<B>): Generator<B, void, void> {
  try {
    for (;;) {
      const step = quiet(pass.next());
      if (isPromise(step)) {
        throw new TypeError(
          "DataLoader: the dataset's get() or the collateFn gave a promise; use `for await (const batch of loader)`",
        );
      }
      if (step.done) return;
      yield step.value;
    }
  } finally {
    quiet(pass.close() as Later<undefined>);
  }
}

/** Milliseconds of batches without a break after which timers, input and signals get their turn. */
const turnAfter = 50;

/**
 * All batches of a pass, `ahead` of which load while the consumer works on one. Batches that are there at once are
 * not made ahead: that would cost memory and win nothing in one thread. But a loop over them would keep the event loop
 * busy to its end (promises come before timers), so now and then it pauses.
 */
export async function* batchesAhead<B>(pass: Pass<B>, ahead: number): AsyncGenerator<B, void, void> {
  const queue: Later<IteratorResult<B, undefined>>[] = [];
  const start = (): Later<IteratorResult<B, undefined>> => {
    try {
      return quiet(detached(() => pass.next()));
    } catch (error) {
      return quiet(Promise.reject(error));
    }
  };
  try {
    for (let lastTurn = performance.now(); ; ) {
      const head = queue.shift() ?? start();
      for (let last = queue.at(-1) ?? head; queue.length < ahead && isPromise(last); last = queue.at(-1)!) {
        queue.push(start());
      }
      const step = await head;
      if (step.done) return;
      if (performance.now() - lastTurn > turnAfter) {
        await macrotask();
        lastTurn = performance.now();
      }
      const settling = settle();
      if (settling !== null) await settling;
      yield step.value;
    }
  } finally {
    await pass.close();
  }
}
