/** @file Views as kernels read them: the typed array, with half-precision elements widened to float32. */
import type { DType, TypedArray } from '@flambeau/tensor';
import {
  contiguousStrides,
  decodeBfloat16,
  decodeFloat16,
  dtypeInfo,
  encodeBfloat16,
  encodeFloat16,
  isContiguous,
  mergeStrides,
  numelOf,
  type View,
} from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';

/** A strided window on a typed array. */
export interface Operand<Data = TypedArray> {
  readonly data: Data;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

export const isHalf = (dtype: DType): boolean => dtype === 'float16' || dtype === 'bfloat16';

/** What the view shows, without copying. */
export function operandOf(view: View): Operand {
  return { data: dataOf(view), shape: view.shape, strides: view.strides, offset: view.offset };
}

/** The view itself, or a contiguous float32 copy of a half-precision one. */
export function widened(view: View): Operand {
  const source = operandOf(view);
  if (!isHalf(view.dtype)) return source;
  const { shape } = view;
  const bits = { data: new Uint16Array(numelOf(shape)), shape, strides: contiguousStrides(shape), offset: 0 };
  copyElements(source, bits, 1);
  return { ...bits, data: view.dtype === 'float16' ? decodeFloat16(bits.data) : decodeBfloat16(bits.data) };
}

/**
 * The operand itself if it is contiguous and need not be `fresh`, else a contiguous copy. For dtypes of one array element
 * each.
 */
export function dense(operand: Operand, fresh = false): Operand {
  const { data, shape, strides } = operand;
  if (!fresh && isContiguous(shape, strides)) return { ...operand, strides: contiguousStrides(shape) };
  const copy = new (data.constructor as new (length: number) => TypedArray)(numelOf(shape));
  const target = { data: copy, shape, strides: contiguousStrides(shape), offset: 0 };
  copyElements(operand, target, 1);
  return target;
}

/**
 * Calls `compute` with a contiguous operand for the results: `out` itself, or else, where it is half precision or not
 * contiguous, a copy (float32 for half precision) whose values are then stored in `out`. `keeps` says that the old values
 * of `out` are wanted.
 */
export function intoWidened(out: View, keeps: boolean, compute: (out: Operand) => void): void {
  const half = isHalf(out.dtype);
  if (!half && out.isContiguous()) {
    compute({ ...operandOf(out), strides: contiguousStrides(out.shape) });
    return;
  }
  const { shape } = out;
  const { array, lanes } = dtypeInfo(half ? 'float32' : out.dtype);
  const data = new array(numelOf(shape) * lanes);
  const wide = { data, shape, strides: contiguousStrides(shape), offset: 0 };
  if (keeps) copyElements(widened(out), wide, lanes);
  compute(wide);
  const narrow = half
    ? { ...wide, data: (out.dtype === 'float16' ? encodeFloat16 : encodeBfloat16)(data as Float32Array) }
    : wide;
  copyElements(narrow, operandOf(out), lanes);
}

/** Copies between operands of one shape, `lanes` array elements for each element. */
function copyElements(from: Operand, to: Operand, lanes: number): void {
  const [source, target] = [from.data, to.data] as [Float64Array, Float64Array];
  const { sizes, strides } = mergeStrides(from.shape, [from.strides, to.strides]);
  const [stepsFrom, stepsTo] = strides as [number[], number[]];
  const walk = (dim: number, at: number, toAt: number): void => {
    if (dim === sizes.length) {
      for (let lane = 0; lane < lanes; lane++) target[toAt * lanes + lane] = source[at * lanes + lane]!;
      return;
    }
    for (let i = 0; i < sizes[dim]!; i++) walk(dim + 1, at + i * stepsFrom[dim]!, toAt + i * stepsTo[dim]!);
  };
  if (numelOf(from.shape) > 0) walk(0, from.offset, to.offset);
}
