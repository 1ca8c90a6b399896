/** @file What the functions of `masked` share: masks laid over inputs, and the values that do not count in a reduction. */
import type { Scalar } from '../backend.ts';
import { type DType, dtypeInfo, isFloating } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { iinfo } from '../limits.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** The mask as bools of the input's shape. @throws ShapeError when it does not broadcast to that. */
export function inputMask(op: string, input: Tensor, mask: Tensor): Tensor {
  const fits =
    mask.ndim <= input.ndim &&
    mask.shape.every((size, i) => size === 1 || size === input.shape[input.ndim - mask.ndim + i]);
  if (!fits) {
    throw new ShapeError(
      `masked.${op}(): a mask of shape ${formatShape(mask.shape)} does not broadcast to the input's ${formatShape(input.shape)}`,
    );
  }
  return (mask.dtype === 'bool' ? mask : mask.ne(0)).expand([...input.shape]);
}

/** The input with `value` where the mask is false. */
export function combine(op: string, input: Tensor, mask: Tensor | null, value: Scalar): Tensor {
  return mask === null ? input : input.maskedFill(inputMask(op, input, mask).logicalNot(), value);
}

/** The greatest or least value of a dtype, which the other extreme never is. */
export function extreme(dtype: DType, which: 'greatest' | 'least'): Scalar {
  if (isFloating(dtype)) return which === 'greatest' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (dtypeInfo(dtype).kind === 'bool') return which === 'greatest';
  return which === 'greatest' ? iinfo(dtype).max : iinfo(dtype).min;
}
