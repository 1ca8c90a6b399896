/** @file Views as kernels read them: the typed array, with half-precision elements widened to float32. */
import {
  contiguousStrides,
  type DType,
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
  mergeStrides,
  numelOf,
  type TypedArray,
  type View,
} from '@flambeau/tensor';
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
  const bits = gathered(source, new Uint16Array(numelOf(view.shape)));
  const data = view.dtype === 'float16' ? decodeFloat16(bits) : decodeBfloat16(bits);
  return { data, shape: view.shape, strides: contiguousStrides(view.shape), offset: 0 };
}

/**
 * Calls `compute` with `out` itself, or, where it is half precision, with a float32 operand whose values are then
 * rounded into `out`, which must be contiguous.
 */
export function intoWidened(out: View, keeps: boolean, compute: (out: Operand) => void): void {
  if (!isHalf(out.dtype)) {
    compute(operandOf(out));
    return;
  }
  const count = numelOf(out.shape);
  const wide = keeps
    ? widened(out)
    : { data: new Float32Array(count), shape: out.shape, strides: contiguousStrides(out.shape), offset: 0 };
  compute(wide);
  const bits = (dataOf(out) as Uint16Array).subarray(out.offset, out.offset + count);
  (out.dtype === 'float16' ? encodeFloat16 : encodeBfloat16)(wide.data as Float32Array, bits);
}

/** Copies the elements, row-major, to the start of `to`. */
export function gathered<Data extends { [index: number]: unknown }>(source: Operand, to: Data): Data {
  const { data } = source;
  const { sizes, strides } = mergeStrides(source.shape, [source.strides]);
  const [steps] = strides;
  let at = 0;
  const walk = (dim: number, from: number): void => {
    if (dim === sizes.length) {
      to[at++] = data[from];
      return;
    }
    const step = steps![dim]!;
    for (let i = 0; i < sizes[dim]!; i++) walk(dim + 1, from + i * step);
  };
  if (numelOf(source.shape) > 0) walk(0, source.offset);
  return to;
}
