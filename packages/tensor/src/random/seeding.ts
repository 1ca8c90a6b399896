/** @file The global generator, which everything draws from that is given no other. */

import { fromTypedArray } from '../creation.ts';
import { DTypeError } from '../errors.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { Generator } from './generator.ts';

/** The global generator. Until it is seeded its numbers are different ones in every run. */
export function defaultGenerator(): Generator {
  if (state.generator === null) {
    state.generator = new Generator();
    state.generator.seed();
  }
  return state.generator;
}

/**
 * Seeds the global generator, so that what follows draws the same numbers in every run, and the same as PyTorch.
 *
 * ```ts
 * manualSeed(0);
 * rand(2); // tensor([0.4963, 0.7682])
 * ```
 * @param seed an integer in [-2^63, 2^64); beyond ±2^53 a bigint
 * @throws RangeError for other seeds.
 */
export function manualSeed(seed: number | bigint): Generator {
  return defaultGenerator().manualSeed(seed);
}

/** Seeds the global generator unpredictably, and returns the seed. */
export function seed(): number {
  return defaultGenerator().seed();
}

/** The seed that the global generator last got: a number, or a bigint from 2^53 on. */
export function initialSeed(): number | bigint {
  return defaultGenerator().initialSeed();
}

/** The state of the global generator: 5056 bytes (uint8), laid out as PyTorch's. */
export function getRngState(): Tensor {
  return fromTypedArray(defaultGenerator().getState());
}

/**
 * Continues the global generator from a state that `getRngState` or PyTorch made.
 *
 * ```ts
 * const before = getRngState();
 * const a = rand(3);
 * setRngState(before);
 * rand(3); // a's numbers again
 * ```
 * @throws DTypeError unless it is uint8, FlambeauError if it is no such state; the generator is then unchanged.
 */
export function setRngState(newState: Tensor): void {
  if (newState.dtype !== 'uint8')
    throw new DTypeError(`setRngState(): the state must be a uint8 tensor, got ${newState.dtype}`);
  defaultGenerator().setState(newState.toTypedArraySync() as Uint8Array);
}
