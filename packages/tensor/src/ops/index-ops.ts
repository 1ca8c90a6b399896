/** @file Indexing: `x.at(...)` reads, `x.set(index, value)` writes, in NumPy's terms. */
import { signature } from '../args.ts';
import { full } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { checkSameDType, indexPutAt, index as pick } from '../indexing/advanced.ts';
import { findsPositions, type MaskedPlaces, putByRank } from '../indexing/masked.ts';
import { awaitMasks, type Index, maskedPlaces, parseIndices, type Resolved, resolve } from '../indexing/resolve.ts';
import { overwrite } from '../inplace.ts';
import { untracked } from '../modes.ts';
import type { PointwiseFunction } from '../pointwise.ts';
import { wrapIndex } from '../positions.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';
import { selectOf } from '../view.ts';
import { copy_, fill } from './copy.ts';
import { nonzero } from './masks.ts';
import { reshape } from './views.ts';

export type { IndexOps } from '../indexing/advanced.ts';

/**
 * The elements that an index names. Integers, slices, `'...'` and `null` give a view, lists, tensors and masks a copy.
 *
 * ```ts
 * x.at(0); // x[0]
 * x.at(':', 1); // x[:, 1]
 * x.at('...', '1:-1:2'); // x[..., 1:-1:2]
 * x.at([0, 2], null); // x[[0, 2], None]
 * x.at(x.gt(0)); // x[x > 0]
 * ```
 * @throws IndexError for an index out of range or too many, DTypeError for an index tensor of floats.
 */
export function at(self: Tensor, ...indices: Index[]): Tensor {
  const [first] = indices;
  if (indices.length === 1 && typeof first === 'number' && self.ndim > 0)
    return selectOf(self, 0, wrapIndex('at', first, 0, self.shape[0]!));
  const { view, indices: tensors } = resolve('at', self, parseIndices('at', self, indices));
  return tensors.length === 0 ? view : pick(view, tensors);
}

/** `at(...)` on every device: masks are read asynchronously. */
export async function atAsync(self: Tensor, ...indices: Index[]): Promise<Tensor> {
  const items = await awaitMasks(parseIndices('atAsync', self, indices));
  const { view, indices: tensors } = resolve('atAsync', self, items);
  return tensors.length === 0 ? view : pick(view, tensors);
}

/**
 * Writes `value`, a number or a tensor that broadcasts, to the elements that an index names; returns the tensor. A list
 * is what `at` would take spread; anything else stands for a list of one.
 *
 * ```ts
 * x.set(0, 5); // x[0] = 5
 * x.set([0, 2], 5); // x[0, 2] = 5
 * x.set([[0, 2]], 5); // x[[0, 2]] = 5
 * x.set(x.lt(0), 0); // x[x < 0] = 0
 * ```
 * A mask needs no reading, so this is synchronous on every device, but for masks beside index tensors: `setAsync`. Off the
 * CPU it goes unnoticed when a value for each true element has a size that is not their number.
 * @throws IndexError as `at`, ShapeError when the value does not broadcast, DeviceError that names `setAsync`. Nothing is
 *   changed then.
 */
export function set(self: Tensor, index: Index | readonly Index[], value: Tensor | Value): Tensor {
  const items = parseIndices('set', self, listOf(index));
  const masked = findsPositions(self) ? null : maskedPlaces('set', self, items);
  if (masked === null) return assign(self, resolve('set', self, items), value);
  const source = sourceFor(self, value);
  overwrite('set', masked.view, () => putByRank('set', masked, source, false));
  return self;
}

/** `set(index, value)` on every device, whatever masks are combined with. */
export async function setAsync(self: Tensor, index: Index | readonly Index[], value: Tensor | Value): Promise<Tensor> {
  const items = await awaitMasks(parseIndices('setAsync', self, listOf(index)));
  return assign(self, resolve('setAsync', self, items), value);
}

const listOf = (index: Index | readonly Index[]): readonly Index[] =>
  Array.isArray(index) ? (index as readonly Index[]) : [index as Index];

/** The value as a tensor that may be written into `self`. */
const sourceFor = ({ dtype, device }: Tensor, value: Tensor | Value): Tensor =>
  isTensor(value) ? withoutLeadingOnes(value.to(device, dtype)) : full([], value, { dtype, device });

function assign(self: Tensor, { view, indices }: Resolved, value: Tensor | Value): Tensor {
  if (indices.length > 0) indexPutAt.inplace(view, indices, sourceFor(self, value), false);
  else if (isTensor(value)) copy_(view, withoutLeadingOnes(value.to(self.device)));
  else fill.inplace(view, value);
  return self;
}

/** PyTorch lets a value have leading dimensions of size 1 that the place has not. */
function withoutLeadingOnes(value: Tensor): Tensor {
  let extra = 0;
  while (value.shape[extra] === 1) extra++;
  return extra === 0 ? value : reshape(value, value.shape.slice(extra));
}

interface IndexPutArguments {
  indices: readonly (Tensor | null)[];
  values: Tensor;
  accumulate: boolean;
}
const indexPutArguments = signature<IndexPutArguments>('indexPut', ['indices', 'values', 'accumulate'], {
  accumulate: false,
});
type PutArguments = [
  indices: readonly (Tensor | null)[],
  values: Tensor,
  accumulate?: boolean | { accumulate?: boolean | undefined },
];

/** Masks among the indices as positions. */
function withoutMasks(indices: readonly (Tensor | null)[]): (Tensor | null)[] {
  return indices.flatMap((index) =>
    index?.dtype === 'bool' ? untracked(() => nonzero(index, { asTuple: true })) : [index],
  );
}

/** The mask that is the only index, where its positions cannot be had at once. */
function maskAmong(self: Tensor, indices: readonly (Tensor | null)[]): MaskedPlaces | null {
  if (findsPositions(self)) return null;
  const [dim, ...others] = indices.flatMap((index, d) => (index === null ? [] : [d]));
  const mask = indices[dim!]!;
  return others.length === 0 && mask.dtype === 'bool' ? { view: self, dim: dim!, mask } : null;
}

/**
 * self with `values`, broadcast, at the places that index tensors name, one for each dimension (null or left off: all of
 * it). `accumulate` adds instead, also where a place is named twice. `x.indexPut_(…)` in place.
 */
export const indexPut: PointwiseFunction<PutArguments> = (() => {
  const prepare = (self: Tensor, args: unknown[]): IndexPutArguments => {
    const given = indexPutArguments(args);
    const { indices, values } = given;
    if (indices.every((index) => index === null))
      throw new ShapeError(`indexPut(): at least one index must be a tensor, got [${indices.map(String).join(', ')}]`);
    checkSameDType('indexPut', self, values);
    return given;
  };
  const put = (self: Tensor, ...args: PutArguments): Tensor => {
    const { indices, values, accumulate } = prepare(self, args);
    const masked = maskAmong(self, indices);
    return masked === null
      ? indexPutAt(self, withoutMasks(indices), values, accumulate)
      : putByRank('indexPut', masked, values, accumulate);
  };
  const inplace = (self: Tensor, ...args: PutArguments): Tensor => {
    const { indices, values, accumulate } = prepare(self, args);
    const masked = maskAmong(self, indices);
    return masked === null
      ? indexPutAt.inplace(self, withoutMasks(indices), values, accumulate)
      : overwrite('indexPut_', self, () => putByRank('indexPut', masked, values, accumulate));
  };
  return Object.assign(put, { inplace });
})();
