/** @file Where values belong in sorted sequences: searchsorted and bucketize, which PyTorch has as functions only. */
import { signature } from '../args.ts';
import { tensor, zeros } from '../creation.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { call } from '../ir/expr.ts';
import { callPointwise, pointwise } from '../pointwise.ts';
import { formatShape, numelOf, sameShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { OutOption } from './make.ts';

export interface BucketizeOptions extends OutOption {
  /** Accepted for PyTorch's sake: positions are int32 anyway. */
  outInt32?: boolean | undefined;
  /** Puts a value behind equal ones instead of before them. */
  right?: boolean | undefined;
}

export interface SearchsortedOptions extends BucketizeOptions {
  /** `'right'` for `right: true`. */
  side?: 'left' | 'right' | null | undefined;
  /** Positions that sort the sequence, if it is not sorted itself: what `argsort` gives. */
  sorter?: Tensor | null | undefined;
}

const middleOp = pointwise(2, (low, high) => call('floorDiv', low.add(high), 2), {
  name: 'searchsorted',
  promotion: 'promote',
});
const lowOp = pointwise(4, (up, low, middle, high) => up.and(low.lt(high)).where(middle.add(1), low), {
  name: 'searchsorted',
  promotion: 'promote',
  conditions: [0],
});
const highOp = pointwise(4, (up, low, middle, high) => up.or(low.ge(high)).where(high, middle), {
  name: 'searchsorted',
  promotion: 'promote',
  conditions: [0],
});

/** Binary searches along the last dimension, all at once; leading dimensions agree. */
function search(sequence: Tensor, values: Tensor, right: boolean, sorter: Tensor | null): Tensor {
  const size = sequence.shape.at(-1)!;
  const start = { dtype: 'int32', device: values.device } as const;
  let low = zeros(values.shape, start);
  let high = low.add(size);
  for (let reach = size; reach > 0; reach = Math.floor(reach / 2)) {
    const middle = callPointwise(middleOp, [low, high]);
    const inside = middle.clampMax(size - 1);
    const found = sequence.gather(-1, sorter === null ? inside : sorter.gather(-1, inside));
    // Negated, so that NaN belongs behind everything.
    const up = (right ? found.gt(values) : found.ge(values)).logicalNot();
    [low, high] = [callPointwise(lowOp, [up, low, middle, high]), callPointwise(highOp, [up, low, middle, high])];
  }
  return low;
}

function locate(
  op: string,
  sequence: Tensor,
  values: Tensor | number,
  right: boolean,
  sorter: Tensor | null,
  out: Tensor | undefined,
): Tensor {
  // A fraction among integers is looked for among floats.
  const exact =
    typeof values === 'number' && !Number.isInteger(values) && !isFloating(sequence.dtype)
      ? sequence.to('float64')
      : sequence;
  const wanted = typeof values === 'number' ? tensor(values, { dtype: exact.dtype, device: sequence.device }) : values;
  if (wanted.dtype !== exact.dtype) {
    throw new DTypeError(
      `${op}(): the sorted sequence is ${exact.dtype} and the values are ${wanted.dtype}; convert one with .to(dtype)`,
    );
  }
  const lead = sequence.shape.slice(0, -1);
  if (sequence.ndim === 0) throw new ShapeError(`${op}(): the sorted sequence needs a dimension, got a 0-d tensor`);
  if (sequence.ndim > 1 && !sameShape(lead, wanted.shape.slice(0, -1))) {
    throw new ShapeError(
      `${op}(): the sorted sequence must be 1-d or agree with the values in all but the last dimension, got shapes ${formatShape(sequence.shape)} and ${formatShape(wanted.shape)}`,
    );
  }
  return intoOut(op, out, [], () => {
    if (wanted.elementCount === 0 || sequence.elementCount === 0)
      return zeros(wanted.shape, { dtype: 'int32', device: sequence.device });
    const flat = sequence.ndim === 1;
    const found = search(
      exact.detach(),
      flat ? wanted.detach().reshape([numelOf(wanted.shape)]) : wanted.detach(),
      right,
      sorter,
    );
    return flat ? found.view(wanted.shape) : found;
  });
}

const parseSearch = signature<Required<SearchsortedOptions>>('searchsorted', [], {
  outInt32: false,
  right: undefined,
  side: null,
  sorter: null,
  out: undefined,
});

/**
 * For each value the position (int32) where it would be inserted into a sequence sorted along its last dimension: before
 * equal ones, or behind them with `right`. The sequence is 1-d, or has the values' leading dimensions.
 *
 * ```ts
 * searchsorted(tensor([1, 3, 5]), tensor([3, 6])); // tensor([1, 3], dtype=torch.int32)
 * ```
 * @throws DTypeError when sequence and values have different dtypes, ShapeError when their dimensions do not agree.
 */
export function searchsorted(
  sortedSequence: Tensor,
  values: Tensor | number,
  options: SearchsortedOptions = {},
): Tensor {
  const { right, side, sorter, out } = parseSearch([options]);
  if (side !== null && side !== 'left' && side !== 'right')
    throw new RangeError(`searchsorted(): side must be 'left' or 'right', got ${JSON.stringify(side)}`);
  if (side === 'left' && right === true)
    throw new TypeError("searchsorted(): side 'left' and right: true contradict each other; give one of them");
  if (sorter != null && !sameShape(sorter.shape, sortedSequence.shape)) {
    throw new ShapeError(
      `searchsorted(): the sorter has shape ${formatShape(sorter.shape)}, the sequence ${formatShape(sortedSequence.shape)}; they must agree`,
    );
  }
  return locate('searchsorted', sortedSequence, values, right === true || side === 'right', sorter ?? null, out);
}

const parseBucketize = signature<Required<BucketizeOptions>>('bucketize', [], {
  outInt32: false,
  right: false,
  out: undefined,
});

/**
 * The bucket (int32) of each value of `input` between sorted `boundaries`: i where boundaries[i−1] < value ≤
 * boundaries[i], or with `right` boundaries[i−1] ≤ value < boundaries[i].
 */
export function bucketize(input: Tensor | number, boundaries: Tensor, options: BucketizeOptions = {}): Tensor {
  const { right, out } = parseBucketize([options]);
  if (boundaries.ndim !== 1)
    throw new ShapeError(`bucketize(): boundaries must be 1-d, got shape ${formatShape(boundaries.shape)}`);
  return locate('bucketize', boundaries, input, right ?? false, null, out);
}
