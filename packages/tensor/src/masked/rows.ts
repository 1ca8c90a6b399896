/** @file Functions along a dimension, and of pairs, in which elements that a mask hides do not count. */
import { signature, type Trailing } from '../args.ts';
import { type DType, type DTypeAlias, toDType } from '../dtype.ts';
import { softmin as softminOf } from '../functional/softmax.ts';
import { maximum } from '../ops/clamp.ts';
import { wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { combine, extreme } from './mask.ts';
import { norm } from './reductions.ts';

export interface MaskedRowOptions {
  /** True where elements count; broadcast to the input. */
  mask?: Tensor | null | undefined;
  /** The result's dtype. */
  dtype?: DType | DTypeAlias | null | undefined;
}

interface Parsed {
  dtype: DType | null;
  mask: Tensor | null;
}

type RowFunction = (input: Tensor, dim: number, options?: MaskedRowOptions) => Tensor;

function along(op: string, compute: (input: Tensor, dim: number, call: Parsed) => Tensor): RowFunction {
  const parse = signature<Parsed>(op, [], { dtype: null, mask: null });
  return (input, dim, options) => {
    const { dtype, mask } = parse(options === undefined ? [] : [options]);
    return compute(input, wrapDim(op, dim, input.ndim), { dtype: dtype === null ? null : toDType(dtype), mask });
  };
}

const given = (dtype: DType | null): { dtype?: DType } => (dtype === null ? {} : { dtype });

/**
 * The sums of all elements up to each, along `dim`; those that the mask hides count as 0.
 *
 * ```ts
 * masked.cumsum(tensor([1, 2, 3]), 0, { mask: tensor([true, false, true]) }); // tensor([1., 1., 4.])
 * ```
 */
export const cumsum = along('cumsum', (input, dim, { dtype, mask }) =>
  combine('cumsum', input, mask, 0).cumsum(dim, { dtype: dtype ?? input.dtype }),
);

/** The products of all elements up to each, along `dim`; those that the mask hides count as 1. */
export const cumprod = along('cumprod', (input, dim, { dtype, mask }) =>
  combine('cumprod', input, mask, 1).cumprod(dim, { dtype: dtype ?? input.dtype }),
);

/**
 * softmax along `dim` over the elements where the mask is true; the others get 0.
 *
 * ```ts
 * masked.softmax(tensor([1, 1, 5]), 0, { mask: tensor([true, true, false]) }); // tensor([0.5000, 0.5000, 0.0000])
 * ```
 */
export const softmax = along('softmax', (input, dim, { dtype, mask }) =>
  combine('softmax', input, mask, extreme(input.dtype, 'least')).softmax(dim, given(dtype)),
);

/** The logarithm of {@link softmax}. */
export const logSoftmax = along('logSoftmax', (input, dim, { dtype, mask }) =>
  combine('logSoftmax', input, mask, extreme(input.dtype, 'least')).logSoftmax(dim, given(dtype)),
);

/** softmax(−x) along `dim` over the elements where the mask is true. */
export const softmin = along('softmin', (input, dim, { dtype, mask }) =>
  softminOf(combine('softmin', input, mask, extreme(input.dtype, 'greatest')), dim, given(dtype)),
);

export interface MaskedNormalizeOptions extends MaskedRowOptions {
  /** The least norm that is divided by. Default 1e-12. */
  eps?: number | undefined;
}

const parseNormalize = signature<Parsed & { ord: number; dim: number; eps: number }>('normalize', ['ord', 'dim'], {
  eps: 1e-12,
  dtype: null,
  mask: null,
});

/** The input divided by its `ord`-norm along `dim`, in which elements that the mask hides count as 0. */
export function normalize(
  input: Tensor,
  ...args: [ord: number, dim: number, options?: MaskedNormalizeOptions]
): Tensor {
  const { ord, dim, eps, dtype, mask } = parseNormalize(args);
  const size = norm(input, ord, dim, { keepdim: true, dtype, mask });
  return combine('normalize', input, mask, 0).div(maximum(size, size.detach().mul(0).add(eps)));
}

export interface MaskedPairOptions {
  inputMask?: Tensor | null | undefined;
  otherMask?: Tensor | null | undefined;
  /** The result's dtype. */
  dtype?: DType | DTypeAlias | null | undefined;
}

const parsePair = signature<{ inputMask: Tensor | null; otherMask: Tensor | null; dtype: DType | null }>(
  'logaddexp',
  [],
  { inputMask: null, otherMask: null, dtype: null },
);

/** log(eˣ + eʸ), where elements that their mask hides count as −∞. */
export function logaddexp(input: Tensor, other: Tensor, ...args: Trailing<[], MaskedPairOptions>): Tensor {
  const { inputMask, otherMask, dtype } = parsePair(args);
  const x = combine('logaddexp', input, inputMask, Number.NEGATIVE_INFINITY);
  const y = combine('logaddexp', other, otherMask, Number.NEGATIVE_INFINITY);
  return x.logaddexp(y).to(dtype === null ? input.dtype : toDType(dtype));
}
