/**
 * @file A device that is told that it binds 512 KiB of a buffer, so that tensors of one to a few MiB are large, and the
 * comparison of its results with the CPU's.
 */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import type { Tensor } from '@flambeau/tensor';
import { registerBackend } from '@flambeau/tensor/internal';
import { expect } from 'vitest';
import { openSession, type Session } from '../src/backend.ts';
import { openDevice } from '../src/device.ts';

export const device = 'webgpu:4';
export const limit = 2 ** 19;

export async function open(): Promise<Session> {
  const session = openSession(await openDevice({}), device);
  session.gpu.bindingLimit = limit;
  registerBackend(session.backend);
  return session;
}

/** Expects the CPU's results. Inputs are moved as they are; views are made by `run`. */
export async function same(
  inputs: readonly Tensor[],
  run: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  tolerance = 1e-4,
): Promise<void> {
  const [wanted, got] = [inputs, inputs.map((x) => x.to(device))].map((list) => [run(...list)].flat() as Tensor[]);
  for (const [i, result] of got!.entries()) {
    const [a, b] = [await result.cpu(), wanted![i]!];
    expect(a.shape).toEqual(b.shape);
    const close = await a.allclose(b, { rtol: tolerance, atol: tolerance, equalNan: true });
    expect(close, `result ${i} of ${run}`).toBe(true);
  }
}
