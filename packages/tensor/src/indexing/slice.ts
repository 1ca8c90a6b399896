/** @file Slices of one dimension, as Python writes them. */

/** A range of positions in a dimension; null stands for a bound left off. Made by {@link slice}. */
export class Slice {
  readonly start: number | null;
  readonly stop: number | null;
  readonly step: number | null;

  constructor(start: number | null, stop: number | null, step: number | null) {
    for (const [name, value] of Object.entries({ start, stop, step })) {
      if (value !== null && !Number.isInteger(value))
        throw new TypeError(`slice(): ${name} must be an integer or null, got ${String(value)}`);
    }
    if (step !== null && step <= 0)
      throw new RangeError(`slice(): the step must be greater than zero, got ${step}; use flip() to reverse`);
    [this.start, this.stop, this.step] = [start, stop, step];
  }

  /** First position and count in a dimension of `size`; bounds outside are clipped. */
  resolve(size: number): { start: number; count: number; step: number } {
    const clip = (bound: number): number => Math.min(Math.max(bound < 0 ? bound + size : bound, 0), size);
    const start = clip(this.start ?? 0);
    const stop = clip(this.stop ?? size);
    const step = this.step ?? 1;
    return { start, count: Math.max(Math.ceil((stop - start) / step), 0), step };
  }

  toString(): string {
    const text = (bound: number | null): string => (bound === null ? '' : String(bound));
    return `${text(this.start)}:${text(this.stop)}${this.step === null ? '' : `:${this.step}`}`;
  }
}

type SliceArguments = [stop: number | null] | [start: number | null, stop: number | null, step?: number | null];

/**
 * A slice for `at` and `set`, with Python's meaning: `slice(stop)`, `slice(start, stop)`, `slice(start, stop, step)`.
 *
 * ```ts
 * x.at(slice(1, n, 2)); // x[1:n:2]
 * x.at(slice(-3, null)); // x[-3:]
 * ```
 * @throws RangeError for a step of zero or less, as in PyTorch.
 */
export function slice(...args: SliceArguments): Slice {
  if (args.length === 1) return new Slice(null, args[0], null);
  return new Slice(args[0], args[1], args[2] ?? null);
}

const form = /^\s*([+-]?\d+)?\s*:\s*([+-]?\d+)?\s*(?::\s*([+-]?\d+)?\s*)?$/;

/** The slice that a text such as `'1:5:2'` stands for, or null when it is none. */
export function parseSlice(text: string): Slice | null {
  const match = form.exec(text);
  if (match === null) return null;
  const [start, stop, step] = [1, 2, 3].map((i) => (match[i] === undefined ? null : Number(match[i])));
  return new Slice(start!, stop!, step!);
}
