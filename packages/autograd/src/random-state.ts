/** @file The state of the global generator around code that may draw from it. */
import { AutogradError, getRngState, setRngState, type Tensor } from '@flambeau/tensor';
import type { Randomness } from './vmap.ts';

const equal = (a: Tensor, b: Tensor): boolean => {
  const [x, y] = [a.toTypedArraySync() as Uint8Array, b.toTypedArraySync() as Uint8Array];
  return x.every((byte, i) => byte === y[i]);
};

/** Runs `fn` from a state of the generator, which then goes on from where it was. */
export function withGeneratorAt<T>(from: Tensor | null, fn: () => T): T {
  if (from === null) return fn();
  const now = getRngState();
  setRngState(from);
  try {
    return fn();
  } finally {
    setRngState(now);
  }
}

/** Runs `fn`, which calls what it is given before each sample, under vmap's rule for random numbers. */
export function withGeneratorChecked<T>(randomness: Randomness, fn: (beforeEach: () => void) => T): T {
  if (randomness === 'different') return fn(() => {});
  const start = getRngState();
  if (randomness === 'same') return fn(() => setRngState(start));
  const result = fn(() => {});
  if (equal(start, getRngState())) return result;
  setRngState(start);
  throw new AutogradError(
    "vmap(): the function drew random numbers; pass { randomness: 'different' } for other ones in each sample, or 'same'",
  );
}
