/** @file What belongs to each place of a transform: frequencies, and the order of places. */
import { signature, type Trailing } from '../args.ts';
import { resolveOptions, type TensorOptions, tensor } from '../creation.ts';
import { wrapDims } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';

export interface FrequencyOptions extends TensorOptions {
  /** Time between samples. Default 1. */
  d?: number | undefined;
}

const defaults = { d: 1, dtype: undefined, device: undefined, requiresGrad: undefined };
const parseFull = signature<{ n: number; d: number }>('fft.fftfreq', ['n', 'd'], defaults);
const parseHalf = signature<{ n: number; d: number }>('fft.rfftfreq', ['n', 'd'], defaults);

function frequencies({ n, d, ...options }: { n: number; d: number }, places: readonly number[]): Tensor {
  const { dtype } = resolveOptions(options, state.defaultDType);
  // PyTorch multiplies in the result's precision.
  const step = dtype === 'float32' ? Math.fround(1 / (n * d)) : 1 / (n * d);
  return tensor(
    places.map((k) => k * step),
    { ...options, dtype },
  );
}

/**
 * The frequencies of a transform of n samples that are d apart: [0, 1, …, −2, −1] / (n d).
 *
 * ```ts
 * fft.fftfreq(4); // tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
 * ```
 */
export function fftfreq(n: number, ...args: Trailing<[d: number], FrequencyOptions>): Tensor {
  const half = Math.floor((n + 1) / 2);
  return frequencies(
    parseFull([n, ...args]),
    Array.from({ length: n }, (_, k) => (k < half ? k : k - n)),
  );
}

/** The frequencies of a halved transform: [0, 1, …, n/2] / (n d). */
export function rfftfreq(n: number, ...args: Trailing<[d: number], FrequencyOptions>): Tensor {
  return frequencies(
    parseHalf([n, ...args]),
    Array.from({ length: Math.floor(n / 2) + 1 }, (_, k) => k),
  );
}

type ShiftArguments = Trailing<[dim: number | readonly number[] | null], { dim?: number | readonly number[] | null }>;
const parseShift = signature<{ dim: number | readonly number[] | null }>('fft.fftshift', ['dim'], { dim: null });
const parseUnshift = signature<{ dim: number | readonly number[] | null }>('fft.ifftshift', ['dim'], { dim: null });

/** Puts the frequency 0 in the middle of some dimensions, or of all. */
export function fftshift(input: Tensor, ...args: ShiftArguments): Tensor {
  const dims = wrapDims('fft.fftshift', parseShift(args).dim, input.ndim);
  return input.roll(
    dims.map((d) => Math.floor(input.shape[d]! / 2)),
    dims,
  );
}

/** The inverse of {@link fftshift}. */
export function ifftshift(input: Tensor, ...args: ShiftArguments): Tensor {
  const dims = wrapDims('fft.ifftshift', parseUnshift(args).dim, input.ndim);
  return input.roll(
    dims.map((d) => Math.floor((input.shape[d]! + 1) / 2)),
    dims,
  );
}
