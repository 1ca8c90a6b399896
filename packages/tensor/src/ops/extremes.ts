/** @file Extreme values: max, min, amax, amin, aminmax, argmax, argmin. */
import { signature, type Trailing } from '../args.ts';
import { isComplex } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { type Named, named, type ValuesIndices, valuesIndices } from '../named.ts';
import { record } from '../record.ts';
import { checkReducible, type Dims, type Reduction, reduceDims, reduceTensors, reduction } from '../reduction.ts';
import { wrapDim } from '../shape.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { maximum, minimum } from './clamp.ts';
import type { OutOption } from './make.ts';
import type { DimOptions, PickOptions, ReduceOptions } from './reduce.ts';

interface Extreme {
  readonly value: Reduction;
  readonly position: Reduction;
}

const greatest: Extreme = {
  value: reduction({ name: 'amax', kind: 'max' }),
  position: reduction({ name: 'argmax', kind: 'argmax' }),
};
const least: Extreme = {
  value: reduction({ name: 'amin', kind: 'min' }),
  position: reduction({ name: 'argmin', kind: 'argmin' }),
};

function checkOrdered(op: string, self: Tensor): void {
  if (isComplex(self.dtype)) throw new DTypeError(`${op}(): complex numbers (${self.dtype}) have no order; use abs()`);
}

function extremeOver(
  op: string,
  which: Extreme,
  self: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  node: string,
  all = false,
): Tensor {
  checkOrdered(op, self);
  checkReducible(op, self, dims);
  const values = reduceTensors(which.value, [self], dims, keepdim, { compute: self.dtype, output: self.dtype });
  return record('extreme', [self], values, { dims, keepdim, all, node });
}

function positionsOver(op: string, which: Extreme, self: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  checkOrdered(op, self);
  checkReducible(op, self, dims);
  return reduceTensors(which.position, [self], dims, keepdim, { compute: self.dtype, output: 'int32' });
}

/** Extremes along one dimension with their positions. */
function pickExtreme(
  op: string,
  which: Extreme,
  self: Tensor,
  dim: number,
  keepdim: boolean,
  node: string,
): [Tensor, Tensor] {
  checkOrdered(op, self);
  const dims = reduceDims(op, wrapDim(op, dim, self.ndim), self.ndim);
  checkReducible(op, self, dims);
  const values = reduceTensors(which.value, [self], dims, keepdim, { compute: self.dtype, output: self.dtype });
  const indices = positionsOver(op, which, self, dims, keepdim);
  record('pick', [self], [values, indices], { dim: dims[0] ?? 0, keepdim, node });
  return [values, indices];
}

const parsePick = (op: string): ((args: readonly unknown[]) => Required<PickOptions>) =>
  signature<Required<PickOptions>>(op, ['dim', 'keepdim'], { keepdim: false, out: undefined });

/** `max` and `min`: of all elements, along a dimension, or of two tensors. As a method without `self`. */
export interface ExtremeFunction {
  (self: Tensor): Tensor;
  (self: Tensor, other: Tensor, options?: OutOption): Tensor;
  (self: Tensor, dim: number, keepdim?: boolean, options?: PickOptions): ValuesIndices;
  (self: Tensor, dim: number, options: PickOptions): ValuesIndices;
  (self: Tensor, options: PickOptions & { dim: number }): ValuesIndices;
  /** The method's type; there is no such property at run time. */
  readonly methodType: {
    (): Tensor;
    (other: Tensor, options?: OutOption): Tensor;
    (dim: number, keepdim?: boolean, options?: PickOptions): ValuesIndices;
    (dim: number, options: PickOptions): ValuesIndices;
    (options: PickOptions & { dim: number }): ValuesIndices;
  };
}

function extremeFunction(op: 'max' | 'min', which: Extreme): ExtremeFunction {
  const parse = parsePick(op);
  const node = op === 'max' ? 'MaxBackward' : 'MinBackward';
  const f = (self: Tensor, ...args: readonly unknown[]): Tensor | ValuesIndices => {
    if (!isTensor(self)) throw new TypeError(`${op}(): the first argument must be a tensor, got ${typeof self}`);
    if (args.length === 0)
      return extremeOver(op, which, self, reduceDims(op, null, self.ndim), false, `${node}1`, true);
    const [other, options] = args;
    if (isTensor(other)) return (op === 'max' ? maximum : minimum)(self, other, options as OutOption);
    const { dim, keepdim, out } = parse(args);
    const [values, indices] = pickExtreme(op, which, self, dim as number, keepdim ?? false, `${node}0`);
    return valuesIndices(op, self, [values, indices], out);
  };
  return f as unknown as ExtremeFunction;
}

/**
 * The greatest of all elements; with a dimension the greatest along it and their positions (of the first one where
 * several are equal); with another tensor the elementwise maximum. NaN counts as greatest.
 *
 * ```ts
 * const x = tensor([[1, 5], [7, 3]]);
 * x.max(); // tensor(7.)
 * const [values, indices] = x.max(1); // tensor([5., 7.]), tensor([1, 0], dtype=torch.int32)
 * x.max(tensor([2, 4])); // tensor([[2., 5.], [7., 4.]])
 * ```
 * @throws IndexError for a dimension without elements.
 */
export const max: ExtremeFunction = extremeFunction('max', greatest);

/** The least of all elements, along a dimension, or of two tensors: see {@link max}. NaN wins too. */
export const min: ExtremeFunction = extremeFunction('min', least);

type OverDims = (self: Tensor, ...args: Trailing<[dim: Dims, keepdim: boolean], ReduceOptions>) => Tensor;

function overDims(op: string, which: Extreme, node: string): OverDims {
  const parse = signature<Required<ReduceOptions>>(op, ['dim', 'keepdim'], {
    dim: null,
    keepdim: false,
    out: undefined,
  });
  return (self, ...args) => {
    const { dim, keepdim, out } = parse(args);
    const dims = reduceDims(op, dim, self.ndim);
    return intoOut(op, out, [self], () => extremeOver(op, which, self, dims, keepdim ?? false, node));
  };
}

/** The greatest elements over some dimensions, or of all. Equal ones share the gradient evenly. */
export const amax: OverDims = overDims('amax', greatest, 'AmaxBackward0');

/** The least elements over some dimensions, or of all. Equal ones share the gradient evenly. */
export const amin: OverDims = overDims('amin', least, 'AminBackward0');

const parseAminmax = signature<{ dim: number | null; keepdim: boolean; out: readonly [Tensor, Tensor] | undefined }>(
  'aminmax',
  [],
  {
    dim: null,
    keepdim: false,
    out: undefined,
  },
);

/** The least and the greatest elements along one dimension, or of all: `{ min, max }`, also an array. */
export function aminmax(
  self: Tensor,
  options: {
    dim?: number | null | undefined;
    keepdim?: boolean | undefined;
    out?: readonly [Tensor, Tensor] | undefined;
  } = {},
): Named<readonly ['min', 'max'], Tensor> {
  const { dim, keepdim, out } = parseAminmax([options]);
  const dims = reduceDims('aminmax', dim === null ? null : wrapDim('aminmax', dim, self.ndim), self.ndim);
  const results = [least, greatest].map((which, i) =>
    intoOut('aminmax', out?.[i], [self], () => {
      const extreme = extremeOver('aminmax', which, self, dims, keepdim, 'AminmaxBackward0');
      // PyTorch: keeping "the dimension" of a 0-d tensor gives it one.
      return self.ndim === 0 && dim !== null && keepdim ? extreme.unsqueeze(0) : extreme;
    }),
  );
  return named(['min', 'max'], results, 'aminmax');
}

type Position = (self: Tensor, ...args: Trailing<[dim: number | null, keepdim: boolean], DimOptions>) => Tensor;

function position(op: string, which: Extreme): Position {
  const parse = signature<Required<DimOptions>>(op, ['dim', 'keepdim'], { dim: null, keepdim: false, out: undefined });
  return (self, ...args) => {
    const { dim, keepdim, out } = parse(args);
    const dims = reduceDims(op, typeof dim === 'number' ? wrapDim(op, dim, self.ndim) : null, self.ndim);
    return intoOut(op, out, [self], () => positionsOver(op, which, self, dims, keepdim ?? false));
  };
}

/**
 * The position (int32) of the greatest element along a dimension; without one its position in the flattened tensor.
 * The first where several are equal; NaN counts as greatest.
 *
 * ```ts
 * tensor([[1, 5], [7, 3]]).argmax(1); // tensor([1, 0], dtype=torch.int32)
 * ```
 * @throws IndexError for no elements.
 */
export const argmax: Position = position('argmax', greatest);

/** The position of the least element: see {@link argmax}. */
export const argmin: Position = position('argmin', least);
