/** @file Runs the same function on the CPU and on the GPU and compares the results. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { Tensor } from '@flambeau/tensor';
import { registerBackend } from '@flambeau/tensor/internal';
import { expect } from 'vitest';
import { openSession, type Session } from '../src/backend.ts';
import { findAdapter, openDevice } from '../src/device.ts';
import * as webgpu from '../src/index.ts';

export const device = 'webgpu:0';

/** Opens the device. Without an adapter the tests fail, and say so. */
export const open = (): Promise<void> => webgpu.init();

/** The adapter under a name of which nothing knows that it is software, so that kernels have the shapes they have on GPUs. */
export async function hardwareAdapter(): Promise<GPUAdapter> {
  const adapter = (await findAdapter({}))!;
  Object.defineProperty(adapter, 'info', { value: { description: 'plays hardware', isFallbackAdapter: false } });
  return adapter;
}

/** Devices whose kernels have the shapes that they have on software adapters, and on GPUs. */
export const kinds = { software: 'webgpu:4', hardware: 'webgpu:5' } as const;

/** Opens both. */
export async function openKinds(): Promise<Readonly<Record<string, Session>>> {
  const sessions = {
    [kinds.software]: openSession(await openDevice({}), kinds.software),
    [kinds.hardware]: openSession(await openDevice({ adapter: await hardwareAdapter() }), kinds.hardware),
  };
  for (const { backend } of Object.values(sessions)) registerBackend(backend);
  return sessions;
}

type Results = Tensor | readonly Tensor[];

const listOf = (results: Results): readonly Tensor[] => (results instanceof Tensor ? [results] : [...results]);

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

export const close: Tolerance = { relative: 1e-4, absolute: 1e-5 };
export const exact: Tolerance = { relative: 0, absolute: 0 };

function firstDifference(
  got: ArrayLike<number | bigint>,
  wanted: ArrayLike<number | bigint>,
  { relative, absolute }: Tolerance,
): string | null {
  for (let i = 0; i < wanted.length; i++) {
    const [a, b] = [Number(got[i]), Number(wanted[i])];
    if (Object.is(a, b) || a === b) continue;
    if (!(Math.abs(a - b) <= absolute + relative * Math.abs(b))) return `element ${i}: got ${a}, the CPU has ${b}`;
  }
  return null;
}

/** Expects `run` to give the same on both devices. Inputs are moved as they are; views are made by `run`. */
export async function same(
  inputs: readonly Tensor[],
  run: (...inputs: Tensor[]) => Results,
  tolerance: Tolerance = close,
): Promise<void> {
  const wanted = listOf(run(...inputs));
  const got = listOf(run(...inputs.map((x) => x.to(device))));
  expect(got.length).toBe(wanted.length);
  for (const [k, result] of got.entries()) {
    const cpu = wanted[k]!;
    expect({ shape: result.shape, dtype: result.dtype, device: result.device }).toEqual({
      shape: cpu.shape,
      dtype: cpu.dtype,
      device,
    });
    const difference = firstDifference(await result.toTypedArray(), await cpu.toTypedArray(), tolerance);
    expect(difference, `result ${k} of ${run}`).toBe(null);
  }
}
