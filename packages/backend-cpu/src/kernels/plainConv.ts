/**
 * @file Convolutions in plain JavaScript, by the definition: every (output, tap) pair that meets inside of the input
 * adds one product. For dtypes that have no WebAssembly kernel, for machines without it, and for kernels so large that
 * scratch memory has no room for a single output.
 */
import type { DType, TypedArray } from '@flambeau/tensor';
import { type ConvSpec, dtypeInfo } from '@flambeau/tensor/internal';

import type { Operand } from './operand.ts';

/** The three arrays of a convolution; one of them is the result. */
export interface ConvOperands {
  /** [images, groups · channels, ...]; the input or its gradient. */
  readonly x: Operand;
  /** [groups · rows, channels, ...kernel]; the weights or their gradient. */
  readonly w: Operand;
  /** [images, groups · rows, ...]; the output or its gradient. */
  readonly y: Operand;
}

type Operand3 = [Operand, Operand, Operand];

/**
 * Adds to elements of `to` the products of elements of `a` and `b`: `count` of them, at the given places and steps.
 * Complex elements take two places; places and steps count elements.
 */
type AddProducts = (
  to: TypedArray,
  at: number,
  step: number,
  a: TypedArray,
  atA: number,
  stepA: number,
  b: TypedArray,
  atB: number,
  stepB: number,
  count: number,
) => void;

/** The sums of one result; float results are summed in double precision. */
export interface Sums {
  readonly array: TypedArray;
  readonly add: AddProducts;
}

const addFloats: AddProducts = (to, at, step, a, atA, stepA, b, atB, stepB, count) => {
  const [sums, left, right] = [to, a, b] as [Float64Array, Float64Array, Float64Array];
  for (let i = 0, t = at, l = atA, r = atB; i < count; i++, t += step, l += stepA, r += stepB) {
    sums[t]! += left[l]! * right[r]!;
  }
};

const addIntegers: AddProducts = (to, at, step, a, atA, stepA, b, atB, stepB, count) => {
  const [sums, left, right] = [to, a, b] as [Int32Array, Int32Array, Int32Array];
  for (let i = 0, t = at, l = atA, r = atB; i < count; i++, t += step, l += stepA, r += stepB) {
    sums[t]! += Math.imul(left[l]!, right[r]!);
  }
};

const addBigInts: AddProducts = (to, at, step, a, atA, stepA, b, atB, stepB, count) => {
  const [sums, left, right] = [to, a, b] as unknown as [BigInt64Array, BigInt64Array, BigInt64Array];
  for (let i = 0, t = at, l = atA, r = atB; i < count; i++, t += step, l += stepA, r += stepB) {
    sums[t]! += left[l]! * right[r]!;
  }
};

const addComplex: AddProducts = (to, at, step, a, atA, stepA, b, atB, stepB, count) => {
  const [sums, left, right] = [to, a, b] as [Float64Array, Float64Array, Float64Array];
  for (let i = 0, t = 2 * at, l = 2 * atA, r = 2 * atB; i < count; i++, t += 2 * step, l += 2 * stepA, r += 2 * stepB) {
    const [x, y, u, v] = [left[l]!, left[l + 1]!, right[r]!, right[r + 1]!];
    sums[t]! += x * u - y * v;
    sums[t + 1]! += x * v + y * u;
  }
};

/** Zeroed sums for a result of `count` elements of a dtype (float32 for half precision). */
function sumsFor(dtype: DType, count: number): Sums {
  const { kind, array } = dtypeInfo(dtype);
  if (kind === 'float') return { array: new Float64Array(count), add: addFloats };
  if (kind === 'complex') return { array: new Float64Array(2 * count), add: addComplex };
  return { array: new array(count), add: dtype === 'int64' ? addBigInts : addIntegers };
}

/** Computes whichever of the operands is named from the other two; that one must be contiguous. */
export function plainConv(dtype: DType, operands: ConvOperands, result: keyof ConvOperands, spec: ConvSpec): void {
  const target = operands[result];
  const count = target.shape.reduce((total, size) => total * size, 1);
  const { array, add } = sumsFor(dtype, count);
  const sums = { ...target, data: array, offset: 0 };
  const [x, w, y] = (['x', 'w', 'y'] as const).map((name) => (name === result ? sums : operands[name])) as Operand3;
  const [images, outputs] = y.shape as [number, number];
  const channels = w.shape[1]!;
  const rows = outputs / spec.groups;
  const last = spec.stride.length - 1;
  /** Fixes positions and taps of all axes but the last, then adds runs along it. */
  const walk = (d: number, atX: number, atW: number, atY: number): void => {
    const [stride, padding, dilation] = [spec.stride[d]!, spec.padding[d]!, spec.dilation[d]!];
    const [stepX, stepW, stepY] = [x.strides[d + 2]!, w.strides[d + 2]!, y.strides[d + 2]!];
    for (let tap = 0; tap < w.shape[d + 2]!; tap++) {
      // Outputs i with 0 <= i · stride + shift < size of x.
      const shift = tap * dilation - padding;
      const from = Math.max(0, Math.ceil(-shift / stride));
      const to = Math.min(y.shape[d + 2]!, Math.floor((x.shape[d + 2]! - 1 - shift) / stride) + 1);
      const [firstX, firstW, firstY] = [atX + (from * stride + shift) * stepX, atW + tap * stepW, atY + from * stepY];
      if (d < last) {
        for (let i = 0; i < to - from; i++) walk(d + 1, firstX + i * stride * stepX, firstW, firstY + i * stepY);
      } else if (result === 'y') {
        add(array, firstY, stepY, x.data, firstX, stride * stepX, w.data, firstW, 0, to - from);
      } else if (result === 'x') {
        add(array, firstX, stride * stepX, y.data, firstY, stepY, w.data, firstW, 0, to - from);
      } else {
        add(array, firstW, 0, x.data, firstX, stride * stepX, y.data, firstY, stepY, to - from);
      }
    }
  };
  for (let n = 0; n < images; n++) {
    for (let o = 0; o < outputs; o++) {
      const first = Math.floor(o / rows) * channels;
      for (let c = 0; c < channels; c++) {
        walk(
          0,
          x.offset + n * x.strides[0]! + (first + c) * x.strides[1]!,
          w.offset + o * w.strides[0]! + c * w.strides[1]!,
          y.offset + n * y.strides[0]! + o * y.strides[1]!,
        );
      }
    }
  }
  const { lanes } = dtypeInfo(dtype);
  (target.data as Float64Array).set(array as Float64Array, target.offset * lanes);
}
