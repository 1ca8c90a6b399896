/** @file Sequences of different lengths in one batch, packed without padding or padded. */
import { arange, cat, functional as F, isTensor, ShapeError, stack, type Tensor, tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';

/**
 * Sequences laid out step by step: the first `batchSizes[0]` rows of `data` are the first elements of all sequences,
 * the next `batchSizes[1]` the second ones of those that are long enough, and so on. Longer sequences come first;
 * `sortedIndices` says how they were sorted, if they were.
 */
export class PackedSequence {
  /** [total, …] */
  readonly data: Tensor;
  /** int32, on the CPU. */
  readonly batchSizes: Tensor;
  readonly sortedIndices: Tensor | null;
  readonly unsortedIndices: Tensor | null;
  /** `sortedIndices` as numbers, where they are known: their device may not be readable at once. */
  readonly order: readonly number[] | null;

  constructor(
    data: Tensor,
    batchSizes: Tensor,
    sortedIndices: Tensor | null = null,
    unsortedIndices: Tensor | null = null,
    order: readonly number[] | null = null,
  ) {
    this.order = order;
    this.data = data;
    this.batchSizes = batchSizes;
    this.sortedIndices = sortedIndices;
    this.unsortedIndices = unsortedIndices ?? (sortedIndices === null ? null : invertPermutation(sortedIndices));
  }

  /** The batch sizes as numbers. */
  sizes(): number[] {
    return Array.from(this.batchSizes.toTypedArraySync(), Number);
  }

  /** The same sequences with other data. */
  with(data: Tensor): PackedSequence {
    return new PackedSequence(data, this.batchSizes, this.sortedIndices, this.unsortedIndices, this.order);
  }
}

/** The permutation that undoes another. */
export function invertPermutation(permutation: Tensor): Tensor {
  const positions = arange(permutation.elementCount, { dtype: permutation.dtype, device: permutation.device });
  return positions.scatter(0, permutation, positions);
}

interface PackSettings {
  lengths: Tensor | readonly number[];
  batchFirst: boolean;
  enforceSorted: boolean;
}

const parsePack = signature<PackSettings>('packPaddedSequence', ['lengths', 'batchFirst', 'enforceSorted'], {
  batchFirst: false,
  enforceSorted: true,
});

/** Positions of the lengths from the longest to the shortest, equal ones in order. */
const descending = (lengths: readonly number[]): number[] =>
  lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);

/**
 * Packs a padded batch [T, N, …] (or [N, T, …] with `batchFirst`).
 * @param lengths of the sequences, on the CPU; in falling order unless `enforceSorted` is false.
 * @throws RangeError for lengths that are not sorted or out of range.
 */
export function packPaddedSequence(
  input: Tensor,
  ...args:
    | [
        lengths: Tensor | readonly number[],
        ...Trailing<[batchFirst: boolean, enforceSorted: boolean], Partial<Omit<PackSettings, 'lengths'>>>,
      ]
    | [options: Partial<PackSettings> & Pick<PackSettings, 'lengths'>]
): PackedSequence {
  const { lengths: given, batchFirst, enforceSorted } = parsePack(args);
  const lengths = isTensor(given) ? Array.from(given.toTypedArraySync(), Number) : [...given];
  const major = batchFirst ? input.transpose(0, 1) : input;
  const [steps, count] = major.shape as readonly [number, number, ...number[]];
  if (lengths.length !== count)
    throw new ShapeError(`packPaddedSequence(): ${lengths.length} lengths for ${count} sequences`);
  if (lengths.some((length) => !Number.isInteger(length) || length < 1 || length > steps)) {
    throw new RangeError(`packPaddedSequence(): lengths must be between 1 and ${steps}, got [${lengths.join(', ')}]`);
  }
  const order = descending(lengths);
  if (enforceSorted && lengths.some((length, i) => i > 0 && length > lengths[i - 1]!)) {
    throw new RangeError(
      'packPaddedSequence(): lengths must be in falling order; pass { enforceSorted: false } to have them sorted',
    );
  }
  const sorted = enforceSorted ? null : tensor(order, { dtype: 'int32', device: input.device });
  const x = sorted === null ? major : major.indexSelect(1, sorted);
  const longest = lengths[order[0]!]!;
  const sizes = Array.from({ length: longest }, (_, t) => lengths.filter((length) => length > t).length);
  const data = cat(sizes.map((size, t) => x.select(0, t).narrow(0, 0, size)));
  const batchSizes = tensor(sizes, { dtype: 'int32', device: 'cpu' });
  return new PackedSequence(data, batchSizes, sorted, null, sorted === null ? null : order);
}

interface PadSettings {
  batchFirst: boolean;
  paddingValue: number;
  totalLength: number | null;
}

const parsePad = signature<PadSettings>('padPackedSequence', ['batchFirst', 'paddingValue', 'totalLength'], {
  batchFirst: false,
  paddingValue: 0,
  totalLength: null,
});

/** `value` below the rows of x, up to `count` rows. */
function padRows(x: Tensor, count: number, value: number): Tensor {
  const missing = count - x.shape[0]!;
  return missing === 0 ? x : F.pad(x, [...new Array<number>(2 * (x.ndim - 1)).fill(0), 0, missing], 'constant', value);
}

/** A padded batch of packed sequences [T, N, …], and their lengths (int32). @throws RangeError when `totalLength` is too short. */
export function padPackedSequence(
  sequence: PackedSequence,
  ...args: Trailing<[batchFirst: boolean, paddingValue: number, totalLength: number | null], Partial<PadSettings>>
): [padded: Tensor, lengths: Tensor] {
  const { batchFirst, paddingValue, totalLength } = parsePad(args);
  const sizes = sequence.sizes();
  if (totalLength !== null && totalLength < sizes.length)
    throw new RangeError(
      `padPackedSequence(): totalLength ${totalLength} is below the longest sequence's ${sizes.length}`,
    );
  const count = sizes[0]!;
  const steps = stack(sequence.data.split(sizes).map((step) => padRows(step, count, paddingValue)));
  const major = padRows(steps, totalLength ?? sizes.length, paddingValue);
  const lengths = tensor(
    Array.from({ length: count }, (_, i) => sizes.filter((size) => size > i).length),
    { dtype: 'int32', device: 'cpu' },
  );
  const order = sequence.unsortedIndices;
  const padded = order === null ? major : major.indexSelect(1, order);
  return [batchFirst ? padded.transpose(0, 1) : padded, order === null ? lengths : unsorted(lengths, sequence)];
}

/** Lengths on the CPU in the order that the sequences had before they were sorted. */
function unsorted(lengths: Tensor, { order, unsortedIndices }: PackedSequence): Tensor {
  if (order === null) return lengths.indexSelect(0, unsortedIndices!.to('cpu'));
  const places = tensor(order, { dtype: 'int32', device: 'cpu' });
  return lengths.indexSelect(0, invertPermutation(places));
}

const parseSequences = signature<{ batchFirst: boolean; paddingValue: number }>(
  'padSequence',
  ['batchFirst', 'paddingValue'],
  { batchFirst: false, paddingValue: 0 },
);

/** Sequences [Tᵢ, …] as one padded batch [T, N, …], or [N, T, …] with `batchFirst`. */
export function padSequence(
  sequences: readonly Tensor[],
  ...args: Trailing<[batchFirst: boolean, paddingValue: number], { batchFirst?: boolean; paddingValue?: number }>
): Tensor {
  const { batchFirst, paddingValue } = parseSequences(args);
  const longest = Math.max(...sequences.map((sequence) => sequence.shape[0]!));
  return stack(
    sequences.map((sequence) => padRows(sequence, longest, paddingValue)),
    batchFirst ? 0 : 1,
  );
}

/** Packs a list of sequences [Tᵢ, …]; in order of falling length unless `enforceSorted` is false. */
export function packSequence(
  sequences: readonly Tensor[],
  ...args: Trailing<[enforceSorted: boolean], { enforceSorted?: boolean }>
): PackedSequence {
  const { enforceSorted } = signature<{ enforceSorted: boolean }>('packSequence', ['enforceSorted'], {
    enforceSorted: true,
  })(args);
  const lengths = sequences.map((sequence) => sequence.shape[0]!);
  return packPaddedSequence(padSequence(sequences), lengths, { enforceSorted });
}

/**
 * The sequences [Tᵢ, …] of a padded batch [T, N, …], or [N, T, …] with `batchFirst`: what `padSequence` was given.
 *
 * ```ts
 * const padded = padSequence([ones(3), ones(1)]);
 * unpadSequence(padded, [3, 1]).map(({ shape }) => shape); // [[3], [1]]
 * ```
 * @param lengths of the sequences, on the CPU.
 * @throws ShapeError for another number of lengths, RangeError for lengths beyond the padded one.
 */
export function unpadSequence(
  paddedSequences: Tensor,
  lengths: Tensor | readonly number[],
  ...args: Trailing<[batchFirst: boolean], { batchFirst?: boolean | undefined }>
): Tensor[] {
  const { batchFirst } = parseUnpad(args);
  const rows = batchFirst ? paddedSequences : paddedSequences.transpose(0, 1);
  const counts = isTensor(lengths) ? Array.from(lengths.toTypedArraySync(), Number) : lengths;
  const [count, steps] = rows.shape as readonly [number, number, ...number[]];
  if (counts.length !== count) throw new ShapeError(`unpadSequence(): ${counts.length} lengths for ${count} sequences`);
  return counts.map((length, i) => {
    if (!Number.isInteger(length) || length < 0 || length > steps)
      throw new RangeError(`unpadSequence(): lengths must be between 0 and ${steps}, got ${length}`);
    return rows.select(0, i).narrow(0, 0, length);
  });
}

const parseUnpad = signature<{ batchFirst: boolean }>('unpadSequence', ['batchFirst'], { batchFirst: false });

/** The sequences [Tᵢ, …] of a packed batch, in their first order: what `packSequence` was given. */
export function unpackSequence(packedSequences: PackedSequence): Tensor[] {
  const [padded, lengths] = padPackedSequence(packedSequences, { batchFirst: true });
  return unpadSequence(padded, lengths, { batchFirst: true });
}
