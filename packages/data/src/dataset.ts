/** @file What a DataLoader reads: datasets with an index, and streams. */
import { IndexError, isTensor, ShapeError, type Tensor } from '@flambeau/tensor';

/**
 * Data that is reached by index: `length` items, `get(index)` gives one, or a promise of one. Any object with these
 * two members is a dataset; extending this class is a way to let the compiler check them.
 *
 * ```ts
 * class Squares extends Dataset<[Tensor, number]> {
 *   readonly length = 100;
 *   get(index: number): [Tensor, number] {
 *     return [tensor([index]), index ** 2];
 *   }
 * }
 * ```
 */
export abstract class Dataset<T = unknown> {
  abstract readonly length: number;
  abstract get(index: number): T | Promise<T>;
}

/** Members that subclasses have or leave off; fields here would hide a subclass's accessors. */
export interface IterableDataset<T = unknown> {
  [Symbol.iterator]?(): Iterator<T>;
  [Symbol.asyncIterator]?(): AsyncIterator<T>;
  readonly length?: number;
}

/**
 * Data that can only be read in order. Subclasses have `*[Symbol.iterator]()` or `async *[Symbol.asyncIterator]()`;
 * each call starts a new pass. Any other object with one of them works as well. A `length` (items of a pass) is
 * optional and lets `DataLoader.length` be known.
 *
 * ```ts
 * class Lines extends IterableDataset<string> {
 *   async *[Symbol.asyncIterator]() {
 *     for await (const line of handle.readLines()) yield line;
 *   }
 * }
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: all members of the interface are optional.
// biome-ignore lint/correctness/noUnusedVariables: both declarations must name the same parameters.
export abstract class IterableDataset<T = unknown> {}

/** Data without an index: anything that can be iterated, synchronously or not. */
export type StreamDataset<T> = (Iterable<T> | AsyncIterable<T> | IterableDataset<T>) & { readonly length?: number };

/** What is taken where a dataset is asked for; a list is one as well. */
export type DatasetLike<T> = Dataset<T> | readonly T[];

/** The same data behind `length` and `get`. @throws TypeError for what is neither a dataset nor a list. */
export function asDataset<T>(owner: string, source: DatasetLike<T>): Dataset<T> {
  if (Array.isArray(source)) return new ListDataset(source as readonly T[]);
  const dataset = source as Partial<Dataset<T>> | null | undefined;
  if (typeof dataset?.get === 'function' && typeof dataset.length === 'number') return dataset as Dataset<T>;
  throw new TypeError(
    `${owner}: expected a dataset (an object with \`length\` and \`get(index)\`, or a list), got ${describe(source)}`,
  );
}

/** A value in an error message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'object') return `an object of class ${value.constructor?.name ?? 'Object'}`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** A position in `length` items; negative ones count from the end, as in Python. @throws IndexError when out of range. */
export function wrapIndex(owner: string, index: number, length: number): number {
  if (!Number.isInteger(index) || index < -length || index >= length) {
    throw new IndexError(
      `${owner}.get(${String(index)}): the index must be an integer from ${-length} to ${length - 1}`,
    );
  }
  return index < 0 ? index + length : index;
}

class ListDataset<T> extends Dataset<T> {
  readonly #items: readonly T[];
  constructor(items: readonly T[]) {
    super();
    this.#items = items;
  }
  get length(): number {
    return this.#items.length;
  }
  get(index: number): T {
    return this.#items[wrapIndex('list', index, this.#items.length)] as T;
  }
}

/**
 * Tensors of equal first dimension, cut along it: item `i` is the list of every tensor's `i`-th slice.
 *
 * ```ts
 * const data = new TensorDataset(x, y); // x: [N, 3], y: [N]
 * const [features, target] = data.get(0); // [3] and []
 * ```
 * @throws ShapeError when the first dimensions differ or a tensor has none.
 */
export class TensorDataset<T extends readonly Tensor[]> extends Dataset<{ -readonly [K in keyof T]: Tensor }> {
  readonly tensors: T;

  constructor(...tensors: T) {
    super();
    for (const [i, tensor] of tensors.entries()) {
      if (!isTensor(tensor)) {
        throw new TypeError(`TensorDataset(): argument ${i} must be a tensor, got ${describe(tensor)}`);
      }
    }
    const rows = tensors.map((tensor) => tensor.shape[0]);
    if (rows.length === 0 || rows.includes(undefined) || rows.some((n) => n !== rows[0])) {
      const shapes = tensors.map((tensor) => `[${tensor.shape.join(', ')}]`).join(', ') || 'no tensors';
      throw new ShapeError(`TensorDataset(): the tensors need one first dimension of equal size, got ${shapes}`);
    }
    this.tensors = tensors;
  }

  get length(): number {
    return this.tensors[0]!.shape[0]!;
  }

  get(index: number): { -readonly [K in keyof T]: Tensor } {
    const row = wrapIndex('TensorDataset', index, this.length);
    return this.tensors.map((tensor) => tensor.select(0, row)) as { -readonly [K in keyof T]: Tensor };
  }
}

/** The items of `dataset` at `indices`, in that order. */
export class Subset<T> extends Dataset<T> {
  readonly dataset: Dataset<T>;
  readonly indices: readonly number[];

  constructor(dataset: DatasetLike<T>, indices: readonly number[]) {
    super();
    this.dataset = asDataset('Subset()', dataset);
    this.indices = indices;
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number): T | Promise<T> {
    return this.dataset.get(this.indices[wrapIndex('Subset', index, this.length)]!);
  }
}

/** Several datasets, one after the other. */
export class ConcatDataset<T> extends Dataset<T> {
  readonly datasets: readonly Dataset<T>[];
  /** Number of items up to and including each dataset. */
  readonly cumulativeSizes: readonly number[];

  constructor(datasets: readonly DatasetLike<T>[]) {
    super();
    if (datasets.length === 0) throw new TypeError('ConcatDataset(): expected at least one dataset, got none');
    this.datasets = datasets.map((dataset) => asDataset('ConcatDataset()', dataset));
    let total = 0;
    this.cumulativeSizes = this.datasets.map((dataset) => {
      total += dataset.length;
      return total;
    });
  }

  get length(): number {
    return this.cumulativeSizes.at(-1)!;
  }

  get(index: number): T | Promise<T> {
    const position = wrapIndex('ConcatDataset', index, this.length);
    const k = this.cumulativeSizes.findIndex((end) => position < end);
    return this.datasets[k]!.get(position - (this.cumulativeSizes[k - 1] ?? 0));
  }
}
