/** @file Arithmetic on shapes, strides and dimensions. */
import { IndexError, ShapeError } from './errors.ts';

export type Shape = readonly number[];

/** Number of elements of a shape; 1 for a 0-d shape. */
export function numelOf(shape: Shape): number {
  let n = 1;
  for (let i = 0; i < shape.length; i++) n *= shape[i]!;
  return n;
}

/** Strides, in elements, of a row-major layout. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= Math.max(shape[i]!, 1);
  }
  return strides;
}

/** Whether elements lie row-major without gaps; strides of size-1 dimensions do not matter. */
export function isContiguous(shape: Shape, strides: Shape): boolean {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i]!;
    if (size === 0) return true;
    if (size === 1) continue;
    if (strides[i] !== step) return numelOf(shape) === 0;
    step *= size;
  }
  return true;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A shape as error messages print it. */
export const formatShape = (shape: Shape): string => `[${shape.join(', ')}]`;

/** A dimension in 0..ndim-1 from one that may count from the end. 0-d tensors take -1 and 0, as in PyTorch. */
export function wrapDim(op: string, dim: number, ndim: number): number {
  const limit = Math.max(ndim, 1);
  if (!Number.isInteger(dim)) throw new TypeError(`${op}(): dim must be an integer, got ${String(dim)}`);
  if (dim < -limit || dim >= limit) {
    throw new IndexError(
      `${op}(): dim ${dim} is out of range for a ${ndim}-d tensor (expected ${-limit} to ${limit - 1})`,
    );
  }
  return dim < 0 ? dim + limit : dim;
}

/** Sorted, distinct dimensions from `null` (all), a number or a list. @throws IndexError for a repeated one. */
export function wrapDims(op: string, dim: number | readonly number[] | null | undefined, ndim: number): number[] {
  if (dim === null || dim === undefined) {
    const all: number[] = [];
    for (let i = 0; i < ndim; i++) all.push(i);
    return all;
  }
  const dims = (typeof dim === 'number' ? [dim] : dim).map((d) => wrapDim(op, d, ndim));
  if (new Set(dims).size !== dims.length) throw new IndexError(`${op}(): a dim appears twice in [${dims.join(', ')}]`);
  return ndim === 0 ? [] : dims.sort((a, b) => a - b);
}

/** The shape that both broadcast to. @throws ShapeError naming the op and both shapes. */
export function broadcastShapes(op: string, a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const ndim = Math.max(a.length, b.length);
  const out = new Array<number>(ndim);
  for (let i = 1; i <= ndim; i++) {
    const x = i <= a.length ? a[a.length - i]! : 1;
    const y = i <= b.length ? b[b.length - i]! : 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new ShapeError(
        `${op}(): shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: sizes ${x} and ${y} at dimension -${i} differ and neither is 1`,
      );
    }
    out[ndim - i] = x === 1 ? y : x;
  }
  return out;
}

/** Strides that read a tensor of `shape` as if it had the larger shape `target` (0 where it repeats). */
export function broadcastStrides(shape: Shape, strides: Shape, target: Shape): number[] {
  const lead = target.length - shape.length;
  const out: number[] = [];
  for (let i = 0; i < lead; i++) out.push(0);
  for (let i = 0; i < shape.length; i++) out.push(shape[i] === 1 && target[lead + i] !== 1 ? 0 : strides[i]!);
  return out;
}

/** Replaces one -1 in a shape by the size that makes `numel` elements. @throws ShapeError when none does. */
export function inferSize(op: string, shape: Shape, numel: number): number[] {
  const out = [...shape];
  let hole = -1;
  let product = 1;
  for (let i = 0; i < out.length; i++) {
    const size = out[i]!;
    if (size === -1) {
      if (hole >= 0) throw new ShapeError(`${op}(): only one size can be -1, got ${formatShape(shape)}`);
      hole = i;
    } else if (size < 0 || !Number.isInteger(size)) {
      throw new ShapeError(`${op}(): invalid size ${size} in ${formatShape(shape)}`);
    } else product *= size;
  }
  if (hole >= 0 && product > 0 && numel % product === 0) out[hole] = numel / product;
  else if (hole >= 0 && product === 0 && numel === 0) {
    throw new ShapeError(`${op}(): the size -1 in ${formatShape(shape)} is ambiguous for a tensor without elements`);
  } else if (hole >= 0 || product !== numel) {
    throw new ShapeError(`${op}(): shape ${formatShape(shape)} does not fit ${numel} elements`);
  }
  return out;
}
