/** @file Spread, norms and quantiles: var, std, norm, logsumexp, quantile. */
import { signature, type Trailing } from '../args.ts';
import { autocastOperands, withAutocast } from '../autocast.ts';
import { tensor } from '../creation.ts';
import { type DType, toDType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { matrixNormOf } from '../linalg/matrix-norms.ts';
import { untracked } from '../modes.ts';
import { type Norm, normOver } from '../norm.ts';
import { toFloating } from '../promotion.ts';
import { record } from '../record.ts';
import { type Dims, reduceDims, reduceTensors, reduction } from '../reduction.ts';
import { wrapDim } from '../shape.ts';
import { spreadArguments, spreadOf, type VarArguments } from '../spread.ts';
import { state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { where as choose } from '../where.ts';
import type { OutOption } from './make.ts';
import type { ReduceAttributes, ReduceOptions, SumOptions } from './reduce.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface StatisticsOps {
  var: ReduceAttributes & { readonly correction: number };
  std: ReduceAttributes & { readonly correction: number };
  norm: ReduceAttributes & { readonly p: number; readonly node: string };
  logsumexp: ReduceAttributes;
}

const varArguments = spreadArguments('var');
const stdArguments = spreadArguments('std');

/**
 * The variance over some dimensions or all: Σ (x − mean)² / (n − correction), with correction 1 unless given.
 * `x.var()` as a method; the function is exported as `variance` and `var`.
 *
 * ```ts
 * tensor([1, 2, 3]).var(); // tensor(1.)
 * x.var(0, { unbiased: false });
 * x.var({ dim: 0, correction: 2, keepdim: true });
 * ```
 * @throws DTypeError for integers.
 */
function variance(self: Tensor, ...args: VarArguments): Tensor {
  return spreadOf('var', self, varArguments(self, args));
}

export { variance as var };

/** The standard deviation over some dimensions or all: the root of {@link variance}. */
export function std(self: Tensor, ...args: VarArguments): Tensor {
  return spreadOf('std', self, stdArguments(self, args));
}

export interface NormOptions extends SumOptions {
  /** A number, ±Infinity, 'fro' for 2, or 'nuc' for the sum of a matrix's singular values. */
  p?: number | string | undefined;
}

const parseNorm = signature<{
  p: number | string;
  dim: Dims;
  keepdim: boolean;
  dtype: DType | undefined;
  out: Tensor | undefined;
}>('norm', ['p', 'dim', 'keepdim'], { p: 'fro', dim: null, keepdim: false, dtype: undefined, out: undefined });

/**
 * (Σ |x|^p)^(1/p) over some dimensions or all; the greatest |x| for p = Infinity, the least for -Infinity, the number
 * of nonzero elements for 0.
 *
 * ```ts
 * tensor([3, -4]).norm(); // tensor(5.)
 * tensor([3, -4]).norm(1); // tensor(7.)
 * ```
 * @throws DTypeError for integers, RangeError for an unknown kind of norm.
 */
export function norm(
  self: Tensor,
  ...args: Trailing<[p: number | string, dim: Dims, keepdim: boolean], NormOptions>
): Tensor {
  if (state.autocasting) return withAutocast('norm', norm, self, ...args);
  const { p, dim, keepdim, dtype: asked, out } = parseNorm(args);
  if (p === 'nuc') {
    const dims = typeof dim === 'number' ? [dim] : (dim ?? self.shape.map((_, d) => d));
    const x = asked === undefined ? self : self.to(toDType(asked));
    return intoOut('norm', out, [self], () => matrixNormOf('norm', x, 'nuc', dims, keepdim));
  }
  if (typeof p !== 'number' && p !== 'fro')
    throw new RangeError(`norm(): p must be a number, 'fro' or 'nuc', got ${JSON.stringify(p)}`);
  const call: Norm = {
    op: 'norm',
    node: dim === null && p === 'fro' ? 'NormBackward0' : 'NormBackward1',
    p: p === 'fro' ? 2 : p,
    dims: reduceDims('norm', dim, self.ndim),
    keepdim,
    all: dim === null,
    dtype: asked === undefined ? undefined : toDType(asked),
  };
  return intoOut('norm', out, [self], () => normOver(self, call));
}

const shiftedPowers = reduction({
  name: 'logsumexp',
  kind: 'sum',
  prologue: (x, shift) => x!.sub(shift!).exp(),
  epilogue: (total) => total.log(),
});
const parseLogsumexp = signature<{ dim: Dims; keepdim: boolean; out: Tensor | undefined }>(
  'logsumexp',
  ['dim', 'keepdim'],
  { keepdim: false, out: undefined },
);

/**
 * log Σ exp(x) over some dimensions, without overflow. Integers give the default floating dtype.
 *
 * ```ts
 * tensor([1000, 1000]).logsumexp(0); // tensor(1000.6931)
 * ```
 */
export function logsumexp(
  self: Tensor,
  dim: number | readonly number[],
  ...args: Trailing<[keepdim: boolean], Omit<ReduceOptions, 'dim'>>
): Tensor {
  if (state.autocasting) return withAutocast('logsumexp', logsumexp, self, dim, ...args);
  const { keepdim, out } = parseLogsumexp([dim, ...args]);
  const x = self.to(toFloating(self.dtype));
  const dims = reduceDims('logsumexp', dim, self.ndim);
  return intoOut('logsumexp', out, [self], () => {
    const result = untracked(() => logsumexpOf(x, dims, keepdim));
    return record('logsumexp', [x], result, { dims, keepdim, all: false });
  });
}

function logsumexpOf(x: Tensor, dims: readonly number[], keepdim: boolean): Tensor {
  const dtypes = { compute: x.dtype, output: x.dtype };
  if (dims.some((d) => x.shape[d] === 0)) return x.exp().sum(dims, keepdim).log();
  const greatest = x.amax(dims, true);
  // Nothing is subtracted from rows whose greatest element is infinite: inf − inf would be NaN.
  const shift = greatest.maskedFill(greatest.abs().eq(Number.POSITIVE_INFINITY), 0);
  const sums = reduceTensors(shiftedPowers, [x, shift], dims, true, dtypes).add_(shift);
  return keepdim ? sums : sums.view(x.shape.filter((_, d) => !dims.includes(d)));
}

export type Interpolation = 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest';

export interface QuantileOptions extends OutOption {
  /** Default: of all elements. */
  dim?: number | null | undefined;
  keepdim?: boolean | undefined;
  /** What is taken between two elements. Default 'linear'. */
  interpolation?: Interpolation | undefined;
}

type QuantileArguments = Trailing<[dim: number | null, keepdim: boolean], QuantileOptions>;
type QuantileFunction = (self: Tensor, q: number | Tensor, ...args: QuantileArguments) => Tensor;

interface Quantile extends Required<QuantileOptions> {
  q: number | Tensor;
  keepdim: boolean;
}

const interpolations: readonly Interpolation[] = ['linear', 'lower', 'higher', 'midpoint', 'nearest'];

function checkQuantile(op: string, self: Tensor, { q, interpolation }: Quantile): void {
  if (self.dtype !== 'float32' && self.dtype !== 'float64')
    throw new DTypeError(`${op}(): needs a float32 or float64 tensor, got ${self.dtype}; convert with .to('float32')`);
  if (isTensor(q) && q.dtype !== self.dtype)
    throw new DTypeError(`${op}(): q must have the tensor's dtype ${self.dtype}, got ${q.dtype}`);
  if (isTensor(q) && q.ndim > 1)
    throw new ShapeError(`${op}(): q must be a number or a tensor of at most one dimension, got ${q.ndim}`);
  if (self.elementCount === 0) throw new ShapeError(`${op}(): a tensor without elements has no quantiles`);
  if (!interpolations.includes(interpolation as Interpolation)) {
    throw new RangeError(
      `${op}(): interpolation must be one of ${interpolations.join(', ')}, got ${JSON.stringify(interpolation)}`,
    );
  }
  if (
    typeof q === 'number'
      ? !(q >= 0 && q <= 1)
      : q.device === 'cpu' && q.lt(0).logicalOr(q.gt(1)).any().itemSync() !== 0
  ) {
    throw new RangeError(`${op}(): q must lie between 0 and 1${typeof q === 'number' ? `, got ${q}` : ''}`);
  }
}

function quantileFunction(op: 'quantile' | 'nanquantile'): QuantileFunction {
  const parse = signature<Quantile>(op, ['q', 'dim', 'keepdim'], {
    dim: null,
    keepdim: false,
    interpolation: 'linear',
    out: undefined,
  });
  return (self, q, ...args) => {
    if (state.autocasting) [self, q] = autocastOperands(op, [self, q] as const);
    const call = parse([q, ...args]);
    checkQuantile(op, self, call);
    return intoOut(op, call.out, [self], () => quantileOf(self, call, op === 'nanquantile'));
  };
}

/** Sorted along the last dimension, the values around the ranks q · (n − 1) are interpolated. */
function quantileOf(self: Tensor, { q, dim: asked, keepdim, interpolation }: Quantile, ignoreNaN: boolean): Tensor {
  const dim = typeof asked === 'number' && self.ndim > 0 ? wrapDim('quantile', asked, self.ndim) : null;
  const sorted = (dim === null ? self.flatten() : self.transpose(dim, -1)).sort(-1).values;
  const last = sorted.shape.at(-1)! - 1;
  const nans = sorted.isnan();
  const share = isTensor(q) ? q.flatten() : tensor([q], { dtype: self.dtype, device: self.device });
  const ranks = ignoreNaN
    ? share.mul(nans.logicalNot().sum(-1, true).sub(1)).clampMin(0)
    : choose(nans.any(-1, true), last, share.mul(last));
  const values = between(sorted, ranks, interpolation as Interpolation);
  const several = isTensor(q) && q.ndim > 0;
  if (dim === null)
    return values.reshape([...(several ? values.shape : []), ...(keepdim ? self.shape.map(() => 1) : [])]);
  // The dimension of several q comes first; the reduced one gets its place back with size 1.
  const placed = values
    .movedim(-1, 0)
    .unsqueeze(-1)
    .transpose(dim + 1, -1);
  const kept = keepdim ? placed : placed.squeeze(dim + 1);
  return several ? kept : kept.squeeze(0);
}

/** Values at fractional ranks of sorted lines. */
function between(sorted: Tensor, ranks: Tensor, interpolation: Interpolation): Tensor {
  const at = (rank: Tensor): Tensor => sorted.gather(-1, rank.detach().to('int32'));
  if (interpolation === 'lower') return at(ranks.floor());
  if (interpolation === 'higher') return at(ranks.ceil());
  if (interpolation === 'nearest') return at(ranks.round());
  const below = ranks.floor();
  const weight = interpolation === 'midpoint' ? 0.5 : ranks.sub(below);
  return at(below).lerp(at(ranks.ceil()), weight);
}

/**
 * The values below which the shares `q` (a number, or a 1-d tensor of several) of the elements lie, over one dimension
 * or all. NaN where there is any. Several `q` give a first dimension.
 *
 * ```ts
 * tensor([1, 2, 3, 4]).quantile(0.5); // tensor(2.5000)
 * ```
 * @throws RangeError for a q outside 0 to 1, DTypeError unless the tensor is float32 or float64.
 */
export const quantile: QuantileFunction = quantileFunction('quantile');

/** The quantiles of the elements that are not NaN: see {@link quantile}. */
export const nanquantile: QuantileFunction = quantileFunction('nanquantile');
