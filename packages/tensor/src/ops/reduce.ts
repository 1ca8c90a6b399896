/** @file Reductions: sums, products, means, extremes, and tests of all elements. */
import { signature, type Trailing } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import { type DType, type DTypeAlias, isComplex, isDifferentiable, isFloating, toDType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { record } from '../record.ts';
import { type Dims, type Reduction, reduceDims, reduceTensors, reduction } from '../reduction.ts';
import { formatShape, sameShape, wrapDim } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import type { OutOption } from './make.ts';

/** What derivatives of reductions get: sorted dimensions, and whether all were meant because none was given. */
export interface ReduceAttributes {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly all: boolean;
}

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface ReduceOps {
  sum: ReduceAttributes;
  nansum: ReduceAttributes;
  mean: ReduceAttributes;
  prod: ReduceAttributes;
  /** An extreme value (or any other that elements may tie for): the gradient is shared evenly. `node`: PyTorch's name. */
  extreme: ReduceAttributes & { readonly node: string };
  /** Elements picked along a dimension; the second output says which. `keepdim`: whether the outputs have it. */
  pick: { readonly dim: number; readonly keepdim: boolean; readonly node: string };
}

export interface ReduceOptions extends OutOption {
  /** Dimensions to reduce over; all if left off. */
  dim?: Dims | undefined;
  /** Keeps the reduced dimensions with size 1. */
  keepdim?: boolean | undefined;
}

export interface SumOptions extends ReduceOptions {
  /** Converts before reducing; also the result's dtype. */
  dtype?: DType | DTypeAlias | undefined;
}

export interface DimOptions extends OutOption {
  /** One dimension; all elements if left off. */
  dim?: number | null | undefined;
  keepdim?: boolean | undefined;
}

export interface PickOptions {
  dim?: number | undefined;
  keepdim?: boolean | undefined;
  /** Receive values and indices. */
  out?: readonly [Tensor, Tensor] | undefined;
}

type ReduceArguments<O> = Trailing<[dim: Dims, keepdim: boolean], O>;

interface SumCall {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly all: boolean;
  readonly dtype: DType | undefined;
  readonly out: Tensor | undefined;
}

/** Makes the parser of `(dim, keepdim, { dtype, out })`. */
function sumArguments(op: string, dtype: boolean): (self: Tensor, args: readonly unknown[]) => SumCall {
  const defaults = { dim: null, keepdim: false, out: undefined, ...(dtype ? { dtype: undefined } : {}) };
  const parse = signature<Required<SumOptions>>(op, ['dim', 'keepdim'], defaults);
  return (self, args) => {
    const { dim, keepdim, dtype: asked, out } = parse(args);
    return {
      dims: reduceDims(op, dim, self.ndim),
      keepdim: keepdim ?? false,
      all: dim === null,
      dtype: asked === undefined ? undefined : toDType(asked),
      out,
    };
  };
}

/** Sums and products of bool and integers below 64 bits are int32. */
const countDType = (dtype: DType): DType => (isDifferentiable(dtype) || dtype === 'int64' ? dtype : 'int32');

function checkReal(op: string, self: Tensor): void {
  if (isComplex(self.dtype))
    throw new DTypeError(
      `${op}(): not defined for complex dtypes, got ${self.dtype}; reduce abs() or the real and imaginary parts`,
    );
}

const sumOp = reduction({ name: 'sum', kind: 'sum' });
const prodOp = reduction({ name: 'prod', kind: 'prod' });
const nansumOp = reduction({ name: 'nansum', kind: 'sum', prologue: (x) => x!.isNaN().where(0, x!) });
const meanOp = reduction({ name: 'mean', kind: 'sum', epilogue: (total, count) => total.div(count!) });

const parseSum = sumArguments('sum', true);

/** Sums over sorted dimensions, recorded. */
function sumOver(
  self: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  all: boolean,
  dtype = countDType(self.dtype),
): Tensor {
  return record('sum', [self], reduceTensors(sumOp, [self], dims, keepdim, { compute: dtype, output: dtype }), {
    dims,
    keepdim,
    all,
  });
}

/**
 * The sum over some dimensions, or over all. Integers and bools under 64 bits give int32.
 *
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]);
 * x.sum(); // tensor(10.)
 * x.sum(1, true).shape; // [2, 1]
 * x.sum({ dim: [0, 1], dtype: 'float64' });
 * ```
 * @throws IndexError for a dim out of range or given twice.
 */
export function sum(self: Tensor, ...args: ReduceArguments<SumOptions>): Tensor {
  if (state.autocasting) [self] = autocastOperands('sum', [self] as const);
  if (args.length === 0) return sumOver(self, reduceDims('sum', null, self.ndim), false, true);
  const { dims, keepdim, all, dtype, out } = parseSum(self, args);
  return intoOut('sum', out, [self], () => sumOver(self, dims, keepdim, all, dtype));
}

const parseNansum = sumArguments('nansum', true);

/** The sum with NaN counting as 0. */
export function nansum(self: Tensor, ...args: ReduceArguments<SumOptions>): Tensor {
  const { dims, keepdim, all, dtype: asked, out } = parseNansum(self, args);
  checkReal('nansum', self);
  const dtype = asked ?? countDType(self.dtype);
  const as = isFloating(self.dtype) ? self.dtype : dtype;
  return intoOut('nansum', out, [self], () =>
    record(
      'nansum',
      [self],
      reduceTensors(isFloating(self.dtype) ? nansumOp : sumOp, [self], dims, keepdim, {
        compute: dtype,
        as,
        output: dtype,
      }),
      {
        dims,
        keepdim,
        all,
      },
    ),
  );
}

const parseMean = sumArguments('mean', true);

/** @throws DTypeError unless means are defined for `dtype`. */
function checkMean(op: string, dtype: DType): void {
  if (!isDifferentiable(dtype)) {
    throw new DTypeError(
      `${op}(): needs a floating point dtype, got ${dtype}; pass { dtype: 'float32' } or convert with .to('float32')`,
    );
  }
}

const countOf = (shape: readonly number[], dims: readonly number[]): number => dims.reduce((n, d) => n * shape[d]!, 1);

/**
 * The mean over some dimensions, or over all. NaN for no elements.
 * @throws DTypeError for integers and bools unless `dtype` is a floating one.
 */
export function mean(self: Tensor, ...args: ReduceArguments<SumOptions>): Tensor {
  const { dims, keepdim, all, dtype: asked, out } = parseMean(self, args);
  const dtype = asked ?? self.dtype;
  checkMean('mean', dtype);
  return intoOut('mean', out, [self], () =>
    record(
      'mean',
      [self],
      reduceTensors(meanOp, [self], dims, keepdim, { compute: dtype, output: dtype }, [countOf(self.shape, dims)]),
      {
        dims,
        keepdim,
        all,
      },
    ),
  );
}

const parseNanmean = sumArguments('nanmean', true);

/** The mean of the elements that are not NaN. */
export function nanmean(self: Tensor, ...args: ReduceArguments<SumOptions>): Tensor {
  const { dims, keepdim, dtype, out } = parseNanmean(self, args);
  if (!isFloating(self.dtype))
    throw new DTypeError(`nanmean(): needs a floating point tensor, got ${self.dtype}; convert with .to('float32')`);
  return intoOut('nanmean', out, [self], () => {
    const count = self.isnan().logicalNot().sum(dims, keepdim);
    return self.nansum(dims, keepdim, { dtype }).div(count);
  });
}

const parseProd = signature<{
  dim: number | null;
  keepdim: boolean;
  dtype: DType | undefined;
  out: Tensor | undefined;
}>('prod', ['dim', 'keepdim'], {
  dim: null,
  keepdim: false,
  dtype: undefined,
  out: undefined,
});

/**
 * The product along one dimension, or of all elements.
 *
 * ```ts
 * tensor([[1, 2], [3, 4]]).prod(1); // tensor([ 2., 12.])
 * ```
 */
export function prod(
  self: Tensor,
  ...args: Trailing<[dim: number | null, keepdim: boolean], DimOptions & Pick<SumOptions, 'dtype'>>
): Tensor {
  if (state.autocasting) [self] = autocastOperands('prod', [self] as const);
  const { dim, keepdim, dtype: asked, out } = parseProd(args);
  const dims = reduceDims('prod', dim === null ? null : wrapDim('prod', dim, self.ndim), self.ndim);
  const dtype = asked === undefined ? countDType(self.dtype) : toDType(asked);
  return intoOut('prod', out, [self], () =>
    record('prod', [self], reduceTensors(prodOp, [self], dims, keepdim, { compute: dtype, output: dtype }), {
      dims,
      keepdim,
      all: dim === null,
    }),
  );
}

/**
 * Sums broadcast dimensions away, so that the result has `shape`, which must broadcast to the tensor's. The tensor
 * itself when it has that shape already. What gradients of broadcast operands go through.
 *
 * ```ts
 * ones(2, 3).sumToSize([3]); // tensor([2., 2., 2.])
 * ```
 * @throws ShapeError when `shape` does not broadcast to the tensor's.
 */
export function sumToSize(self: Tensor, ...args: number[] | [shape: readonly number[]]): Tensor {
  const shape = (typeof args[0] === 'object' ? args[0] : args) as readonly number[];
  if (sameShape(shape, self.shape)) return self;
  const lead = self.ndim - shape.length;
  const dims: number[] = [];
  for (let d = 0; d < self.ndim; d++) {
    const [size, target] = [self.shape[d]!, d < lead ? 1 : shape[d - lead]!];
    if (d >= lead && size !== target && target !== 1) throw notBroadcastable(self, shape);
    if (d < lead || (target === 1 && size !== 1)) dims.push(d);
  }
  if (lead < 0) throw notBroadcastable(self, shape);
  const summed = dims.length === 0 ? self : sumOver(self, dims, true, false);
  return lead === 0 ? summed : summed.reshape([...shape]);
}

function notBroadcastable(self: Tensor, shape: readonly number[]): ShapeError {
  return new ShapeError(
    `sumToSize(): shape ${formatShape(shape)} does not broadcast to this tensor's ${formatShape(self.shape)}`,
  );
}

const anyOp = reduction({ name: 'any', kind: 'any' });
const allOp = reduction({ name: 'all', kind: 'all' });

function test(
  op: Reduction,
): (self: Tensor, ...args: Trailing<[dim: number | null, keepdim: boolean], DimOptions>) => Tensor {
  const parse = sumArguments(op.name, false);
  return (self, ...args) => {
    const { dims, keepdim, out } = parse(self, args);
    // PyTorch: uint8 answers in uint8.
    const output = self.dtype === 'uint8' ? 'uint8' : 'bool';
    return intoOut(op.name, out, [self], () => reduceTensors(op, [self], dims, keepdim, { compute: 'bool', output }));
  };
}

/** Whether any element (along a dimension) is nonzero. NaN counts as nonzero. bool, or uint8 for uint8. */
export const any: (self: Tensor, ...args: Trailing<[dim: number | null, keepdim: boolean], DimOptions>) => Tensor =
  test(anyOp);

/** Whether all elements (along a dimension) are nonzero; true for no elements. */
export const all: (self: Tensor, ...args: Trailing<[dim: number | null, keepdim: boolean], DimOptions>) => Tensor =
  test(allOp);

const countOp = reduction({ name: 'countNonzero', kind: 'sum', prologue: (x) => x!.toBool().toReal() });
const parseCount = signature<{ dim: Dims }>('countNonzero', ['dim'], { dim: null });

/** How many elements are not 0 (int32). */
export function countNonzero(self: Tensor, ...args: Trailing<[dim: Dims], { dim?: Dims | undefined }>): Tensor {
  const dims = reduceDims('countNonzero', parseCount(args).dim, self.ndim);
  return reduceTensors(countOp, [self], dims, false, { compute: 'int32', as: self.dtype, output: 'int32' });
}
