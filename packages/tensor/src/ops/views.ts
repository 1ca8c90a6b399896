/** @file Views: other shapes over the same memory. Nothing is copied, and writing to a view writes to its source. */
import { type IntegerList, integerList, signature, type Trailing } from '../args.ts';
import { type DType, type DTypeAlias, dtypeInfo, isDifferentiable, type TypedArray, toDType } from '../dtype.ts';
import { IndexError, ShapeError } from '../errors.ts';
import { wrapIndex } from '../positions.ts';
import { readLater, readNow } from '../read-now.ts';
import { record } from '../record.ts';
import { broadcastStrides, contiguousStrides, formatShape, inferSize, sameShape, wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { selectOf, sliceOf, viewOf } from '../view.ts';
import { clone } from './copy.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface ViewOps {
  view: { node: string };
  expand: object;
  transpose: { dim0: number; dim1: number };
  t: object;
  permute: { dims: readonly number[] };
  squeeze: { dims: readonly number[]; given: 'none' | 'one' | 'several' };
  unsqueeze: { dim: number };
}

/**
 * The strides under which memory of `shape` and `strides` shows the same row-major sequence as `target`, or null when
 * no strides do. Dimensions that lie gapless in one another form blocks; every target dimension must fit in one block.
 */
function stridesForView(
  shape: readonly number[],
  strides: readonly number[],
  target: readonly number[],
): number[] | null {
  if (shape.includes(0)) return sameShape(shape, target) ? [...strides] : contiguousStrides(target);
  const out = new Array<number>(target.length);
  let place = target.length - 1;
  let blockSize = 1;
  let blockStride = strides[strides.length - 1] ?? 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    blockSize *= shape[d]!;
    const blockEnds = d === 0 || (shape[d - 1] !== 1 && strides[d - 1] !== blockSize * blockStride);
    if (!blockEnds) continue;
    let filled = 1;
    while (place >= 0 && (filled < blockSize || target[place] === 1)) {
      out[place] = filled * blockStride;
      filled *= target[place]!;
      place--;
    }
    if (filled !== blockSize) return null;
    if (d > 0) [blockSize, blockStride] = [1, strides[d - 1]!];
  }
  return out;
}

/** The view of another shape, or null where only a copy has it. `node` is PyTorch's name for it. */
function reshaped(op: string, self: Tensor, target: readonly number[], node: string): Tensor | null {
  const shape = inferSize(op, target, self.elementCount);
  const strides = self.isContiguous() ? contiguousStrides(shape) : stridesForView(self.shape, self.strides, shape);
  return strides === null ? null : record('view', [self], viewOf(self, shape, strides, self.offset), { node });
}

/**
 * The same elements under another shape; one size may be -1. With a dtype, the same bytes as elements of that dtype:
 * the last dimension grows or shrinks when the byte sizes differ.
 *
 * ```ts
 * arange(6).view(2, -1).shape; // [2, 3]
 * tensor([1, 2]).view('int32').toArraySync(); // [1065353216, 1073741824]
 * ```
 * @throws ShapeError when the sizes do not fit the number of elements, or when the memory order would need a copy: use reshape().
 */
export function view(self: Tensor, ...shape: IntegerList | [dtype: DType | DTypeAlias]): Tensor {
  if (typeof shape[0] === 'string') return viewBytes(self, toDType(shape[0]));
  const target = integerList('view', shape);
  const out = reshaped('view', self, target, 'ViewBackward0');
  if (out === null) {
    throw new ShapeError(
      `view(): shape ${formatShape(target)} does not fit the memory order of shape ${formatShape(self.shape)} with strides ${formatShape(self.strides)}; use reshape()`,
    );
  }
  return out;
}

/** The same bytes as elements of another dtype. It takes no part in gradients. */
function viewBytes(self: Tensor, dtype: DType): Tensor {
  const [from, to] = [dtypeInfo(self.dtype).bytes, dtypeInfo(dtype).bytes];
  if (dtype === self.dtype)
    return record('view', [self], viewOf(self, self.shape, self.strides, self.offset), { node: 'ViewBackward0' });
  if (from === to) return viewOf(self, self.shape, self.strides, self.offset, dtype);
  const last = self.ndim - 1;
  if (last < 0 || self.strides[last] !== 1) {
    throw new ShapeError(
      `view('${dtype}'): ${self.dtype} elements have another size, so the last dimension must be gapless; use contiguous()`,
    );
  }
  const scale = (count: number, what: string): number => {
    if ((count * from) % to !== 0)
      throw new ShapeError(
        `view('${dtype}'): ${what} ${count} of ${self.dtype} elements makes no whole number of ${dtype} elements`,
      );
    return (count * from) / to;
  };
  const shape = self.shape.with(last, scale(self.shape[last]!, 'a last dimension of size'));
  const strides = self.strides.map((stride, d) => (d === last ? 1 : scale(stride, 'a stride')));
  return viewOf(self, shape, strides, scale(self.offset, 'an offset'), dtype);
}

/** Like `view`, but copies when it must. */
export function reshape(self: Tensor, ...shape: IntegerList): Tensor {
  const target = integerList('reshape', shape);
  return (
    reshaped('reshape', self, target, 'ReshapeAliasBackward0') ??
    reshaped('reshape', clone(self), target, 'UnsafeViewBackward0')!
  );
}

/**
 * Dimensions of size 1 repeated to a larger size without copying; -1 keeps a size. New dimensions come in front.
 *
 * ```ts
 * tensor([[1], [2]]).expand(2, 3).shape; // [2, 3]
 * ```
 * @throws ShapeError for a dimension of another size than 1.
 */
export function expand(self: Tensor, ...shape: IntegerList): Tensor {
  const target = integerList('expand', shape);
  const lead = target.length - self.shape.length;
  if (lead < 0)
    throw new ShapeError(
      `expand(): shape ${formatShape(target)} has fewer dimensions than the tensor's ${formatShape(self.shape)}`,
    );
  for (let i = 0; i < target.length; i++) {
    const size = i < lead ? undefined : self.shape[i - lead]!;
    if (target[i] === -1 && size !== undefined) target[i] = size;
    else if (target[i]! < 0 || (size !== undefined && size !== 1 && size !== target[i])) {
      throw new ShapeError(
        `expand(): shape ${formatShape(self.shape)} does not expand to ${formatShape(target)}: only size 1 repeats, and -1 keeps an existing size`,
      );
    }
  }
  return record(
    'expand',
    [self],
    viewOf(self, target, broadcastStrides(self.shape, self.strides, target), self.offset),
    {},
  );
}

/** Two dimensions swapped. */
export function transpose(self: Tensor, dim0: number, dim1: number): Tensor {
  const a = wrapDim('transpose', dim0, self.ndim);
  const b = wrapDim('transpose', dim1, self.ndim);
  const [shape, strides] = swapped(self, a, b);
  return record('transpose', [self], viewOf(self, shape, strides, self.offset), { dim0: a, dim1: b });
}

function swapped(self: Tensor, a: number, b: number): [shape: number[], strides: number[]] {
  const [shape, strides] = [[...self.shape], [...self.strides]];
  if (shape.length > 0) {
    [shape[a], shape[b]] = [shape[b]!, shape[a]!];
    [strides[a], strides[b]] = [strides[b]!, strides[a]!];
  }
  return [shape, strides];
}

/** A matrix transposed; tensors of fewer than two dimensions as they are. @throws ShapeError for more than two. */
export function t(self: Tensor): Tensor {
  if (self.ndim > 2)
    throw new ShapeError(
      `t(): expects at most 2 dimensions, got shape ${formatShape(self.shape)}; use transpose(dim0, dim1) or mT`,
    );
  const [shape, strides] = self.ndim < 2 ? [self.shape, self.strides] : swapped(self, 0, 1);
  return record('t', [self], viewOf(self, shape, strides, self.offset), {});
}

/**
 * The dimensions in another order.
 *
 * ```ts
 * zeros(2, 3, 4).permute(2, 0, 1).shape; // [4, 2, 3]
 * ```
 */
export function permute(self: Tensor, ...dims: IntegerList): Tensor {
  const list = integerList('permute', dims);
  const order = list.map((dim) => wrapDim('permute', dim, self.ndim));
  if (order.length !== self.ndim || new Set(order).size !== order.length) {
    throw new ShapeError(`permute(): [${list.join(', ')}] does not name each of the ${self.ndim} dimensions once`);
  }
  const out = viewOf(
    self,
    order.map((d) => self.shape[d]!),
    order.map((d) => self.strides[d]!),
    self.offset,
  );
  return record('permute', [self], out, { dims: order });
}

/** Dimensions of size 1 dropped: all of them, or those among `dim`. */
export function squeeze(
  self: Tensor,
  ...args: Trailing<[dim: number | readonly number[]], { dim?: number | readonly number[] }>
): Tensor {
  const { dim } = squeezeArguments(args);
  const given = dim === null ? 'none' : typeof dim === 'number' ? 'one' : 'several';
  const candidates =
    dim === null
      ? self.shape.map((_, i) => i)
      : (typeof dim === 'number' ? [dim] : dim).map((d) => wrapDim('squeeze', d, self.ndim));
  if (new Set(candidates).size !== candidates.length)
    throw new IndexError(`squeeze(): a dim appears twice in [${candidates.join(', ')}]`);
  const dims = candidates.filter((d) => self.shape[d] === 1).sort((a, b) => a - b);
  const keep = <T>(list: readonly T[]): T[] => list.filter((_, i) => !dims.includes(i));
  return record('squeeze', [self], viewOf(self, keep(self.shape), keep(self.strides), self.offset), { dims, given });
}

const squeezeArguments = signature<{ dim: number | readonly number[] | null }>('squeeze', ['dim'], { dim: null });

/** A new dimension of size 1 before `dim`; negative ones count from the end of the result. */
export function unsqueeze(self: Tensor, dim: number): Tensor {
  const d = wrapDim('unsqueeze', dim, self.ndim + 1);
  const stride = d < self.ndim ? self.shape[d]! * self.strides[d]! : 1;
  const out = viewOf(self, self.shape.toSpliced(d, 0, 1), self.strides.toSpliced(d, 0, stride), self.offset);
  return record('unsqueeze', [self], out, { dim: d });
}

/** The slice at one position of a dimension, which disappears. @throws IndexError when out of range. */
export function select(self: Tensor, dim: number, index: number): Tensor {
  if (self.ndim === 0) throw new IndexError('select(): a 0-d tensor has no dimension to select from');
  const d = wrapDim('select', dim, self.ndim);
  return selectOf(self, d, wrapIndex('select', index, d, self.shape[d]!));
}

/**
 * `length` positions of a dimension from `start` on, which may count from the end.
 *
 * ```ts
 * arange(5).narrow(0, 1, 3); // tensor([1, 2, 3], dtype=torch.int32)
 * ```
 */
export function narrow(self: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
  if (self.ndim === 0) throw new ShapeError('narrow(): cannot be applied to a 0-d tensor');
  const d = wrapDim('narrow', dim, self.ndim);
  const size = self.shape[d]!;
  const first = typeof start === 'number' ? start : startOf(start, readNow('narrow', start));
  if (!Number.isInteger(first) || !Number.isInteger(length))
    throw new TypeError(`narrow(): start and length must be integers, got ${first} and ${String(length)}`);
  if (length < 0) throw new RangeError(`narrow(): length must not be negative, got ${length}`);
  if (first < -size || first > size)
    throw new IndexError(`narrow(): start ${first} is out of range for dimension ${d} of size ${size}`);
  const begin = first < 0 ? first + size : first;
  if (begin + length > size)
    throw new IndexError(`narrow(): start ${begin} + length ${length} exceeds dimension ${d} of size ${size}`);
  return sliceOf(self, d, begin, length, 1);
}

/** `narrow(dim, start, length)` on every device: a `start` that is a tensor is read asynchronously. */
export async function narrowAsync(self: Tensor, dim: number, start: number | Tensor, length: number): Promise<Tensor> {
  return narrow(self, dim, typeof start === 'number' ? start : startOf(start, await readLater(start)), length);
}

/** The one integer in a tensor that says where to start. */
function startOf({ shape, dtype, elementCount }: Tensor, values: TypedArray): number {
  if (elementCount !== 1 || isDifferentiable(dtype) || dtype === 'bool')
    throw new ShapeError(
      `narrow(): start must be a number or a tensor of one integer, got ${dtype} ${formatShape(shape)}`,
    );
  return Number(values[0]);
}
