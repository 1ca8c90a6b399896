/** @file Variance and standard deviation of the elements that a mask selects. */
import { signature, type Trailing } from '../args.ts';
import { type DType, isDifferentiable, toDType } from '../dtype.ts';
import { type Dims, reduceDims } from '../reduction.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { countOf, type MaskedReduceOptions, sum } from './reductions.ts';

export interface MaskedSpreadOptions extends MaskedReduceOptions {
  /** Divides by n − 1 (the default) or by n. */
  unbiased?: boolean | undefined;
}

type SpreadArguments = Trailing<[dim: Dims, unbiased: boolean], MaskedSpreadOptions>;

interface Parsed {
  dim: Dims;
  unbiased: boolean;
  keepdim: boolean;
  dtype: DType | null;
  mask: Tensor | null;
}

function spread(op: 'var' | 'std') {
  const parse = signature<Parsed>(op, ['dim', 'unbiased'], {
    dim: null,
    unbiased: true,
    keepdim: false,
    dtype: null,
    mask: null,
  });
  return (input: Tensor, ...args: SpreadArguments): Tensor => {
    const { dim, unbiased, keepdim, dtype: asked, mask } = parse(args);
    const dims = reduceDims(op, dim, input.ndim);
    const wanted = asked === null ? input.dtype : toDType(asked);
    const dtype = isDifferentiable(wanted) ? wanted : 'float32';
    const count = countOf(op, input, dims, true, mask);
    const centered = input.sub(sum(input, dims, { keepdim: true, dtype, mask }).div(count));
    const total = sum(centered.mul(centered.conj()), dims, { keepdim, dtype, mask });
    const placed = isTensor(count) ? count.reshape([...total.shape]) : count;
    const variance = total.div(unbiased ? oneLess(placed) : placed).to(dtype);
    return op === 'std' ? variance.sqrt() : variance;
  };
}

const oneLess = (count: Tensor | number): Tensor | number =>
  isTensor(count) ? count.sub(1).clampMin(0) : Math.max(count - 1, 0);

/**
 * The variance of the elements where the mask is true, over some dimensions or all.
 *
 * ```ts
 * masked.var(tensor([1, 3, 9]), { mask: tensor([true, true, false]) }); // tensor(2.)
 * ```
 */
const variance = spread('var');

export { variance as var };

/** The standard deviation of the elements where the mask is true: the root of the variance. */
export const std = spread('std');
