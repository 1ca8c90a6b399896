/** @file Values between host and device. */
import { type DType, FlambeauError, Tensor } from '@flambeau/tensor';
import type { Storage } from '@flambeau/tensor/internal';
import { dtypeInfo, type TypedArray, type View } from '@flambeau/tensor/internal';
import type { Commands } from './commands.ts';
import { MAP_MODE_READ } from './constants.ts';
import type { Gpu } from './device.ts';
import { checkDevice, checkMemory, expectRefusal, raise, settled, untilLost, type Work } from './faults.ts';
import { type Memory, memoryOf } from './memory.ts';
import { copyInParts } from './parts/copy.ts';
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

  constructor(gpu: Gpu, memory: Memory, commands: Commands) {
    this.#gpu = gpu;
    this.#memory = memory;
    this.#commands = commands;
  }

  upload(device: string, dtype: DType, data: TypedArray): Storage {
    checkDevice(this.#gpu, `to('${device}')`);
    // Writes from the host run before the open batch, so they need memory which that batch does not use.
    const storage = this.#memory.allocate(device, dtype, data.length, this.#commands.batch);
    const words = toWords(dtype, data);
    if (words.length === 0) return storage;
    const { buffer } = memoryOf(storage);
    expectRefusal(this.#gpu, () =>
      this.#gpu.queue.writeBuffer(buffer, 0, words.buffer as ArrayBuffer, words.byteOffset, words.byteLength),
    );
    return storage;
  }

  /**
   * Values of a view, row-major. Submits what is recorded and waits for it.
   * @throws the error of the work that was to compute them.
   */
  async read(x: View): Promise<TypedArray> {
    checkDevice(this.#gpu, 'read');
    const count = x.elementCount;
    if (count === 0) return fromWords(x.dtype, new ArrayBuffer(0), 0);
    const memory = memoryOf(x.storage);
    for (let again = false; ; again = true) {
      this.#commands.flush();
      checkMemory(this.#gpu, 'read', memory);
      const filled = memory.work;
      const { words, copied } = await this.#copy(x, count);
      if (filled !== null && filled.error !== null) raise(this.#gpu, filled.error);
      if (words !== null) return fromWords(x.dtype, words, count);
      // The copy failed because of other work that was sent with it. It is good once more, unless x was changed since.
      if (again || memory.work !== filled) raise(this.#gpu, copied.error!);
    }
  }

  /** Copies the words of a view to the host, or null where the device did not. */
  async #copy(x: View, count: number): Promise<{ words: ArrayBuffer | null; copied: Work }> {
    const source = x.isContiguous() ? x : this.#rowMajor(x);
    const staging = this.#memory.takeStaging(count * 4);
    const { buffer } = memoryOf(source.storage);
    this.#commands.encoder().copyBufferToBuffer(buffer, source.offset * 4, staging, 0, count * 4);
    const copied = this.#commands.work;
    this.#commands.submit();
    if (source instanceof Tensor && source !== x) source.dispose();
    let words: ArrayBuffer | null = null;
    try {
      let mapped: Promise<undefined> | undefined;
      expectRefusal(this.#gpu, () => {
        mapped = staging.mapAsync(MAP_MODE_READ, 0, count * 4) as Promise<undefined>;
      });
      await patiently(this.#gpu, untilLost(this.#gpu, 'read', mapped!));
      words = staging.getMappedRange(0, count * 4).slice(0);
      staging.unmap();
    } catch (error) {
      await settled(this.#gpu);
      checkDevice(this.#gpu, 'read');
      if (copied.error === null)
        throw new FlambeauError(`read: WebGPU gave no access to the values: ${(error as Error).message}`, {
          cause: error,
        });
    }
    await settled(this.#gpu);
    if (words === null || copied.error !== null) {
      staging.destroy();
      return { words: null, copied };
    }
    this.#memory.keepStaging(staging);
    await this.#memory.settle();
    return { words, copied };
  }

  #rowMajor(x: View): View {
    const out = new Tensor(this.#memory.allocate(x.storage.device, x.dtype, x.elementCount), x.dtype, x.shape);
    copyInParts(this.#commands, this.#memory, x, out);
    return out;
  }
}
