/** @file What all parts of the `rng` area need. */
import type * as flambeau from 'flambeau';
import { buildTensor } from '../build.ts';
import { MissingError } from '../calls.ts';
import { compareValue, exact, type Tolerance } from '../compare.ts';
import type { GoldenTensor } from '../decode.ts';
import { findFunction, findMethod } from '../names.ts';
import type { Verdict } from '../verdict.ts';

/** Runs one case: the difference, null for none, or a verdict of another kind. */
export type Check<Golden> = (golden: Golden) => Promise<string | null | Verdict>;

/** A function of the umbrella by PyTorch's name. */
export function torch(name: string): (...args: unknown[]) => unknown {
  const found = findFunction(name);
  if (found === undefined) throw new MissingError(`not implemented: there is no function ${name}`);
  return found;
}

/** Calls a method by our name. */
export function method(self: unknown, name: string, ...args: unknown[]): unknown {
  const found = findMethod(self, name);
  if (found === undefined) throw new MissingError(`not implemented: there is no method ${name}()`);
  return found(...args);
}

export const asTensor = (golden: GoldenTensor): flambeau.Tensor => buildTensor(golden, { device: 'cpu' });

/** PyTorch's integers are int64 unless a dtype is given; ours int32. */
export const compareDraw = (got: unknown, want: unknown, tolerance: Tolerance = exact): Promise<string | null> =>
  compareValue(got, want, { tolerance, narrowIntegers: true });

/** One more draw shows whether as many numbers were drawn as in PyTorch. */
export async function compareNext(want: GoldenTensor): Promise<string | null> {
  const difference = await compareDraw(torch('rand')(want.shape), want);
  return difference === null ? null : `the next draw: ${difference}`;
}

export const sameJson = (got: unknown, want: unknown): string | null =>
  JSON.stringify(got) === JSON.stringify(want) ? null : `got ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`;
