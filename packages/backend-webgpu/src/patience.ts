/** @file Waiting for a software adapter in Node without using up the core that it needs. */
import type { Gpu } from './device.ts';

const LONGEST_MS = 0.5;

/**
 * Waits for a promise of the device. Dawn in Node asks again and again whether it is done, which takes a whole core; where
 * the adapter is software, that core is one of those that do the work. So the thread sleeps between two turns of the
 * event loop, shortly at first.
 */
export async function patiently<T>(gpu: Gpu, promise: Promise<T>): Promise<T> {
  if (!gpu.software || typeof setImmediate === 'undefined' || typeof SharedArrayBuffer === 'undefined') return promise;
  let waiting = true;
  const settled = (): void => {
    waiting = false;
  };
  promise.then(settled, settled);
  const bell = new Int32Array(new SharedArrayBuffer(4));
  for (let ms = 0.02; waiting; ms = Math.min(ms * 1.5, LONGEST_MS)) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (waiting) Atomics.wait(bell, 0, 0, ms);
  }
  return promise;
}
