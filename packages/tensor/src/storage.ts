/** @file A storage is the memory behind tensors: one typed array on the CPU, a backend's own handle elsewhere. */
import { type DType, dtypeInfo, type TypedArray } from './dtype.ts';
import { FlambeauError, OutOfMemoryError } from './errors.ts';
import { backendFor } from './state.ts';

/**
 * Memory of one dtype on one device, shared by all views of it. `length` counts elements of `dtype`.
 *
 * On the CPU `data` is a typed array whose `byteOffset` need not be 0 and whose buffer may be shared. On other
 * devices `data` is whatever the backend keeps. `version` counts in-place changes, so that autograd can tell whether
 * a tensor that it saved has been overwritten.
 */
export class Storage {
  readonly device: string;
  readonly dtype: DType;
  readonly length: number;
  readonly data: unknown;
  version = 0;
  /** Set when a gradient accumulator took this storage over, so that no second one does. */
  claimed = false;
  /** Whether the user may hold the memory too (`fromTypedArray`, `asTypedArray`), so that another storage may share it. */
  external: boolean;
  /** The storage that counts the users of this memory: itself, but for aliases (`x.data`). */
  readonly root: Storage;
  /** Tensors that show the memory and slots of the graph that saved it. Those that are collected stay counted. */
  users = 0;
  #views: Map<DType, TypedArray> | undefined;

  constructor(device: string, dtype: DType, length: number, data: unknown, external = false, root?: Storage) {
    this.device = device;
    this.dtype = dtype;
    this.length = length;
    this.data = data;
    this.external = external;
    this.root = root ?? this;
  }

  /** The same memory under versions of its own: changes through it go unnoticed by autograd. */
  alias(): Storage {
    return new Storage(this.device, this.dtype, this.length, this.data, true, this.root);
  }

  /** What a tensor shows after `dispose()`: as long as before, and without memory. */
  tombstone(): Storage {
    return new Storage(this.device, this.dtype, this.length, null, true);
  }

  /** One user less; the device takes the memory back after the last one. */
  release(): void {
    if (--this.root.users === 0) backendFor(this.device).free(this.root);
  }

  /**
   * CPU only: the memory as an array of `dtype`'s elements, sharing bytes.
   * @throws FlambeauError if it does not fit, was disposed, or if the user detached or resized the memory.
   */
  as(dtype: DType): TypedArray {
    const own = this.data as TypedArray | null;
    if (own === null) throw disposedError(this);
    if (own.length !== this.length * dtypeInfo(this.dtype).lanes) {
      throw new FlambeauError(
        'the memory of this tensor was detached or resized (transferred to a worker, perhaps); clone() the tensor before',
      );
    }
    const target = dtypeInfo(dtype);
    if (target.array === dtypeInfo(this.dtype).array) return own;
    let view = this.#views?.get(dtype);
    if (view === undefined) {
      const step = target.array.BYTES_PER_ELEMENT;
      if (own.byteOffset % step !== 0) {
        throw new FlambeauError(
          `a storage at byte offset ${own.byteOffset} cannot be viewed as ${dtype}; clone() it first`,
        );
      }
      view = new target.array(own.buffer, own.byteOffset, Math.floor(own.byteLength / step));
      this.#views ??= new Map();
      this.#views.set(dtype, view);
    }
    return view;
  }
}

/** The error of an op that is given a tensor without memory. */
export function disposedError({ dtype, length, device }: Storage): FlambeauError {
  return new FlambeauError(
    `a ${dtype} tensor of ${length} elements on '${device}' was used after its memory was given back by dispose(), tidy() or a scope; ` +
      'return it from the scope or keep() it to use it later',
  );
}

/**
 * A CPU storage of `length` zeros. Typed arrays up to 64 bytes live on the JavaScript heap and cost almost nothing.
 * @throws OutOfMemoryError for more than JavaScript can give.
 */
export function allocateCpu(dtype: DType, length: number): Storage {
  const { array, lanes, bytes } = dtypeInfo(dtype);
  try {
    return new Storage('cpu', dtype, length, new array(length * lanes));
  } catch (cause) {
    const gigabytes = ((length * bytes) / 2 ** 30).toPrecision(3);
    throw new OutOfMemoryError(`cannot allocate ${length} elements of ${dtype} (${gigabytes} GiB) on the CPU`, {
      cause,
    });
  }
}
