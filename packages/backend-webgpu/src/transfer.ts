/** @file Values between host and device. */
import { type DType, Tensor } from '@flambeau/tensor';
import type { Storage } from '@flambeau/tensor/internal';
import { copyKernel, dtypeInfo, type TypedArray, type View } from '@flambeau/tensor/internal';
import type { Commands } from './commands.ts';
import { BufferUsage, MAP_MODE_READ } from './constants.ts';
import { checkDevice, type Gpu } from './device.ts';
import { map } from './kernels/map.ts';
import { type Memory, memoryOf, sizeClass } from './memory.ts';
import { patiently } from './patience.ts';

/** One device word for each element. */
function toWords(dtype: DType, data: TypedArray): Uint32Array | Int32Array | Float32Array {
  if (data instanceof Float32Array || data instanceof Int32Array) return data;
  const { kind } = dtypeInfo(dtype);
  return kind === 'int' ? Int32Array.from(data as ArrayLike<number>) : Uint32Array.from(data as ArrayLike<number>);
}

/** Elements of a dtype from device words. */
function fromWords(dtype: DType, bytes: ArrayBuffer, count: number): TypedArray {
  const { array: ArrayOf } = dtypeInfo(dtype);
  if (ArrayOf.BYTES_PER_ELEMENT === 4) return new ArrayOf(bytes, 0, count);
  const words = dtypeInfo(dtype).kind === 'int' ? new Int32Array(bytes, 0, count) : new Uint32Array(bytes, 0, count);
  const out = new ArrayOf(count);
  for (let i = 0; i < count; i++) out[i] = words[i] as never;
  return out;
}

export class Transfer {
  readonly #gpu: Gpu;
  readonly #memory: Memory;
  readonly #commands: Commands;
  readonly #staging = new Map<number, GPUBuffer[]>();

  constructor(gpu: Gpu, memory: Memory, commands: Commands) {
    this.#gpu = gpu;
    this.#memory = memory;
    this.#commands = commands;
  }

  upload(device: string, dtype: DType, data: TypedArray): Storage {
    checkDevice(this.#gpu);
    // Writes from the host run before the open batch, so they need memory which that batch does not use.
    const storage = this.#memory.allocate(device, dtype, data.length, this.#commands.batch);
    const words = toWords(dtype, data);
    if (words.length > 0)
      this.#gpu.queue.writeBuffer(
        memoryOf(storage).buffer,
        0,
        words.buffer as ArrayBuffer,
        words.byteOffset,
        words.byteLength,
      );
    return storage;
  }

  /** Values of a view, row-major. Submits what is recorded and waits for it. */
  async read(x: View): Promise<TypedArray> {
    checkDevice(this.#gpu);
    const count = x.elementCount;
    if (count === 0) return fromWords(x.dtype, new ArrayBuffer(0), 0);
    const source = x.isContiguous() ? x : this.#rowMajor(x);
    const bytes = sizeClass(count * 4);
    const staging =
      this.#staging.get(bytes)?.pop() ??
      this.#gpu.device.createBuffer({ size: bytes, usage: BufferUsage.COPY_DST | BufferUsage.MAP_READ });
    const memory = memoryOf(source.storage);
    this.#commands.encoder().copyBufferToBuffer(memory.buffer, source.offset * 4, staging, 0, count * 4);
    this.#commands.submit();
    try {
      await patiently(this.#gpu, staging.mapAsync(MAP_MODE_READ, 0, count * 4));
    } catch (error) {
      checkDevice(this.#gpu);
      throw error;
    }
    const copy = staging.getMappedRange(0, count * 4).slice(0);
    staging.unmap();
    const list = this.#staging.get(bytes);
    if (list === undefined) this.#staging.set(bytes, [staging]);
    else list.push(staging);
    checkDevice(this.#gpu);
    return fromWords(x.dtype, copy, count);
  }

  #rowMajor(x: View): View {
    const out = new Tensor(this.#memory.allocate(x.storage.device, x.dtype, x.elementCount), x.dtype, x.shape);
    map(this.#commands, copyKernel(x.dtype, x.dtype), [x], [out]);
    return out;
  }
}
