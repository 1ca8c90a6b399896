/** @file Which buffers a dispatch binds: views on one buffer share its binding. */
import type { View } from '@flambeau/tensor/internal';
import { type GpuBuffer, memoryOf } from '../memory.ts';

export interface Bindings {
  readonly buffers: readonly GpuBuffer[];
  /** For each view the number of its buffer. */
  readonly places: readonly number[];
  /** `places` as text, for cache keys. */
  readonly key: string;
}

export function bind(views: readonly View[]): Bindings {
  const buffers: GpuBuffer[] = [];
  const places = views.map((view) => {
    const memory = memoryOf(view.storage);
    const found = buffers.indexOf(memory);
    return found >= 0 ? found : buffers.push(memory) - 1;
  });
  return { buffers, places, key: places.join('') };
}
