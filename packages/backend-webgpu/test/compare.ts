/** @file Runs the same function on the CPU and on the GPU and compares the results. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { Tensor } from '@flambeau/tensor';
import { expect } from 'vitest';
import { findAdapter } from '../src/device.ts';
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
