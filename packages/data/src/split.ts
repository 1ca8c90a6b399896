/** @file Cutting a dataset into random parts. */
import { defaultGenerator, type Generator, randperm } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { asDataset, type DatasetLike, Subset } from './dataset.ts';

const parse = signature<{ generator: Generator | null }>('randomSplit', ['generator'], { generator: null });

/**
 * Cuts a dataset into random parts that do not overlap, as `random_split` does with the same generator.
 *
 * `lengths` are counts that sum to the dataset's length, or fractions that sum to 1; what rounding down leaves over
 * goes to the parts one by one, from the first on.
 *
 * ```ts
 * const [train, test] = randomSplit(dataset, [0.8, 0.2], { generator: new Generator().manualSeed(42) });
 * ```
 * @throws RangeError when the lengths do not sum up.
 */
export function randomSplit<T>(
  dataset: DatasetLike<T>,
  lengths: readonly number[],
  ...args: Trailing<[generator: Generator | null], { generator?: Generator | null | undefined }>
): Subset<T>[] {
  const source = asDataset('randomSplit()', dataset);
  const counts = partSizes(lengths, source.length);
  const generator = parse(args).generator ?? defaultGenerator();
  const order = Array.from(
    randperm(source.length, { generator, device: 'cpu' }).toTypedArraySync() as ArrayLike<number>,
  );
  let start = 0;
  return counts.map((count) => {
    start += count;
    return new Subset(source, order.slice(start - count, start));
  });
}

function partSizes(lengths: readonly number[], total: number): number[] {
  const sum = lengths.reduce((a, b) => a + b, 0);
  const given = `[${lengths.join(', ')}]`;
  if (lengths.some((length) => !(length >= 0))) {
    throw new RangeError(`randomSplit(): lengths must not be negative, got ${given}`);
  }
  if (lengths.every(Number.isInteger) && sum === total) return [...lengths];
  // The tolerance is that of Python's math.isclose.
  if (Math.abs(sum - 1) > 1e-9 || lengths.some((length) => length > 1)) {
    throw new RangeError(
      `randomSplit(): lengths must be counts that sum to the dataset's length ${total}, or fractions that sum to 1; got ${given}, which sum to ${sum}`,
    );
  }
  const counts = lengths.map((fraction) => Math.floor(total * fraction));
  const left = total - counts.reduce((a, b) => a + b, 0);
  for (let i = 0; i < left; i++) counts[i % counts.length]!++;
  return counts;
}
