/** @file Putting tensors together: cat, stack and their relatives. These are functions only, as in PyTorch. */
import { allocateLike } from '../allocate.ts';
import { checkOptions } from '../args.ts';
import { promoteTypes } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { copyValues, intoOut } from '../inplace.ts';
import { sameDevice } from '../positions.ts';
import { record } from '../record.ts';
import { formatShape, sameShape, wrapDim } from '../shape.ts';
import { isTensor, Tensor } from '../tensor.ts';
import type { OutOption } from './make.ts';
import { reshape, unsqueeze } from './views.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface JoinOps {
  /** Sizes of the inputs along `dim`; null for one that was skipped. */
  cat: { dim: number; sizes: readonly (number | null)[] };
  stack: { dim: number };
}

export interface DimOption extends OutOption {
  dim?: number | undefined;
}

/** `dim` and `out` of arguments `(dim)`, `({ dim, out })` or `(dim, { out })`. */
function dimOptions(
  op: string,
  args: readonly (number | DimOption | OutOption | undefined)[],
): { dim: number; out: Tensor | undefined } {
  const options: DimOption = {};
  for (const arg of args) {
    if (typeof arg === 'number') options.dim = arg;
    else if (arg !== undefined) {
      checkOptions(op, arg, ['dim', 'out']);
      if (options.dim !== undefined && 'dim' in arg)
        throw new TypeError(`${op}(): argument 'dim' was given both by position and by name`);
      Object.assign(options, arg);
    }
  }
  return { dim: options.dim ?? 0, out: options.out };
}

function checkList(op: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors) || tensors.length === 0 || !tensors.every(isTensor)) {
    throw new TypeError(`${op}(): expects a list of at least one tensor`);
  }
  sameDevice(op, tensors[0]!, ...tensors);
}

/** A part of fresh memory to write to. */
function part(out: Tensor, dim: number, start: number, size: number): Tensor {
  return new Tensor(
    out.storage,
    out.dtype,
    out.shape.with(dim, size),
    out.strides,
    out.offset + start * out.strides[dim]!,
  );
}

/**
 * Tensors one after another along dimension `dim` (0). Their other sizes must agree; dtypes are promoted.
 *
 * ```ts
 * cat([tensor([[1, 2]]), tensor([[3, 4]])], 1).toArraySync(); // [[1, 2, 3, 4]]
 * ```
 * @throws ShapeError when other sizes differ, TypeError for an empty list.
 */
export function cat(tensors: readonly Tensor[], ...args: [dim?: number | DimOption, options?: OutOption]): Tensor {
  const { dim, out } = dimOptions('cat', args);
  checkList('cat', tensors);
  return intoOut('cat', out, tensors, () => joined(tensors, dim));
}

function joined(tensors: readonly Tensor[], dim: number): Tensor {
  // PyTorch skips tensors of shape [0], whatever the rank of the others.
  const skipped = (x: Tensor): boolean => x.ndim === 1 && x.shape[0] === 0;
  const lead = tensors.find((x) => !skipped(x)) ?? tensors[0]!;
  if (lead.ndim === 0) throw new ShapeError('cat(): a 0-d tensor cannot be joined; use stack()');
  const d = wrapDim('cat', dim, lead.ndim);
  let length = 0;
  const sizes = tensors.map((x, i) => {
    if (skipped(x)) return null;
    if (x.ndim !== lead.ndim || x.shape.some((n, k) => k !== d && n !== lead.shape[k])) {
      throw new ShapeError(
        `cat(): tensor ${i} of shape ${formatShape(x.shape)} does not fit shape ${formatShape(lead.shape)}: all sizes but that of dimension ${d} must agree`,
      );
    }
    length += x.shape[d]!;
    return x.shape[d]!;
  });
  const dtype = tensors.map((x) => x.dtype).reduce(promoteTypes);
  const shape = lead.shape.with(d, length);
  const out = allocateLike(lead, shape, dtype);
  let start = 0;
  tensors.forEach((x, i) => {
    const size = sizes[i];
    if (size === null || size === undefined) return;
    copyValues(part(out, d, start, size), x);
    start += size;
  });
  out.storage.version = 0;
  return record('cat', tensors, out, { dim: d, sizes });
}

/** Same as `cat`. */
export const concat = cat;
/** Same as `cat`. */
export const concatenate = cat;

/**
 * Tensors of one shape along a new dimension `dim` (0).
 *
 * ```ts
 * stack([tensor([1, 2]), tensor([3, 4])]).shape; // [2, 2]
 * ```
 */
export function stack(tensors: readonly Tensor[], ...args: [dim?: number | DimOption, options?: OutOption]): Tensor {
  const { dim, out } = dimOptions('stack', args);
  checkList('stack', tensors);
  return intoOut('stack', out, tensors, () => stacked(tensors, dim));
}

function stacked(tensors: readonly Tensor[], dim: number): Tensor {
  const lead = tensors[0]!;
  const d = wrapDim('stack', dim, lead.ndim + 1);
  tensors.forEach((x, i) => {
    if (!sameShape(x.shape, lead.shape)) {
      throw new ShapeError(
        `stack(): all tensors must have one shape, but tensor 0 has ${formatShape(lead.shape)} and tensor ${i} ${formatShape(x.shape)}`,
      );
    }
  });
  const dtype = tensors.map((x) => x.dtype).reduce(promoteTypes);
  const out = allocateLike(lead, lead.shape.toSpliced(d, 0, tensors.length), dtype);
  const strides = out.strides.toSpliced(d, 1);
  tensors.forEach((x, i) => {
    copyValues(new Tensor(out.storage, dtype, lead.shape, strides, i * out.strides[d]!), x);
  });
  out.storage.version = 0;
  return record('stack', tensors, out, { dim: d });
}

/** A list of tensors given as such or spread. */
type TensorList = readonly Tensor[] | [tensors: readonly Tensor[]];

function tensorList(op: string, args: TensorList): readonly Tensor[] {
  const list =
    args.length === 1 && Array.isArray(args[0]) ? (args[0] as readonly Tensor[]) : (args as readonly Tensor[]);
  checkList(op, list);
  return list;
}

/** One tensor for one argument, a list for several, as PyTorch's atleast functions do. */
function each(op: string, args: TensorList, f: (x: Tensor) => Tensor): Tensor | Tensor[] {
  if (args.length === 1 && isTensor(args[0])) return f(args[0]);
  return tensorList(op, args).map(f);
}

const raise1 = (x: Tensor): Tensor => (x.ndim === 0 ? reshape(x, 1) : x);
const raise2 = (x: Tensor): Tensor => (x.ndim >= 2 ? x : unsqueeze(raise1(x), 0));
const raise3 = (x: Tensor): Tensor => (x.ndim >= 3 ? x : unsqueeze(raise2(x), -1));

/** At least one dimension: a 0-d tensor becomes shape [1]. Several tensors give a list. */
export function atleast1d(tensor: Tensor): Tensor;
export function atleast1d(...tensors: TensorList): Tensor[];
export function atleast1d(...tensors: TensorList): Tensor | Tensor[] {
  return each('atleast1d', tensors, raise1);
}

/** At least two dimensions, new ones in front. */
export function atleast2d(tensor: Tensor): Tensor;
export function atleast2d(...tensors: TensorList): Tensor[];
export function atleast2d(...tensors: TensorList): Tensor | Tensor[] {
  return each('atleast2d', tensors, raise2);
}

/** At least three dimensions: [n] becomes [1, n, 1], [m, n] becomes [m, n, 1]. */
export function atleast3d(tensor: Tensor): Tensor;
export function atleast3d(...tensors: TensorList): Tensor[];
export function atleast3d(...tensors: TensorList): Tensor | Tensor[] {
  return each('atleast3d', tensors, raise3);
}

/** Side by side: `cat` along dimension 1, of vectors along dimension 0. */
export function hstack(tensors: readonly Tensor[], options: OutOption = {}): Tensor {
  checkList('hstack', tensors);
  const list = tensors.map(raise1);
  return cat(list, list[0]!.ndim === 1 ? 0 : 1, options);
}

/** One below the other: `cat` along dimension 0, vectors as rows. */
export function vstack(tensors: readonly Tensor[], options: OutOption = {}): Tensor {
  checkList('vstack', tensors);
  return cat(tensors.map(raise2), 0, options);
}
/** Same as `vstack`. */
export const rowStack = vstack;

/** In depth: `cat` along dimension 2, with at least three dimensions. */
export function dstack(tensors: readonly Tensor[], options: OutOption = {}): Tensor {
  checkList('dstack', tensors);
  return cat(tensors.map(raise3), 2, options);
}

/** Side by side like `hstack`, but vectors become columns. */
export function columnStack(tensors: readonly Tensor[], options: OutOption = {}): Tensor {
  checkList('columnStack', tensors);
  return cat(
    tensors.map((x) => (x.ndim <= 1 ? reshape(x, x.elementCount, 1) : x)),
    1,
    options,
  );
}
