/** @file Calls whose numbers PyTorch 1.13 made after `manual_seed(7)`, with one more draw behind them. */
import { manualSeed, rand, type Tensor } from '@flambeau/tensor';
import { expect, it } from 'vitest';
import { elementsOf, type GoldenTensor, readFixture } from './golden.ts';

const golden = readFixture<Record<string, GoldenTensor[]>>('randomTensors.json.gz');

/** Elements in memory's own form. Our default integers are narrower than PyTorch's. */
function wanted(tensor: GoldenTensor, narrow: boolean): unknown {
  const elements = elementsOf(tensor);
  return narrow ? Int32Array.from(elements as BigInt64Array, Number) : elements;
}

export type Draws = Record<string, () => Tensor | readonly Tensor[]>;

/** Declares a test for each call: the same values, to a number of digits if one is given, and as many draws. */
export function itDrawsAsPyTorch(draws: Draws, digits?: number): void {
  it.each(Object.keys(draws))('%s', (name) => {
    manualSeed(7);
    const result = draws[name]!();
    const got = [...(Array.isArray(result) ? result : [result as Tensor]), rand(1)];
    for (const [i, want] of golden[name]!.entries()) {
      const { dtype, shape } = want.$t;
      const narrow = dtype === 'int64' && got[i]!.dtype === 'int32';
      expect([got[i]!.dtype, got[i]!.shape]).toEqual([narrow ? 'int32' : dtype, shape]);
      const elements = got[i]!.detach().contiguous().asTypedArray();
      if (digits === undefined) {
        expect(elements).toStrictEqual(wanted(want, narrow));
        continue;
      }
      for (const [k, x] of elementsOf(want).entries()) expect(elements[k]).toBeCloseTo(Number(x), digits);
    }
  });
}
