/** @file PyTorch's result types: which dtype an op computes in when its arguments' dtypes differ. */
import type { Scalar } from './backend.ts';
import { isWrappedNumber } from './complex-scalar.ts';
import { type DType, isComplex, isFloating, promoteTypes, rankOf } from './dtype.ts';
import { state } from './state.ts';
import { isTensor, type Tensor } from './tensor.ts';
import type { ComplexValue } from './values.ts';

/**
 * The dtype a scalar operand counts as: safe integers and bigints int64, other numbers the default
 * float, booleans bool, `{ re, im }` the complex dtype of default floats.
 */
export function scalarDType(value: Scalar | ComplexValue): DType {
  if (typeof value === 'object') return complexOf(state.defaultDType);
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return 'int64';
  return state.defaultDType;
}

const complexOf = (dtype: DType): DType => (dtype === 'float64' ? 'complex128' : 'complex64');

/** A higher-ranking group of arguments decides, unless a lower one is of a higher kind (integer < floating < complex). */
function combine(higher: DType | null, lower: DType | null): DType | null {
  if (higher === null || lower === null) return higher ?? lower;
  if (isComplex(higher)) return higher;
  if (isFloating(higher)) return isComplex(lower) ? complexOf(higher) : higher;
  return higher === 'bool' || rankOf(lower) > 1 ? promoteTypes(higher, lower) : higher;
}

/**
 * PyTorch's `result_type` for any number of operands: tensors with dimensions outrank 0-d tensors, which outrank scalars.
 *
 * ```ts
 * resultType(tensor([1, 2], { dtype: 'int32' }), 2.5); // 'float32'
 * ```
 */
export function resultType(...operands: (Tensor | Scalar | ComplexValue)[]): DType {
  let [dimensioned, zeroDim, scalars]: [DType | null, DType | null, DType | null] = [null, null, null];
  for (const operand of operands) {
    if (isTensor(operand) && operand.shape.length > 0) {
      dimensioned = dimensioned === null ? operand.dtype : promoteTypes(dimensioned, operand.dtype);
    } else if (isTensor(operand) && !isWrappedNumber(operand)) {
      zeroDim = zeroDim === null ? operand.dtype : promoteTypes(zeroDim, operand.dtype);
    } else {
      const dtype = isTensor(operand) ? complexOf(state.defaultDType) : scalarDType(operand);
      scalars = scalars === null ? dtype : promoteTypes(scalars, dtype);
    }
  }
  return combine(dimensioned, combine(zeroDim, scalars)) ?? state.defaultDType;
}

/** PyTorch's `can_cast`: whether values may be stored as `to` without losing their kind. */
export function canCast(from: DType, to: DType): boolean {
  if (rankOf(from) > rankOf(to)) return false;
  return !(to === 'bool' && from !== 'bool');
}

/** Integers and bools become the default floating dtype. */
export const toFloating = (dtype: DType): DType => (rankOf(dtype) < 2 ? state.defaultDType : dtype);

/** The complex dtype for values of a dtype: complex128 for float64, and what default floats give for integers and bools. */
export const toComplex = (dtype: DType): DType => (isComplex(dtype) ? dtype : complexOf(toFloating(dtype)));
