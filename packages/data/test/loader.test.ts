import '@flambeau/backend-cpu';
import { FlambeauError, Generator, isGradEnabled, manualSeed, noGrad, type Tensor, tensor } from '@flambeau/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataLoader, Dataset, IterableDataset, TensorDataset } from '../src/index.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const keep = <T>(samples: T[]): T[] => samples;

/** Resolves after pending promises have had their turns. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function collect<T>(batches: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const batch of batches) result.push(batch);
  return result;
}

/** Samples that are delivered when told to. */
class Slow extends Dataset<number> {
  readonly length: number;
  readonly started: number[] = [];
  readonly #release = new Map<number, (error?: Error) => void>();
  constructor(length: number) {
    super();
    this.length = length;
  }
  get(index: number): Promise<number> {
    this.started.push(index);
    return new Promise((resolve, reject) => {
      this.#release.set(index, (error) => (error === undefined ? resolve(index) : reject(error)));
    });
  }
  finish(...indices: number[]): void {
    for (const index of indices) this.#release.get(index)!();
  }
  fail(index: number): void {
    this.#release.get(index)!(new RangeError(`no ${index}`));
  }
}

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await settle();
  process.off('unhandledRejection', note);
  expect(unhandled.splice(0)).toEqual([]);
});

describe('DataLoader', () => {
  const pairs = new TensorDataset(
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    tensor([7, 8, 9]),
  );

  it('makes batches, synchronously and asynchronously', async () => {
    const loader = new DataLoader(pairs, { batchSize: 2 });
    expect(loader.length).toBe(2);
    const sync = [...loader].map(([x, y]) => [x.toArraySync(), y.toArraySync()]);
    expect(sync).toEqual([
      [
        [
          [1, 2],
          [3, 4],
        ],
        [7, 8],
      ],
      [[[5, 6]], [9]],
    ]);
    expect((await collect(loader)).map(([x, y]) => [x.toArraySync(), y.toArraySync()])).toEqual(sync);
    const [x] = await loader.first();
    expect(x.toArraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  it('takes lists, plain objects and all arguments by name or position', () => {
    const plain = { length: 3, get: (i: number) => i * 10 };
    expect([...new DataLoader(plain, { collateFn: keep })]).toEqual([[0], [10], [20]]);
    expect([...new DataLoader(plain, { batchSize: 2, collateFn: keep })]).toEqual([[0, 10], [20]]);
    expect([...new DataLoader({ dataset: plain, batchSize: 2, dropLast: true, collateFn: keep })]).toEqual([[0, 10]]);
    expect([...new DataLoader(plain, 2, false, null, null, 0, keep, false, true)]).toEqual([[0, 10]]);
    expect([...new DataLoader(plain, 2, false, { collateFn: keep })]).toEqual([[0, 10], [20]]);
    expect([...new DataLoader([5, 6, 7], { batchSize: 3 })].map((x) => x.toArraySync())).toEqual([[5, 6, 7]]);
  });

  it('follows samplers and batch samplers', () => {
    const data = range(6);
    expect([...new DataLoader(data, { batchSize: 2, sampler: [5, 3, 1], collateFn: keep })]).toEqual([[5, 3], [1]]);
    const loader = new DataLoader(data, { batchSampler: [[0, 5], [1]], collateFn: keep });
    expect([...loader]).toEqual([[0, 5], [1]]);
    expect([loader.length, loader.batchSize]).toEqual([2, null]);
    expect(() => new DataLoader(data, { sampler: new Set([1]) }).length).toThrow(TypeError);
  });

  it('gives single samples without a batch size', async () => {
    const loader = new DataLoader<number, number>(range(3), { batchSize: null });
    expect([...loader]).toEqual([0, 1, 2]);
    expect(loader.length).toBe(3);
    expect(await collect(new DataLoader<number, number>(new Slow(0), { batchSize: null }))).toEqual([]);
    expect([...new DataLoader(range(3), { batchSize: null, collateFn: (sample) => `${sample}!` })]).toEqual([
      '0!',
      '1!',
      '2!',
    ]);
  });

  it('shuffles anew in each pass, as the seed says', () => {
    const loader = new DataLoader(range(20), { batchSize: 20, shuffle: true, collateFn: keep });
    manualSeed(4);
    const [first, second] = [[...loader], [...loader]];
    expect(first).not.toEqual(second);
    expect([...first[0]!].sort((a, b) => a - b)).toEqual(range(20));
    manualSeed(4);
    expect([...loader]).toEqual(first);
  });

  it('refuses options that make no sense', () => {
    const make =
      (options: object, dataset: unknown = range(4)) =>
      () =>
        new DataLoader(dataset as number[], options);
    expect(make({ numWorkers: 2 })).toThrow(/numWorkers must be 0, got 2; worker threads are not part of this version/);
    expect(make({ numWorkers: 2 })).toThrow(RangeError);
    expect(make({ batchSize: 0 })).toThrow(/batchSize must be a positive integer, got 0/);
    expect(make({ prefetchFactor: -1 })).toThrow(RangeError);
    expect(make({ batchsize: 2 })).toThrow(/unknown option 'batchsize'; did you mean 'batchSize'/);
    expect(make({ shuffle: true, sampler: [1] })).toThrow(/sampler and shuffle exclude each other/);
    expect(make({ batchSampler: [[1]], batchSize: 2 })).toThrow(/batchSampler excludes/);
    expect(make({ batchSize: null, dropLast: true })).toThrow(TypeError);
    expect(make({ shuffle: true }, new Set([1]))).toThrow(/a stream comes in its own order/);
    expect(make({}, { length: 3 })).toThrow(/expected a dataset .* got an object of class Object/);
    expect(() => new DataLoader(undefined as never)).toThrow(/missing argument 'dataset'/);
    expect(make({}, null)).toThrow(TypeError);
    expect(make({ shuffle: true }, [])).toThrow(RangeError);
    expect(() => new DataLoader(range(4), 2, { batchSize: 2 })).toThrow(
      /'batchSize' was given both by position and by name/,
    );
    expect(new DataLoader(range(4), { pinMemory: true }).pinMemory).toBe(true);
  });

  it('gives no batch of an empty dataset', async () => {
    const loader = new DataLoader([] as number[]);
    expect([...loader]).toEqual([]);
    await expect(loader.first()).rejects.toThrow(/the dataset gives no batch/);
  });

  it('types batches by their samples', () => {
    class Labelled extends Dataset<{ image: Tensor; label: number; name: string }> {
      readonly length = 1;
      get() {
        return { image: tensor([1]), label: 0, name: 'a' };
      }
    }
    for (const { image, label, name } of new DataLoader(new Labelled())) {
      const [x, y, names]: [Tensor, Tensor, string[]] = [image, label, name];
      expect([x.shape, y.shape, names]).toEqual([[1, 1], [1], ['a']]);
    }
  });
});

describe('asynchronous datasets', () => {
  it('load the samples of a batch at once, and two batches ahead', async () => {
    const data = new Slow(20);
    const batches = new DataLoader(data, { batchSize: 2, collateFn: keep })[Symbol.asyncIterator]();
    const first = batches.next();
    expect(data.started).toEqual(range(6));
    data.finish(1, 0, 3, 2);
    expect((await first).value).toEqual([0, 1]);
    expect(data.started).toEqual(range(6));
    expect((await batches.next()).value).toEqual([2, 3]);
    expect(data.started).toEqual(range(8));
    await batches.return!();
  });

  it('load nothing ahead when told so', async () => {
    const data = new Slow(4);
    const batches = new DataLoader(data, { batchSize: 2, prefetchFactor: 0, collateFn: keep })[Symbol.asyncIterator]();
    const first = batches.next();
    data.finish(0, 1);
    expect((await first).value).toEqual([0, 1]);
    await settle();
    expect(data.started).toEqual([0, 1]);
    await batches.return!();
  });

  it('come in order, however they finish', async () => {
    const delays = [3, 1, 2, 0, 2, 1];
    const dataset = {
      length: delays.length,
      get: async (i: number) => {
        for (let turn = 0; turn < delays[i]!; turn++) await settle();
        return i;
      },
    };
    expect(await collect(new DataLoader(dataset, { batchSize: 1, prefetchFactor: 4, collateFn: keep }))).toEqual(
      range(6).map((i) => [i]),
    );
  });

  it('may be mixed with samples that are there at once', async () => {
    const dataset = { length: 6, get: (i: number): number | Promise<number> => (i % 4 === 1 ? Promise.resolve(i) : i) };
    expect(await collect(new DataLoader(dataset, { batchSize: 2, collateFn: keep }))).toEqual([
      [0, 1],
      [2, 3],
      [4, 5],
    ]);
  });

  it('cannot be read by a plain for', () => {
    const loader = new DataLoader({ length: 2, get: async (i: number) => i });
    expect(() => [...loader]).toThrow(/gave a promise; use `for await/);
    expect(() => [...new DataLoader(range(2), { collateFn: async (x) => x })]).toThrow(TypeError);
  });

  it('may have an asynchronous collate function', async () => {
    expect(await collect(new DataLoader(range(3), { batchSize: 2, collateFn: async (x) => x.length }))).toEqual([2, 1]);
  });

  it('tell of a failure when its batch is reached, naming the index', async () => {
    const data = new Slow(8);
    const batches = new DataLoader(data, { batchSize: 2, collateFn: keep })[Symbol.asyncIterator]();
    const first = batches.next();
    data.fail(3);
    data.finish(0, 1, 2);
    expect((await first).value).toEqual([0, 1]);
    const error = await batches.next().then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error).toBeInstanceOf(FlambeauError);
    expect(error!.message).toBe("DataLoader: the dataset's get(3) failed, in batch 1: RangeError: no 3");
    expect(error!.cause).toBeInstanceOf(RangeError);
    expect(await batches.next()).toEqual({ done: true, value: undefined });
  });

  it('tell of failures in the synchronous part and in collation', async () => {
    const dataset = {
      length: 4,
      get(i: number): Promise<number> {
        if (i === 1) throw new Error('at once');
        return Promise.reject(new Error('later'));
      },
    };
    await expect(collect(new DataLoader(dataset, { batchSize: 2 }))).rejects.toThrow(
      /get\(1\) failed, in batch 0: Error: at once/,
    );
    const throwing = () => {
      throw new Error('no batch');
    };
    await expect(collect(new DataLoader(range(2), { collateFn: throwing }))).rejects.toThrow('no batch');
    expect(() => [...new DataLoader({ length: 1, get: throwing })]).toThrow(
      /get\(0\) failed, in batch 0: Error: no batch/,
    );
  });

  it('may be abandoned while samples load, even if these fail afterwards', async () => {
    const data = new Slow(8);
    const loader = new DataLoader(data, { batchSize: 2, collateFn: keep });
    setImmediate(() => data.finish(0, 1));
    for await (const batch of loader) {
      expect(batch).toEqual([0, 1]);
      break;
    }
    for (const index of data.started.slice(2)) data.fail(index);
    await settle();
    expect(data.started).toEqual(range(6));
  });

  it('load outside of the modes that are open around the loop', async () => {
    const seen: boolean[] = [];
    const dataset = {
      length: 2,
      get: async (i: number) => {
        seen.push(isGradEnabled());
        return i;
      },
    };
    const collateFn = (samples: number[]) => {
      seen.push(isGradEnabled());
      return samples;
    };
    await noGrad(async () => {
      await collect(new DataLoader(dataset, { collateFn }));
      expect(isGradEnabled()).toBe(false);
    });
    expect(seen).toEqual([true, true, true, true]);
  });
});

describe('long loops', () => {
  it('let timers have their turn, even where nothing is asynchronous', async () => {
    let fired = false;
    setTimeout(() => {
      fired = true;
    }, 0);
    const deadline = performance.now() + 5000;
    function* endless() {
      while (!fired && performance.now() < deadline) yield 1;
    }
    for await (const _ of new DataLoader(endless(), { collateFn: keep }));
    expect(fired).toBe(true);
  });
});

describe('streams', () => {
  class Counter extends IterableDataset<number> {
    closed = 0;
    override readonly length = 5;
    override *[Symbol.iterator]() {
      try {
        yield* range(5);
      } finally {
        this.closed++;
      }
    }
  }
  class AsyncCounter extends IterableDataset<number> {
    closed = 0;
    override async *[Symbol.asyncIterator]() {
      try {
        for (const i of range(5)) {
          await settle();
          yield i;
        }
      } finally {
        this.closed++;
      }
    }
  }

  it('are cut into batches', async () => {
    const options = { batchSize: 2, collateFn: keep<number> };
    const expected = [[0, 1], [2, 3], [4]];
    const counter = new Counter();
    expect([...new DataLoader(counter, options)]).toEqual(expected);
    expect(await collect(new DataLoader(counter, options))).toEqual(expected);
    expect(await collect(new DataLoader(new AsyncCounter(), options))).toEqual(expected);
    expect([...new DataLoader(counter, { ...options, dropLast: true })]).toEqual(expected.slice(0, 2));
    expect([...new DataLoader<number, number>(counter, { batchSize: null })]).toEqual(range(5));
    expect(await collect(new DataLoader<number, number>(new AsyncCounter(), { batchSize: null }))).toEqual(range(5));
    expect([...new DataLoader(new Set(['a', 'b']))]).toEqual([['a'], ['b']]);
    expect(new DataLoader(counter, options).length).toBe(3);
    expect(() => new DataLoader(new AsyncCounter()).length).toThrow(TypeError);
    expect(counter.closed).toBe(4);
  });

  it('are closed when the loop is left', async () => {
    const [counter, asyncCounter] = [new Counter(), new AsyncCounter()];
    for (const _ of new DataLoader(counter)) break;
    expect(counter.closed).toBe(1);
    for await (const _ of new DataLoader(asyncCounter)) break;
    await settle();
    await settle();
    expect(asyncCounter.closed).toBe(1);
    await new DataLoader(asyncCounter).first();
    expect(asyncCounter.closed).toBe(2);
  });

  it('are closed once, and not when they have ended or failed by themselves', async () => {
    let returned = 0;
    const counting = (length: number, fails: boolean) => {
      let i = 0;
      const step = () => {
        if (i === length && fails) throw new Error('torn off');
        return i++ < length ? { done: false as const, value: i } : { done: true as const, value: undefined };
      };
      const done = () => {
        returned++;
        return { done: true as const, value: undefined };
      };
      return [
        { [Symbol.iterator]: () => ({ next: step, return: done }) },
        { [Symbol.asyncIterator]: () => ({ next: async () => step(), return: async () => done() }) },
      ] as const;
    };
    const options = { collateFn: keep<number> };
    for (const stream of counting(2, false)) await collect(new DataLoader(stream, options));
    for (const stream of counting(2, true)) {
      await expect(collect(new DataLoader(stream, options))).rejects.toThrow('torn off');
    }
    expect([...new DataLoader(counting(2, false)[0], options)]).toEqual([[1], [2]]);
    expect(() => [...new DataLoader(counting(0, true)[0], options)]).toThrow('torn off');
    expect(returned).toBe(0);
    for (const stream of counting(9, false)) for await (const _ of new DataLoader(stream, options)) break;
    for (const _ of new DataLoader(counting(9, false)[0], options)) break;
    await settle();
    expect(returned).toBe(3);
  });

  it('do not hold up who leaves the loop while they are silent', async () => {
    const silent = {
      async *[Symbol.asyncIterator]() {
        yield 1;
        await new Promise(() => undefined);
      },
    };
    for await (const batch of new DataLoader(silent, { collateFn: keep })) {
      expect(batch).toEqual([1]);
      break;
    }
  });

  it('pass on their failures after the batches before', async () => {
    const failing = {
      async *[Symbol.asyncIterator]() {
        yield 1;
        throw new Error('torn off');
      },
    };
    const batches: number[][] = [];
    const reading = (async () => {
      for await (const batch of new DataLoader(failing, { collateFn: keep })) batches.push(batch as number[]);
    })();
    await expect(reading).rejects.toThrow('torn off');
    expect(batches).toEqual([[1]]);
  });

  it('cannot be read by a plain for when they are asynchronous', () => {
    expect(() => [...new DataLoader(new AsyncCounter())]).toThrow(TypeError);
  });

  it('must be iterable', () => {
    class Nothing extends IterableDataset<number> {}
    expect(() => new DataLoader(new Nothing())).toThrow(TypeError);
    expect(() => new DataLoader(new Set([1]), { generator: new Generator() })).not.toThrow();
  });
});
