/**
 * @file Device memory: buffers in size classes, reused when their storages are collected or disposed. Every element
 * takes one 32-bit word, also bools and small integers, because neighbours in one word would race.
 */
import { type DType, OutOfMemoryError } from '@flambeau/tensor';
import { disposedError, macrotask, Storage } from '@flambeau/tensor/internal';
import { BufferUsage } from './constants.ts';
import type { Gpu } from './device.ts';
import { createBuffer, type Fallible } from './faults.ts';

/** A device buffer with what the pool and the command recorder need to know. */
export interface GpuBuffer extends Fallible {
  readonly buffer: GPUBuffer;
  readonly id: number;
  /** Where it starts in `buffer`, in bytes: 0 but for windows (windows.ts). */
  readonly offset: number;
  readonly bytes: number;
  /** The windows on it that were used, by place. */
  windows: Map<string, Storage> | null;
  /** What it holds, for the list of the largest; a buffer that waits for reuse holds nothing. */
  content: string;
  /** The batch of commands that used it last: it may not be written from the host before that batch is submitted. */
  lastBatch: number;
}

/** Whether it is a window on a buffer: these are numbered downwards from -1, buffers upwards from 1. */
export const isWindow = ({ id }: GpuBuffer): boolean => id < 0;

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
/** V8 starts a collection when about so much more memory outside of its heap is held. */
const COLLECTION_BYTES = 64 * 2 ** 20;
/** The share of the limit that may become garbage before asynchronous calls wait for a collection. */
const SOFT_SHARE = 1 / 4;
/**
 * So many more buffers than after the last collection are worth the next, which takes some milliseconds, but not before so
 * many values were read: about one a step.
 */
const GROWTH = 256;
const READS_BETWEEN = 16;
/** Turns of the event loop that a collection may take; most take a few. */
const COLLECTION_TURNS = 64;
/** How many kinds of tensors the error of a full device names. */
const LISTED = 5;

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
  /** Bytes of the largest buffer. */
  readonly #most: number;
  readonly #free = new Map<number, GpuBuffer[]>();
  /** Buffers that values are read through, which wait for reuse. */
  readonly #staging = new Map<number, GPUBuffer[]>();
  readonly #live = new Set<GpuBuffer>();
  /** Watches what all aliases of a storage share. */
  readonly #registry = new FinalizationRegistry<GpuBuffer>((memory) => this.#release(memory));
  /** Whether there has been a buffer of which shaders see a part only. */
  oversized = false;
  readonly stats: MemoryStats = { liveBytes: 0, pooledBytes: 0, peakBytes: 0, liveBuffers: 0 };
  #nextId = 1;
  /** What is in use after a collection, as far as is known. */
  #usedBuffers = 0;
  #usedBytes = 0;
  /** Values that were read since the last collection. */
  #reads = 0;
  /** Called when a buffer is destroyed, so that caches forget it. */
  onDestroy: (memory: GpuBuffer) => void = () => {};
  /** Called before memory may be used for something else. */
  beforeReuse: (memory: GpuBuffer) => void = () => {};
  /** Called before buffers are destroyed: sends the commands that use them. */
  beforeDestroy: () => void = () => {};

  /** Bytes of a buffer that kernels see at once. */
  get bindingLimit(): number {
    return this.#gpu.bindingLimit;
  }

  constructor(gpu: Gpu) {
    this.#gpu = gpu;
    this.#most = Math.floor(gpu.limits.maxBufferSize / 4) * 4;
  }

  /** A storage for `length` elements. `openBatch`: it will be written from the host before that batch is submitted. */
  allocate(device: string, dtype: DType, length: number, openBatch = -1): Storage {
    const bytes = this.#bytesFor(Math.max(length, 1) * 4);
    const content = `${dtype}[${length}]`;
    const memory = this.#take(bytes, openBatch, content);
    memory.content = content;
    if (bytes > this.#gpu.bindingLimit) this.oversized = true;
    this.#live.add(memory);
    const { stats } = this;
    stats.liveBytes += bytes;
    stats.liveBuffers++;
    stats.peakBytes = Math.max(stats.peakBytes, stats.liveBytes);
    const softLimit = this.#gpu.memoryLimit * SOFT_SHARE;
    const weight = Math.min(bytes, Math.ceil((bytes * COLLECTION_BYTES) / softLimit));
    const data: DeviceData = { memory, ballast: new ArrayBuffer(weight) };
    this.#registry.register(data, memory, data);
    return new Storage(device, dtype, length, data);
  }

  /** The size class, but where that would be too large for the device, or for a shader to see it whole. */
  #bytesFor(bytes: number): number {
    const rounded = sizeClass(bytes);
    const { bindingLimit } = this.#gpu;
    return rounded <= (bytes <= bindingLimit ? bindingLimit : this.#most) ? rounded : bytes;
  }

  #take(bytes: number, openBatch: number, content: string): GpuBuffer {
    const list = this.#free.get(bytes);
    if (list !== undefined) {
      // The oldest one: steps that are alike then bind the same buffers again, for which bindings are cached.
      let oldest = -1;
      for (let i = 0; i < list.length; i++) {
        if (list[i]!.lastBatch !== openBatch && (oldest < 0 || list[i]!.id < list[oldest]!.id)) oldest = i;
      }
      if (oldest >= 0) {
        const memory = list[oldest]!;
        list[oldest] = list.at(-1)!;
        list.pop();
        this.stats.pooledBytes -= bytes;
        memory.work = null;
        return memory;
      }
    }
    const { memoryLimit } = this.#gpu;
    if (bytes > this.#most) {
      throw new OutOfMemoryError(
        `a tensor ${content} needs ${bytes} bytes on the device, which takes at most ${this.#most} in one buffer; split it (chunk(), or batches of it)`,
      );
    }
    if (this.stats.liveBytes + bytes > memoryLimit) this.#refuse(bytes, content);
    if (this.stats.liveBytes + this.stats.pooledBytes + bytes > memoryLimit) this.emptyCache();
    const usage = BufferUsage.STORAGE | BufferUsage.COPY_SRC | BufferUsage.COPY_DST;
    const buffer = createBuffer(this.#gpu, { size: bytes, usage }, (error) => {
      memory.work = { error };
      memory.broken = true;
    });
    const memory: GpuBuffer = {
      gpu: this.#gpu,
      buffer,
      id: this.#nextId++,
      offset: 0,
      bytes,
      windows: null,
      content,
      lastBatch: -1,
      work: null,
      broken: false,
    };
    return memory;
  }

  #refuse(bytes: number, content: string): never {
    const { liveBytes, liveBuffers } = this.stats;
    throw new OutOfMemoryError(
      `device memory: ${content} needs ${bytes} bytes more, which would pass the limit of ${this.#gpu.memoryLimit}: ${liveBytes} bytes in ${liveBuffers} tensors are in use, the largest ${this.#largest()}. ` +
        'A loop that never awaits cannot free what it dropped: await loss.item() each step, wrap the step in tidy(() => …), dispose() tensors, or allow more by init({ memoryLimit }).',
    );
  }

  /** The kinds of tensors that take the most memory together. */
  #largest(): string {
    const kinds = new Map<string, { bytes: number; count: number }>();
    for (const { content, bytes } of this.#live) {
      const kind = kinds.get(content);
      if (kind === undefined) kinds.set(content, { bytes, count: 1 });
      else {
        kind.bytes += bytes;
        kind.count++;
      }
    }
    return [...kinds]
      .sort(([, a], [, b]) => b.bytes - a.bytes)
      .slice(0, LISTED)
      .map(([content, { bytes, count }]) => `${count} × ${content} (${bytes} bytes)`)
      .join(', ');
  }

  #release(memory: GpuBuffer): void {
    this.#live.delete(memory);
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
    this.beforeReuse(data.memory);
    this.#registry.unregister(data);
    this.#release(data.memory);
    data.memory = null;
  }

  /**
   * A promise of a collection when much more is in use than after the last one: bytes, or buffers, because small tensors
   * weigh so little that V8 would let them be for hundreds of steps. Null when there is no need.
   */
  settle(): Promise<void> | null {
    const { liveBuffers, liveBytes } = this.stats;
    const { memoryLimit } = this.#gpu;
    this.#usedBuffers = Math.min(this.#usedBuffers, liveBuffers);
    this.#usedBytes = Math.min(this.#usedBytes, liveBytes);
    const spare = Math.min(memoryLimit * SOFT_SHARE, (memoryLimit - this.#usedBytes) / 2);
    const many = ++this.#reads >= READS_BETWEEN && liveBuffers > this.#usedBuffers + GROWTH;
    if (!many && liveBytes <= this.#usedBytes + spare) return null;
    this.#reads = 0;
    return this.#collect(spare);
  }

  /**
   * Makes V8 collect, and waits until finalizers have run. They run between turns of the event loop only, and collections
   * advance from turn to turn.
   */
  async #collect(spare: number): Promise<void> {
    const { stats } = this;
    const buffers = this.#usedBuffers + GROWTH / 2;
    const bytes = this.#usedBytes + spare / 2;
    askForCollection();
    for (let turn = 0; turn < COLLECTION_TURNS; turn++) {
      await macrotask();
      if (stats.liveBuffers <= buffers && stats.liveBytes <= bytes) return;
    }
    // What is left is in use.
    this.#usedBuffers = stats.liveBuffers;
    this.#usedBytes = stats.liveBytes;
  }

  /** A buffer to read `bytes` through; `keepStaging` takes it back. */
  takeStaging(bytes: number): GPUBuffer {
    const size = this.#bytesFor(bytes);
    const kept = this.#staging.get(size)?.pop();
    if (kept === undefined)
      return createBuffer(this.#gpu, { size, usage: BufferUsage.COPY_DST | BufferUsage.MAP_READ });
    this.stats.pooledBytes -= size;
    return kept;
  }

  keepStaging(buffer: GPUBuffer): void {
    this.stats.pooledBytes += buffer.size;
    const list = this.#staging.get(buffer.size);
    if (list === undefined) this.#staging.set(buffer.size, [buffer]);
    else list.push(buffer);
  }

  /** Destroys all buffers that wait for reuse, after the commands that use them were sent. */
  emptyCache(): void {
    if (this.stats.pooledBytes === 0) return;
    this.beforeDestroy();
    for (const list of this.#staging.values()) for (const buffer of list) buffer.destroy();
    this.#staging.clear();
    for (const list of this.#free.values()) {
      for (const memory of list) {
        memory.buffer.destroy();
        this.onDestroy(memory);
      }
    }
    this.#free.clear();
    this.stats.pooledBytes = 0;
  }
}

/** An untouched array of this size takes microseconds and makes V8 collect; other engines are not disturbed. */
function askForCollection(): void {
  try {
    new ArrayBuffer(COLLECTION_BYTES);
  } catch {
    // So little memory is left that the engine collects anyway.
  }
}

/** The device buffer of a view's storage. @throws FlambeauError when it was disposed. */
export function memoryOf(storage: Storage): GpuBuffer {
  const memory = (storage.data as DeviceData | null)?.memory;
  if (memory) return memory;
  throw disposedError(storage);
}
