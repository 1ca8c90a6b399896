/** @file Forms of reshaping and reordering that are made of the views in views.ts. */
import { type IntegerList, integerList, signature, type Trailing } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { formatShape, inferSize, wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { conj } from './complex.ts';
import { expand, permute, reshape, transpose, view } from './views.ts';

type FlattenOptions = { startDim?: number | undefined; endDim?: number | undefined };
const flattenArguments = signature<{ startDim: number; endDim: number }>('flatten', ['startDim', 'endDim'], {
  startDim: 0,
  endDim: -1,
});

/**
 * Dimensions `startDim` (0) to `endDim` (-1) as one; a view where the memory order allows it.
 *
 * ```ts
 * zeros(2, 3, 4).flatten(1).shape; // [2, 12]
 * ```
 */
export function flatten(self: Tensor, ...args: Trailing<[startDim: number, endDim: number], FlattenOptions>): Tensor {
  const { startDim, endDim } = flattenArguments(args);
  const [start, end] = [wrapDim('flatten', startDim, self.ndim), wrapDim('flatten', endDim, self.ndim)];
  if (self.ndim === 0) return reshape(self, 1);
  if (start > end)
    throw new RangeError(`flatten(): startDim ${startDim} comes after endDim ${endDim} in ${self.ndim} dimensions`);
  if (start === end) return self;
  const merged = self.shape.slice(start, end + 1).reduce((a, b) => a * b, 1);
  return reshape(self, [...self.shape.slice(0, start), merged, ...self.shape.slice(end + 1)]);
}

/** All elements in one dimension; a view where the memory order allows it. */
export function ravel(self: Tensor): Tensor {
  return reshape(self, -1);
}

/**
 * One dimension as several; one of the sizes may be -1.
 *
 * ```ts
 * zeros(2, 12).unflatten(1, [3, -1]).shape; // [2, 3, 4]
 * ```
 */
export function unflatten(self: Tensor, dim: number, sizes: readonly number[]): Tensor {
  const d = wrapDim('unflatten', dim, self.ndim);
  const list = integerList('unflatten', [sizes]);
  if (list.length === 0) throw new ShapeError('unflatten(): sizes must not be empty');
  if (self.ndim === 0) throw new ShapeError('unflatten(): a 0-d tensor has no dimension to divide');
  const parts = inferSize('unflatten', list, self.shape[d]!);
  return view(self, [...self.shape.slice(0, d), ...parts, ...self.shape.slice(d + 1)]);
}

/** `view` with the shape of `other`. */
export function viewAs(self: Tensor, other: Tensor): Tensor {
  return view(self, other.shape);
}

/** `reshape` with the shape of `other`. */
export function reshapeAs(self: Tensor, other: Tensor): Tensor {
  return reshape(self, other.shape);
}

/** `expand` to the shape of `other`. */
export function expandAs(self: Tensor, other: Tensor): Tensor {
  return expand(self, other.shape);
}

/** `expand` to a shape given as a list. */
export function broadcastTo(self: Tensor, ...shape: IntegerList): Tensor {
  return expand(self, integerList('broadcastTo', shape));
}

/** Same as `transpose`. */
export function swapaxes(self: Tensor, axis0: number, axis1: number): Tensor {
  return transpose(self, axis0, axis1);
}

/** Same as `transpose`. */
export function swapdims(self: Tensor, dim0: number, dim1: number): Tensor {
  return transpose(self, dim0, dim1);
}

/**
 * Dimensions moved to other places; the others keep their order.
 *
 * ```ts
 * zeros(2, 3, 4).movedim(0, -1).shape; // [3, 4, 2]
 * zeros(2, 3, 4).movedim([0, 1], [1, 2]).shape; // [4, 2, 3]
 * ```
 */
export function movedim(
  self: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const wrap = (dims: number | readonly number[]): number[] =>
    (typeof dims === 'number' ? [dims] : dims).map((d) => wrapDim('movedim', d, self.ndim));
  const [from, to] = [wrap(source), wrap(destination)];
  if (from.length !== to.length)
    throw new TypeError(`movedim(): ${from.length} source dimensions but ${to.length} destinations`);
  if (new Set(from).size !== from.length || new Set(to).size !== to.length) {
    throw new TypeError(
      `movedim(): repeated dimension in source [${from.join(', ')}] or destination [${to.join(', ')}]`,
    );
  }
  if (self.ndim === 0) return self;
  const rest = self.shape.map((_, d) => d).filter((d) => !from.includes(d));
  const order = self.shape.map((_, place) => {
    const k = to.indexOf(place);
    return k >= 0 ? from[k]! : rest.shift()!;
  });
  return permute(self, order);
}

/** Same as `movedim`. */
export function moveaxis(
  self: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  return movedim(self, source, destination);
}

/** The last two dimensions swapped, and complex numbers conjugated. */
export function adjoint(self: Tensor): Tensor {
  if (self.ndim < 2)
    throw new ShapeError(`adjoint(): expects at least 2 dimensions, got shape ${formatShape(self.shape)}`);
  return conj(transpose(self, -2, -1));
}
