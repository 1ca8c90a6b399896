/** @file What the arguments of `at` and `set` mean: views first, then index tensors for the dimensions that are left. */
import { integersFrom, tensor } from '../creation.ts';
import { DTypeError, IndexError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { nonzeroAsync } from '../ops/masks.ts';
import { reshape, unsqueeze } from '../ops/views.ts';
import { sameDevice, wrapIndex } from '../positions.ts';
import { formatShape } from '../shape.ts';
import { backendFor } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { aliasOf, selectOf, sliceOf } from '../view.ts';
import type { MaskedPlaces } from './masked.ts';
import { positionsOfNonzero } from './nonzero.ts';
import { parseSlice, Slice } from './slice.ts';

/** Positions or booleans, nested as the index tensor they stand for. */
export type IndexList = readonly (number | boolean | IndexList)[];

/**
 * One index of `at` and `set`: an integer, a slice (`'1:5:2'`, `':'`, `slice(1, 5, 2)`), `'...'`, null (a new axis), a
 * list or tensor of integers, or a boolean mask.
 */
export type Index = number | string | Slice | null | boolean | Tensor | IndexList;

/** An index in its place. `positions`: where a mask is true, [count, ndim], once known. */
type Item =
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'slice'; readonly slice: Slice }
  | { readonly kind: 'newAxis' }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'tensor'; readonly index: Tensor }
  | { readonly kind: 'mask'; readonly mask: Tensor; readonly positions: Tensor | null };

/** A view with, for each of its dimensions, the index tensor to pick by, or null. */
export interface Resolved {
  readonly view: Tensor;
  /** Empty when there are none. */
  readonly indices: readonly (Tensor | null)[];
}

function listItem(op: string, self: Tensor, list: IndexList): Item {
  const flat = (list as readonly unknown[]).flat(Number.POSITIVE_INFINITY);
  const { device } = self;
  if (flat.length > 0 && flat.every((value) => typeof value === 'boolean'))
    return { kind: 'mask', mask: tensor(list as never, { device }), positions: null };
  const bad = flat.find((value) => !Number.isInteger(value));
  if (bad !== undefined)
    throw new TypeError(`${op}(): a list of indices holds integers or booleans, got ${String(bad)}`);
  return {
    kind: 'tensor',
    index: flat.length === 0 ? integersFrom([], [0], { device }) : tensor(list as never, { dtype: 'int32', device }),
  };
}

function tensorItem(op: string, self: Tensor, index: Tensor): Item {
  sameDevice(op, self, index);
  if (index.dtype === 'bool') return { kind: 'mask', mask: index.detach(), positions: null };
  if (index.dtype !== 'int32' && index.dtype !== 'int64') {
    throw new DTypeError(
      `${op}(): an index tensor must be int32, int64 or bool, got ${index.dtype}; convert it with .to('int32')`,
    );
  }
  // As in PyTorch a 0-d index counts as an integer, where that can be read at once.
  const readable = index.ndim === 0 && backendFor(index.device).readSync !== null;
  return readable ? { kind: 'integer', value: index.itemSync() } : { kind: 'tensor', index };
}

function itemOf(op: string, self: Tensor, index: Index): Item {
  if (typeof index === 'number') return { kind: 'integer', value: index };
  if (index === null) return { kind: 'newAxis' };
  if (typeof index === 'boolean')
    return { kind: 'mask', mask: tensor(index, { device: self.device }), positions: null };
  if (isTensor(index)) return tensorItem(op, self, index);
  if (index instanceof Slice) return { kind: 'slice', slice: index };
  if (Array.isArray(index)) return listItem(op, self, index as IndexList);
  if (typeof index === 'string') {
    if (index.trim() === '...') return { kind: 'ellipsis' };
    const parsed = parseSlice(index);
    if (parsed !== null) return { kind: 'slice', slice: parsed };
  }
  const shown = typeof index === 'string' ? JSON.stringify(index) : String(index);
  throw new TypeError(
    `${op}(): ${shown} is no index; use an integer, a slice like '1:5:2' or slice(1, 5, 2), '...', null, a list or tensor of integers, or a mask`,
  );
}

/** Dimensions of the tensor that an item uses up. */
const consumed = (item: Item): number =>
  item.kind === 'mask' ? item.mask.ndim : item.kind === 'newAxis' || item.kind === 'ellipsis' ? 0 : 1;

/** The indices as items, with an ellipsis in every list. */
export function parseIndices(op: string, self: Tensor, indices: readonly Index[]): Item[] {
  const items = indices.map((index) => itemOf(op, self, index));
  const ellipses = items.filter((item) => item.kind === 'ellipsis').length;
  if (ellipses > 1) throw new IndexError(`${op}(): an index can have only one '...'`);
  const count = items.reduce((sum, item) => sum + consumed(item), 0);
  if (count > self.ndim)
    throw new IndexError(`${op}(): too many indices: ${count} for a tensor of shape ${formatShape(self.shape)}`);
  return ellipses === 0 ? [...items, { kind: 'ellipsis' }] : items;
}

/** The same with the positions of masks found asynchronously. */
export async function awaitMasks(items: readonly Item[]): Promise<Item[]> {
  return Promise.all(
    items.map(async (item) =>
      item.kind === 'mask' ? { ...item, positions: await nonzeroAsync(atLeastVector(item.mask)) } : item,
    ),
  );
}

const atLeastVector = (mask: Tensor): Tensor => (mask.ndim === 0 ? reshape(mask, 1) : mask);

/** The view and the mask on it, where one mask is the only index besides integers, slices and new axes; else null. */
export function maskedPlaces(op: string, self: Tensor, items: readonly Item[]): MaskedPlaces | null {
  const place = items.findIndex((item) => item.kind === 'mask');
  const item = items[place];
  if (
    item?.kind !== 'mask' ||
    items.some((other) => other !== item && (other.kind === 'mask' || other.kind === 'tensor'))
  )
    return null;
  const whole = item.mask.shape.map((): Item => ({ kind: 'slice', slice: new Slice(null, null, null) }));
  const { view } = resolve(op, self, items.toSpliced(place, 1, ...whole));
  const behind = items.slice(place + 1).map((other) => kept(other, self, items));
  return { view, dim: view.ndim - item.mask.ndim - behind.reduce((a, b) => a + b, 0), mask: item.mask };
}

/** Dimensions of the view that an item without positions gives. */
const kept = (item: Item, self: Tensor, items: readonly Item[]): number =>
  item.kind === 'integer' ? 0 : item.kind === 'ellipsis' ? skippedBy(self, items) : 1;

/** Dimensions that the ellipsis stands for. */
const skippedBy = (self: Tensor, items: readonly Item[]): number =>
  self.ndim - items.reduce((sum, item) => sum + consumed(item), 0);

/** Applies items to `self`. */
export function resolve(op: string, self: Tensor, items: readonly Item[]): Resolved {
  const skipped = skippedBy(self, items);
  const indices: (Tensor | null)[] = [];
  let view = self;
  let source = 0;
  for (const item of items) {
    const dim = indices.length;
    if (item.kind === 'integer') view = selectOf(view, dim, wrapIndex(op, item.value, source, view.shape[dim]!));
    else if (item.kind === 'slice') {
      const { start, count, step } = item.slice.resolve(view.shape[dim]!);
      const everything = start === 0 && step === 1 && count === view.shape[dim];
      // PyTorch skips a full slice, but not where it is the only index.
      if (!everything || items.length === 2) view = sliceOf(view, dim, start, count, step);
      indices.push(null);
    } else if (item.kind === 'newAxis') {
      view = unsqueeze(view, dim);
      indices.push(null);
    } else if (item.kind === 'ellipsis') for (let i = 0; i < skipped; i++) indices.push(null);
    else if (item.kind === 'tensor') indices.push(item.index);
    else {
      if (item.mask.ndim === 0) view = unsqueeze(view, dim);
      indices.push(...maskColumns(op, item, view.shape, dim, source));
    }
    source += item.kind === 'ellipsis' ? skipped : consumed(item);
  }
  const none = indices.every((index) => index === null);
  return { view: view === self && none ? aliasOf(self) : view, indices: none ? [] : indices };
}

/** A mask as one vector of positions for each of its dimensions. */
function maskColumns(
  op: string,
  { mask, positions }: Item & { kind: 'mask' },
  shape: readonly number[],
  dim: number,
  source: number,
): Tensor[] {
  mask.shape.forEach((size, d) => {
    if (shape[dim + d] !== size) {
      throw new IndexError(
        `${op}(): a mask of shape ${formatShape(mask.shape)} does not fit dimension ${source + d} of size ${shape[dim + d]}`,
      );
    }
  });
  return untracked(() => (positions ?? positionsOfNonzero(op, atLeastVector(mask))).unbind(1));
}
