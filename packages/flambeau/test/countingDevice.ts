/** @file A device that is not garbage-collected, with the CPU's kernels: it counts the memory that is in use. */
import { cpuBackend } from '@flambeau/backend-cpu';
import { type Backend, registerBackend, Storage } from '@flambeau/tensor/internal';

export interface CountingDevice {
  readonly name: string;
  /** Storages that were allocated and not yet given back. */
  live(): number;
  /** The most there were since the last call. */
  peak(): number;
}

export function countingDevice(name = 'counting'): CountingDevice {
  const live = new Set<Storage>();
  let peak = 0;
  const counted = ({ dtype, length, data }: Storage): Storage => {
    const storage = new Storage(name, dtype, length, data);
    live.add(storage);
    peak = Math.max(peak, live.size);
    return storage;
  };
  const backend: Backend = {
    ...cpuBackend,
    device: name,
    readSync: null,
    allocate: (dtype, length) => counted(cpuBackend.allocate(dtype, length)),
    upload: (dtype, data) => counted(cpuBackend.upload(dtype, data)),
    free(storage) {
      if (!live.delete(storage)) throw new Error('a storage was given back twice');
      // Whoever still reads it gets an error.
      (storage.data as { fill(value: unknown): void }).fill(storage.dtype === 'int64' ? 0n : Number.NaN);
    },
  };
  registerBackend(backend);
  return {
    name,
    live: () => live.size,
    peak() {
      const most = peak;
      peak = live.size;
      return most;
    },
  };
}
