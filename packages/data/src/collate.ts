/** @file Making one batch of a list of samples. */
import {
  type DType,
  DTypeError,
  fromTypedArray,
  getDefaultDevice,
  isTensor,
  ShapeError,
  stack,
  type Tensor,
  tensor,
} from '@flambeau/tensor';
import { isPlainObject } from '@flambeau/tensor/internal';
import { describe } from './dataset.ts';

/** Typed arrays that have a dtype of their own; Uint16Array is left out, because 16-bit floats are stored in it. */
type NumericArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Int32Array
  | BigInt64Array;

/** What {@link defaultCollate} makes of samples of type `T`. */
export type Collated<T> = T extends Tensor
  ? Tensor
  : T extends number | bigint | boolean | NumericArray
    ? Tensor
    : T extends string
      ? string[]
      : T extends ReadonlyMap<infer K, infer V>
        ? Map<K, Collated<V>>
        : T extends readonly unknown[]
          ? { -readonly [K in keyof T]: Collated<T[K]> }
          : T extends object
            ? { [K in keyof T]: Collated<T[K]> }
            : never;

/** Where in a sample a value stands, for messages: `[1].label`. */
type Path = string;

/**
 * Makes one batch of a list of samples, with PyTorch's rules:
 *
 * - tensors of equal shape and dtype are stacked along a new first dimension, typed arrays likewise;
 * - numbers become one tensor: int32 when every one of them is an integer, otherwise float32. A target that is
 *   meant as real but happens to be whole in a batch should therefore be a tensor in the sample: `tensor(3)`;
 * - booleans become bool, bigints int64; strings stay a list;
 * - lists, plain objects and Maps are taken apart, each place is collated on its own.
 *
 * Tensors stay on the device where the samples have them; what is made of numbers and arrays is on the default device.
 *
 * ```ts
 * const [x, y] = defaultCollate([[tensor([1, 2]), 0], [tensor([3, 4]), 1]]);
 * x.shape; // [2, 2]
 * y.dtype; // 'int32'
 * ```
 * @throws ShapeError when tensors or lists differ in size, naming the place, DTypeError when tensors differ in dtype;
 *   RangeError for integers beyond int32; TypeError for values that cannot be collated. The remedy is always a `collateFn` of one's own.
 */
export function defaultCollate<T>(samples: readonly T[]): Collated<T> {
  if (samples.length === 0) {
    throw new RangeError('defaultCollate(): a batch needs at least one sample, got an empty list');
  }
  return collate(samples, '') as Collated<T>;
}

function collate(samples: readonly unknown[], path: Path): unknown {
  const first = samples[0];
  if (isTensor(first)) return collateTensors(sameKind(samples, path, (s) => isTensor(s)) as Tensor[], path);
  if (typeof first === 'number') return collateNumbers(samplesOfType<number>(samples, path, 'number'), path);
  if (typeof first === 'boolean') return tensor(samplesOfType<boolean>(samples, path, 'boolean'));
  if (typeof first === 'bigint') return tensor(samplesOfType<bigint>(samples, path, 'bigint'), { dtype: 'int64' });
  if (typeof first === 'string') return [...samplesOfType<string>(samples, path, 'string')];
  if (isNumericArray(first)) return collateArrays(sameKind(samples, path, isNumericArray) as NumericArray[], path);
  if (Array.isArray(first)) return collateLists(sameKind(samples, path, Array.isArray) as unknown[][], path);
  if (first instanceof Map) {
    return collateMaps(sameKind(samples, path, (s) => s instanceof Map) as Map<unknown, unknown>[], path);
  }
  if (isPlainObject(first)) {
    return collateRecords(sameKind(samples, path, isPlainObject) as Record<string, unknown>[], path);
  }
  throw new TypeError(
    `defaultCollate(): cannot make a batch of ${describe(first)}${at(path)}; samples may hold tensors, typed arrays, numbers, ` +
      'booleans, bigints, strings, lists, plain objects and Maps. For anything else give the DataLoader a collateFn',
  );
}

function at(path: Path): string {
  return path === '' ? '' : ` at sample${path}`;
}

function sameKind<S>(samples: readonly S[], path: Path, belongs: (sample: S) => boolean): readonly S[] {
  const odd = samples.findIndex((sample) => !belongs(sample));
  if (odd < 0) return samples;
  throw new TypeError(
    `defaultCollate(): the samples of a batch must be alike, but${at(path)} the first is ${describe(samples[0])} and number ${odd} is ${describe(samples[odd])}`,
  );
}

function samplesOfType<S>(samples: readonly unknown[], path: Path, type: string): S[] {
  return sameKind(samples, path, (sample) => typeof sample === type) as S[];
}

function collateTensors(tensors: readonly Tensor[], path: Path): Tensor {
  const { shape, dtype } = tensors[0]!;
  for (const [i, other] of tensors.entries()) {
    if (other.dtype !== dtype) {
      throw new DTypeError(
        `defaultCollate(): tensors${at(path)} differ in dtype: ${dtype} in the first sample, ${other.dtype} in number ${i}`,
      );
    }
    if (other.shape.length !== shape.length || other.shape.some((size, dim) => size !== shape[dim])) {
      throw new ShapeError(
        `defaultCollate(): tensors${at(path)} differ in shape: [${shape.join(', ')}] in the first sample, [${other.shape.join(', ')}] in number ${i}; ` +
          'pad or crop them in the dataset, or give the DataLoader a collateFn',
      );
    }
  }
  return stack([...tensors]);
}

function collateNumbers(numbers: readonly number[], path: Path): Tensor {
  if (!numbers.every(Number.isInteger)) return tensor(numbers, { dtype: 'float32' });
  const outside = numbers.find((n) => n !== (n | 0));
  if (outside !== undefined) {
    throw new RangeError(
      `defaultCollate(): the integer ${outside}${at(path)} is beyond int32; return BigInt(${outside}) for int64, or a tensor of another dtype`,
    );
  }
  return tensor(numbers, { dtype: 'int32' });
}

const arrayDTypes: Record<string, DType> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Int8Array: 'int8',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
};

function isNumericArray(value: unknown): value is NumericArray {
  return ArrayBuffer.isView(value) && Object.hasOwn(arrayDTypes, value.constructor.name);
}

/** Typed arrays of one kind and length as the rows of a tensor, on the default device as all that is made of data. */
function collateArrays(arrays: readonly NumericArray[], path: Path): Tensor {
  const rows = arrays.map((array) => {
    const values =
      array instanceof Uint8ClampedArray ? new Uint8Array(array.buffer, array.byteOffset, array.length) : array;
    return fromTypedArray(values);
  });
  return collateTensors(rows, path).to(getDefaultDevice());
}

function collateLists(lists: readonly (readonly unknown[])[], path: Path): unknown[] {
  const size = lists[0]!.length;
  const odd = lists.findIndex((list) => list.length !== size);
  if (odd >= 0) {
    throw new ShapeError(
      `defaultCollate(): lists${at(path)} differ in length: ${size} in the first sample, ${lists[odd]!.length} in number ${odd}`,
    );
  }
  return Array.from({ length: size }, (_, place) =>
    collate(
      lists.map((list) => list[place]),
      `${path}[${place}]`,
    ),
  );
}

function collateRecords(records: readonly Record<string, unknown>[], path: Path): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(records[0]!)) {
    const values = records.map((record, i) => {
      if (Object.hasOwn(record, key)) return record[key];
      throw new TypeError(`defaultCollate(): sample number ${i}${at(path)} has no '${key}', which the first one has`);
    });
    // Not an assignment, which would set the prototype for a key of that name.
    Object.defineProperty(result, key, {
      value: collate(values, `${path}.${key}`),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return result;
}

function collateMaps(maps: readonly Map<unknown, unknown>[], path: Path): Map<unknown, unknown> {
  const result = new Map<unknown, unknown>();
  for (const key of maps[0]!.keys()) {
    const values = maps.map((map, i) => {
      if (map.has(key)) return map.get(key);
      throw new TypeError(
        `defaultCollate(): sample number ${i}${at(path)} has no key ${describe(key)}, which the first one has`,
      );
    });
    result.set(key, collate(values, `${path}.get(${describe(key)})`));
  }
  return result;
}
