/** @file Which buffers a dispatch binds: views on one buffer share its binding. */
import { FlambeauError } from '@flambeau/tensor';
import type { View } from '@flambeau/tensor/internal';
import { type GpuBuffer, memoryOf } from '../memory.ts';

export interface Bindings {
  readonly buffers: readonly GpuBuffer[];
  /** For each view the number of its buffer. */
  readonly places: readonly number[];
  /** `places` as text, for cache keys. */
  readonly key: string;
}

/** @throws FlambeauError for more elements than shaders can count, which only repeated ones (`expand`) come to. */
export function checkCount(count: number): void {
  if (count < 2 ** 32) return;
  throw new FlambeauError(
    `a view of ${count} elements is too large for WebGPU, which counts up to ${2 ** 32 - 1} of them; work on parts of it`,
  );
}

export function bind(views: readonly View[]): Bindings {
  const buffers: GpuBuffer[] = [];
  const places = views.map((view) => {
    checkCount(view.elementCount);
    const memory = memoryOf(view.storage);
    const found = buffers.indexOf(memory);
    return found >= 0 ? found : buffers.push(memory) - 1;
  });
  return { buffers, places, key: places.join('') };
}
