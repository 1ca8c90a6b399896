/**
 * @file Writing where a mask is true without knowing how often it is, for devices whose values are only read
 * asynchronously. Each element of the mask has a rank among the true ones and takes the value of that rank; a choice by
 * the mask leaves the other places as they are. Made of ordinary ops, so that gradients follow.
 */
import { IndexError, ShapeError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { clone } from '../ops/copy.ts';
import { indexSelect } from '../ops/gather.ts';
import { cumsum } from '../ops/scan.ts';
import { expand, reshape } from '../ops/views.ts';
import { positionsOf, sameDevice } from '../positions.ts';
import { formatShape } from '../shape.ts';
import { backendFor } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { where } from '../where.ts';

/** Whether positions of a mask can be had at once. */
export const findsPositions = (x: Tensor): boolean => backendFor(x.device).routines.nonzero !== undefined;

/** Each element's place among the true ones, row-major, and 0 where the mask is false: a vector of int32 below `count`. */
function ranksOf(op: string, mask: Tensor, count: number): Tensor {
  return untracked(() => {
    const flags = reshape(mask, -1).to('int32');
    return positionsOf(op, cumsum(flags, 0).sub(1).mul(flags), 0, count).view;
  });
}

/** self with the elements where `mask` (of its shape) is true replaced, in order, by those of `source`. */
export function scatterByRank(self: Tensor, mask: Tensor, source: Tensor): Tensor {
  if (self.elementCount === 0 || source.elementCount === 0) return clone(self);
  const values = indexSelect(reshape(source, -1), 0, ranksOf('maskedScatter', mask, source.elementCount));
  return where(mask, reshape(values, self.shape), self);
}

/** A mask on some dimensions of a view, from `dim` on. */
export interface MaskedPlaces {
  readonly view: Tensor;
  readonly dim: number;
  readonly mask: Tensor;
}

/**
 * The view with `values` where the mask is true, in what NumPy calls `view[..., mask] = values`: the values broadcast to
 * the dimensions before the mask, one for its true elements, and those behind it.
 * @throws IndexError for a mask that does not fit, ShapeError for values that do not.
 */
export function putByRank(op: string, { view, dim, mask }: MaskedPlaces, values: Tensor, accumulate: boolean): Tensor {
  sameDevice(op, view, mask, values);
  const behind = view.ndim - dim - mask.ndim;
  if (behind < 0 || mask.shape.some((size, d) => size !== view.shape[dim + d]))
    throw new IndexError(
      `${op}(): a mask of shape ${formatShape(mask.shape)} does not fit shape ${formatShape(view.shape)} from dimension ${dim} on`,
    );
  const axis = values.ndim - 1 - behind;
  if (axis > dim)
    throw new ShapeError(
      `${op}(): values of shape ${formatShape(values.shape)} have too many dimensions for shape ${formatShape(view.shape)}`,
    );
  const count = axis < 0 ? 1 : values.shape[axis]!;
  if (view.elementCount === 0 || count === 0) return clone(view);
  const everywhere = reshape(mask, [...mask.shape, ...new Array<number>(behind).fill(1)]);
  const spread = axis < 0 ? values : spreadRanks(op, mask, values, axis);
  const fitting = expand(spread, view.shape);
  return where(everywhere, accumulate ? view.add(fitting) : fitting, view);
}

/** Values with the mask's dimensions in place of `axis`, which counts its true elements or has size 1. */
function spreadRanks(op: string, mask: Tensor, values: Tensor, axis: number): Tensor {
  const count = values.shape[axis]!;
  const taken = count === 1 ? values : indexSelect(values, axis, ranksOf(op, mask, count));
  const middle = count === 1 ? mask.shape.map(() => 1) : mask.shape;
  return reshape(taken, [...values.shape.slice(0, axis), ...middle, ...values.shape.slice(axis + 1)]);
}
