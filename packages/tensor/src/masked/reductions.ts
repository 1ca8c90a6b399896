/** @file Reductions over the elements that a mask selects. */
import { signature, type Trailing } from '../args.ts';
import { type DType, type DTypeAlias, dtypeInfo, isFloating, toDType } from '../dtype.ts';
import { vectorNorm } from '../linalg/norms.ts';
import { type Dims, reduceDims } from '../reduction.ts';
import { wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { combine, extreme, inputMask } from './mask.ts';

export interface MaskedOptions {
  /** True where elements count; broadcast to the input. Default: everywhere. */
  mask?: Tensor | null | undefined;
  keepdim?: boolean | undefined;
  /** The result's dtype. */
  dtype?: DType | DTypeAlias | null | undefined;
}

export interface MaskedReduceOptions extends MaskedOptions {
  dim?: Dims | undefined;
}

export type MaskedReduceArguments = Trailing<[dim: Dims], MaskedReduceOptions>;

interface Parsed {
  dim: Dims;
  keepdim: boolean;
  dtype: DType | null;
  mask: Tensor | null;
}

const defaults = { dim: null, keepdim: false, dtype: null, mask: null };
type Call = Omit<Parsed, 'dim'> & { readonly dims: number[] };

/** Makes `f(input, dim?, { keepdim, dtype, mask })`. */
function reducer(op: string, compute: (input: Tensor, call: Call) => Tensor) {
  const parse = signature<Parsed>(op, ['dim'], defaults);
  return (input: Tensor, ...args: MaskedReduceArguments): Tensor => {
    const { dim, keepdim, dtype, mask } = parse(args);
    const dims = reduceDims(op, dim, input.ndim);
    return compute(input, { dims, keepdim, mask, dtype: dtype === null ? null : toDType(dtype) });
  };
}

/** A dtype as options of a reduction have it. */
const option = (dtype: DType | null): { dtype?: DType } => (dtype === null ? {} : { dtype });

/**
 * The sum of the elements where the mask is true, over some dimensions or all.
 *
 * ```ts
 * masked.sum(tensor([1, 2, 3]), { mask: tensor([true, false, true]) }); // tensor(4.)
 * ```
 */
export const sum = reducer('sum', (input, { dims, keepdim, dtype, mask }) =>
  combine('sum', input, mask, 0).sum(dims, keepdim, option(dtype)),
);

/** The product of the elements where the mask is true. */
export const prod = reducer('prod', (input, { dims, keepdim, dtype, mask }) => {
  let result = combine('prod', input, mask, 1);
  if (dims.length === 0) return result.prod(option(dtype));
  for (const d of [...dims].reverse()) result = result.prod(d, keepdim, option(dtype));
  return result;
});

const cast = (x: Tensor, dtype: DType): Tensor => (x.dtype === dtype ? x : x.to(dtype));

/** The greatest element where the mask is true; the least value of the dtype where there is none. */
export const amax = reducer('amax', (input, { dims, keepdim, dtype, mask }) =>
  cast(combine('amax', input, mask, extreme(input.dtype, 'least')).amax(dims, keepdim), dtype ?? input.dtype),
);

/** The least element where the mask is true; the greatest value of the dtype where there is none. */
export const amin = reducer('amin', (input, { dims, keepdim, dtype, mask }) =>
  cast(combine('amin', input, mask, extreme(input.dtype, 'greatest')).amin(dims, keepdim), dtype ?? input.dtype),
);

export interface MaskedArgOptions extends MaskedOptions {
  dim?: number | null | undefined;
}

type ArgArguments = Trailing<[dim: number | null], MaskedArgOptions>;

function argReducer(op: 'argmax' | 'argmin') {
  const parse = signature<Omit<Parsed, 'dim'> & { dim: number | null }>(op, ['dim'], defaults);
  return (input: Tensor, ...args: ArgArguments): Tensor => {
    const { dim, keepdim, dtype, mask } = parse(args);
    const filled = combine(op, input, mask, extreme(input.dtype, op === 'argmax' ? 'least' : 'greatest'));
    const position = filled[op](dim, keepdim);
    // As in PyTorch, positions come in the input's dtype, but for int64: int32 is ours.
    const wanted = dtype === null ? input.dtype : toDType(dtype);
    return wanted === 'int64' && dtype === null ? position : position.to(wanted);
  };
}

/** The position of the greatest element where the mask is true. */
export const argmax = argReducer('argmax');
/** The position of the least element where the mask is true. */
export const argmin = argReducer('argmin');

/**
 * The mean of the elements where the mask is true; NaN where there is none.
 *
 * ```ts
 * masked.mean(tensor([1, 2, 6]), { mask: tensor([true, true, false]) }); // tensor(1.5000)
 * ```
 */
export const mean = reducer('mean', (input, { dims, keepdim, dtype, mask }) => {
  const total = sum(input, dims, { keepdim, dtype: dtype ?? input.dtype, mask });
  return total.div(countOf('mean', input, dims, keepdim, mask));
});

/** How many elements the mask selects. */
export function countOf(
  op: string,
  input: Tensor,
  dims: readonly number[],
  keepdim: boolean,
  mask: Tensor | null,
): Tensor | number {
  if (mask === null) return dims.reduce((count, d) => count * input.shape[d]!, 1);
  return inputMask(op, input, mask).sum(dims, keepdim);
}

/** log Σ exp(x) of the elements where the mask is true. */
export const logsumexp = reducer('logsumexp', (input, { dims, keepdim, dtype, mask }) =>
  cast(combine('logsumexp', input, mask, extreme(input.dtype, 'least')).logsumexp(dims, keepdim), dtype ?? input.dtype),
);

const parseNorm = signature<Parsed & { ord: number | null }>('norm', ['ord', 'dim'], { ...defaults, ord: 2 });

/** The vector norm of the elements where the mask is true: see `linalg.vectorNorm`. */
export function norm(
  input: Tensor,
  ...args: Trailing<[ord: number | null, dim: Dims], MaskedReduceOptions & { ord?: number | null | undefined }>
): Tensor {
  const { ord, dim, keepdim, dtype, mask } = parseNorm(args);
  const p = ord ?? 2;
  const ignored = p === Number.NEGATIVE_INFINITY ? Number.POSITIVE_INFINITY : 0;
  return normOf(combine('norm', input, mask, ignored), p, dim, keepdim, dtype);
}

function normOf(x: Tensor, ord: number, dim: Dims, keepdim: boolean, dtype: DType | null): Tensor {
  return vectorNorm(x, ord, dim, keepdim, option(dtype === null ? null : toDType(dtype)));
}

interface MedianOptions extends MaskedOptions {
  dim?: number | undefined;
}

const parseMedian = signature<Omit<Parsed, 'dim'> & { dim: number }>('median', ['dim'], { ...defaults, dim: -1 });

/**
 * The median, of two the lower one, along `dim` of the elements where the mask is true; NaN where there is none. CPU
 * only for integers.
 * @throws RangeError for an integer row without any such element.
 */
export function median(input: Tensor, ...args: Trailing<[dim: number], MedianOptions>): Tensor {
  const { dim, keepdim, dtype, mask } = parseMedian(args);
  const floating = isFloating(input.dtype) || dtypeInfo(input.dtype).kind === 'complex';
  const x = floating ? input : input.to('float32');
  const values = combine('median', x, mask, Number.NaN).nanmedian(wrapDim('median', dim, x.ndim), keepdim).values;
  if (floating) return values;
  if (mask !== null && values.isnan().any().itemSync() !== 0) {
    throw new RangeError(
      "masked.median(): integers have no value for rows that the mask hides altogether; convert with .to('float32')",
    );
  }
  return values.to(dtype === null ? input.dtype : toDType(dtype));
}
