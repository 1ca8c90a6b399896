/** @file Reductions of consecutive pieces of a dimension, which PyTorch has as a function only. */
import { signature, type Trailing } from '../args.ts';
import { arange } from '../creation.ts';
import { isFloating, isIntegral } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { formatShape, sameShape, wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { where as choose } from '../where.ts';
import { cat } from './join.ts';

export type SegmentReduction = 'sum' | 'mean' | 'max' | 'min' | 'prod';

export interface SegmentReduceOptions {
  /** The segments' lengths along `axis`: [shape before axis, S]. */
  lengths?: Tensor | null | undefined;
  /** Or where they begin, and where the last ends: [shape before axis, S + 1]. */
  offsets?: Tensor | null | undefined;
  axis?: number | undefined;
  /** Leaves out the check that lengths fill the dimension, which reads values. */
  unsafe?: boolean | undefined;
  /** What each segment begins with: the value of empty ones. */
  initial?: number | null | undefined;
}

interface Parsed {
  reduce: SegmentReduction;
  lengths: Tensor | null;
  offsets: Tensor | null;
  axis: number;
  unsafe: boolean;
  initial: number | null;
}

const parse = signature<Parsed>('segmentReduce', ['reduce'], {
  lengths: null,
  offsets: null,
  axis: 0,
  unsafe: false,
  initial: null,
});

/** scatterReduce's names, and what reductions of nothing give. */
const reductions = {
  sum: ['sum', 0],
  mean: ['sum', Number.NaN],
  prod: ['prod', 1],
  max: ['amax', Number.NEGATIVE_INFINITY],
  min: ['amin', Number.POSITIVE_INFINITY],
} as const;

function ends(data: Tensor, { lengths, offsets, axis, unsafe }: Parsed): Tensor {
  const given = lengths ?? offsets;
  if (given === null || (lengths !== null && offsets !== null))
    throw new TypeError('segmentReduce(): give either lengths or offsets');
  if (!isIntegral(given.dtype))
    throw new DTypeError(`segmentReduce(): lengths and offsets must be integers, got ${given.dtype}; use .to('int32')`);
  if (given.ndim !== axis + 1 || !sameShape(given.shape.slice(0, axis), data.shape.slice(0, axis))) {
    throw new ShapeError(
      `segmentReduce(): lengths and offsets must have shape [${[...data.shape.slice(0, axis), 'segments']}], got ${formatShape(given.shape)}`,
    );
  }
  if (lengths === null) return given.to('int32');
  if (!unsafe && data.device === 'cpu') {
    const fits = lengths.sum(-1).eq(data.shape[axis]!).all().logicalAnd(lengths.ge(0).all());
    if (fits.itemSync() === 0)
      throw new RangeError(
        `segmentReduce(): lengths must not be negative and must sum to ${data.shape[axis]}, the size of dimension ${axis}`,
      );
  }
  const zero = lengths.narrow(-1, 0, 0).sum(-1, true).to('int32');
  return cat([zero, lengths.to('int32').cumsum(-1)], -1);
}

/**
 * Each segment of consecutive elements along `axis` reduced to one, by 'sum', 'mean', 'max', 'min' or 'prod'. The other
 * dimensions before `axis` may each have segments of their own.
 *
 * ```ts
 * segmentReduce(tensor([1, 2, 3, 4]), 'sum', { lengths: tensor([1, 3], { dtype: 'int32' }) }); // tensor([1., 9.])
 * ```
 * @throws ShapeError, RangeError when the segments do not fit the data, DTypeError unless that is floating.
 */
export function segmentReduce(
  data: Tensor,
  reduce: SegmentReduction,
  ...args: Trailing<[], SegmentReduceOptions>
): Tensor {
  const call = parse([reduce, ...args]);
  if (!Object.hasOwn(reductions, reduce))
    throw new RangeError(`segmentReduce(): reduce must be one of ${Object.keys(reductions).join(', ')}, got ${reduce}`);
  if (!isFloating(data.dtype))
    throw new DTypeError(`segmentReduce(): needs a floating point tensor, got ${data.dtype}; use .to('float32')`);
  const axis = wrapDim('segmentReduce', call.axis, data.ndim);
  const borders = ends(data, { ...call, axis });
  const segments = borders.shape[axis]! - 1;
  const place = arange(data.shape[axis]!, { dtype: 'int32', device: data.device }).unsqueeze(-1);
  // A place's segment is the number of ends up to it; what lies outside goes to one more, which is dropped.
  const begun = place.ge(borders.narrow(-1, 0, 1).unsqueeze(-2)).squeeze(-1);
  const passed = place
    .ge(borders.narrow(-1, 1, segments).unsqueeze(-2))
    .sum(-1)
    .to('int32');
  const own = choose(begun, passed, segments).to('int32');
  const tail = data.shape.slice(axis + 1);
  const index = own.reshape([...own.shape, ...tail.map(() => 1)]).expand([...data.shape]);
  const sizes = borders.diff({ dim: -1 }).reshape([...data.shape.slice(0, axis), segments, ...tail.map(() => 1)]);
  return combined(data, index, sizes, axis, call).narrow(axis, 0, segments);
}

function combined(data: Tensor, index: Tensor, sizes: Tensor, axis: number, { reduce, initial }: Parsed): Tensor {
  const segments = sizes.shape[axis]!;
  const [name, nothing] = reductions[reduce];
  const target = data
    .detach()
    .newFull(data.shape.with(axis, segments + 1), name === 'prod' ? 1 : name === 'sum' ? 0 : nothing);
  const values = target.scatterReduce(axis, index, data, name, { includeSelf: name === 'sum' || name === 'prod' });
  const results = values.narrow(axis, 0, segments);
  if (reduce === 'sum') return results.add(initial ?? 0);
  if (reduce === 'prod') return results.mul(initial ?? 1);
  // Chosen, so that a segment's element keeps the whole gradient where it equals the initial value.
  if (reduce === 'max') return initial === null ? results : choose(results.lt(initial), initial, results);
  if (reduce === 'min') return initial === null ? results : choose(results.gt(initial), initial, results);
  return choose(sizes.eq(0), initial ?? nothing, results.add(initial ?? 0).div(sizes.clampMin(1)));
}
