/**
 * @file Device memory: buffers in size classes, reused when their storages are collected or disposed. Every element
 * takes one 32-bit word, also bools and small integers, because neighbours in one word would race.
 */
import { type DType, OutOfMemoryError } from '@flambeau/tensor';
import { formatShape, Storage } from '@flambeau/tensor/internal';
import { BufferUsage } from './constants.ts';
import type { Gpu } from './device.ts';
import { createBuffer, type Fallible } from './faults.ts';

/** A device buffer with what the pool and the command recorder need to know. */
export interface GpuBuffer extends Fallible {
  readonly buffer: GPUBuffer;
  readonly id: number;
  readonly bytes: number;
  /** The batch of commands that used it last: it may not be written from the host before that batch is submitted. */
  lastBatch: number;
}

/** What a storage keeps on the device. */
export interface DeviceData {
  memory: GpuBuffer | null;
  /** Untouched host memory: V8 collects tensors in time only if it feels their weight. */
  readonly ballast: ArrayBuffer;
}

export interface MemoryStats {
  /** Bytes in use by tensors. */
  liveBytes: number;
  /** Bytes kept for reuse. */
  pooledBytes: number;
  /** The most bytes in use at once so far. */
  peakBytes: number;
  /** Number of buffers in use. */
  liveBuffers: number;
}

const MIN_BYTES = 256;
const BALLAST_UNIT = 64 * 2 ** 20;

/** Powers of two up to 1 MiB, then steps of a quarter of the power below. */
export function sizeClass(bytes: number): number {
  if (bytes <= MIN_BYTES) return MIN_BYTES;
  const power = 2 ** Math.ceil(Math.log2(bytes));
  if (power <= 2 ** 20) return power;
  const step = power / 8;
  return Math.ceil(bytes / step) * step;
}

export class Memory {
  readonly #gpu: Gpu;
  readonly #free = new Map<number, GpuBuffer[]>();
  readonly #registry = new FinalizationRegistry<GpuBuffer>((memory) => this.#release(memory));
  readonly stats: MemoryStats = { liveBytes: 0, pooledBytes: 0, peakBytes: 0, liveBuffers: 0 };
  #nextId = 1;
  /** Called when a buffer is destroyed, so that caches forget it. */
  onDestroy: (id: number) => void = () => {};

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
  }

  /** A storage for `length` elements. `forHost`: it will be written from the host before the open batch is submitted. */
  allocate(device: string, dtype: DType, length: number, openBatch = -1): Storage {
    const bytes = sizeClass(Math.max(length, 1) * 4);
    const memory = this.#take(bytes, openBatch, dtype, length);
    const { stats } = this;
    stats.liveBytes += bytes;
    stats.liveBuffers++;
    stats.peakBytes = Math.max(stats.peakBytes, stats.liveBytes);
    const weight = Math.min(bytes, Math.ceil((bytes * BALLAST_UNIT) / this.#gpu.memoryLimit));
    const data: DeviceData = { memory, ballast: new ArrayBuffer(weight) };
    const storage = new Storage(device, dtype, length, data);
    this.#registry.register(storage, memory, data);
    return storage;
  }

  #take(bytes: number, openBatch: number, dtype: DType, length: number): GpuBuffer {
    const list = this.#free.get(bytes);
    if (list !== undefined) {
      for (let i = list.length - 1; i >= 0; i--) {
        if (list[i]!.lastBatch === openBatch) continue;
        this.stats.pooledBytes -= bytes;
        const memory = list.splice(i, 1)[0]!;
        memory.work = null;
        return memory;
      }
    }
    const { limits, memoryLimit } = this.#gpu;
    if (bytes > limits.maxStorageBufferBindingSize || bytes > limits.maxBufferSize) {
      throw new OutOfMemoryError(
        `a ${dtype} tensor of ${length} elements needs ${bytes} bytes on the device, which takes at most ${Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize)} in one buffer; split it`,
      );
    }
    if (this.stats.liveBytes + bytes > memoryLimit) this.#refuse(bytes);
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
    const buffer = createBuffer(this.#gpu, { size: bytes, usage }, (error) => {
      memory.work = { error };
      memory.broken = true;
    });
    const memory: GpuBuffer = {
      gpu: this.#gpu,
      buffer,
      id: this.#nextId++,
      bytes,
      lastBatch: -1,
      work: null,
      broken: false,
    };
    return memory;
  }

  #refuse(bytes: number): never {
    const { liveBytes, liveBuffers } = this.stats;
    throw new OutOfMemoryError(
      `device memory: ${bytes} bytes more would pass the limit of ${this.#gpu.memoryLimit} (${liveBytes} bytes in ${liveBuffers} tensors are in use). ` +
        'A loop that never awaits cannot free what it dropped: await loss.item() or another macrotask each step, dispose() tensors, or init({ memoryLimit }).',
    );
  }

  #release(memory: GpuBuffer): void {
    this.stats.liveBytes -= memory.bytes;
    this.stats.liveBuffers--;
    if (memory.broken) return;
    this.stats.pooledBytes += memory.bytes;
    const list = this.#free.get(memory.bytes);
    if (list === undefined) this.#free.set(memory.bytes, [memory]);
    else list.push(memory);
  }

  /** Gives a storage's memory back before it is collected. */
  dispose(storage: Storage): void {
    const data = storage.data as DeviceData;
    if (data.memory === null) return;
    this.#registry.unregister(data);
    this.#release(data.memory);
    data.memory = null;
  }

  /** Destroys all buffers that wait for reuse. No command that is still to run may use them. */
  emptyCache(): void {
    for (const list of this.#free.values()) {
      for (const { buffer, id } of list) {
        buffer.destroy();
        this.onDestroy(id);
      }
    }
    this.#free.clear();
    this.stats.pooledBytes = 0;
  }
}

/** The device buffer of a view's storage. @throws OutOfMemoryError's sibling when it was disposed. */
export function memoryOf(storage: Storage): GpuBuffer {
  const { memory } = storage.data as DeviceData;
  if (memory !== null) return memory;
  throw new OutOfMemoryError(
    `a tensor of ${storage.length} elements ${formatShape([storage.length])} was used after dispose()`,
  );
}
