/**
 * @file Max and average pooling over 1 to 3 spatial dimensions, for views [N, C, ...]. Inside, all are three-dimensional;
 * missing dimensions have size 1.
 */
import type { DType } from '@flambeau/tensor';
import { type AvgPoolSpec, dtypeInfo, type MaxPoolSpec, type View } from '@flambeau/tensor/internal';
import { directConv } from '../wasm/convDirect.ts';
import { maxPoolInScratch } from '../wasm/pool.ts';
import { type FloatArray, scratchFor } from '../wasm/scratch.ts';
import { backwardAxis, backwardReach, forwardAxis, forwardReach, product } from './convGeometry.ts';
import { dense, intoWidened, type Operand, widened } from './operand.ts';

/** The windows along one dimension: taps `from[i]`, `from[i] + step`, … below `to[i]` are inside of the input. */
interface Windows {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly step: number;
  /** Taps of each window that count in an average when padding counts. */
  readonly padded: Int32Array;
}

function windowsAlong(
  size: number,
  outputs: number,
  kernel: number,
  stride: number,
  padding: number,
  step: number,
): Windows {
  const [from, to, padded] = [new Int32Array(outputs), new Int32Array(outputs), new Int32Array(outputs)];
  for (let i = 0; i < outputs; i++) {
    const start = i * stride - padding;
    from[i] = start < 0 ? start + Math.ceil(-start / step) * step : start;
    to[i] = Math.min(start + (kernel - 1) * step + 1, size);
    padded[i] = Math.min(start + kernel, size + padding) - start;
  }
  return { from, to, step, padded };
}

type Triple<T> = readonly [T, T, T];

/** The last three of a list, with `missing` in front where it is shorter. */
function lastThree<T>(values: readonly T[], missing: T): Triple<T> {
  return [missing, missing, missing, ...values].slice(-3) as unknown as Triple<T>;
}

/** Input planes against output planes. */
interface Planes {
  readonly sizes: Triple<number>;
  readonly strides: Triple<number>;
  readonly outSizes: Triple<number>;
  readonly windows: Triple<Windows>;
  /** Number of planes, and the offset of each input plane. */
  readonly offsets: readonly number[];
  /** Elements of an output plane. */
  readonly outPlane: number;
}

interface PoolSpec {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation?: readonly number[];
}

function planesOf(x: Operand, outShape: readonly number[], spec: PoolSpec): Planes {
  const sizes = lastThree(x.shape.slice(2), 1);
  const outSizes = lastThree(outShape.slice(2), 1);
  const [kernel, stride] = [lastThree(spec.kernel, 1), lastThree(spec.stride, 1)];
  const [padding, dilation] = [lastThree(spec.padding, 0), lastThree(spec.dilation ?? [], 1)];
  const windows = ([0, 1, 2] as const).map((d) =>
    windowsAlong(sizes[d], outSizes[d], kernel[d], stride[d], padding[d], dilation[d]),
  ) as unknown as Triple<Windows>;
  const offsets: number[] = [];
  for (let n = 0; n < x.shape[0]!; n++) {
    for (let c = 0; c < x.shape[1]!; c++) offsets.push(x.offset + n * x.strides[0]! + c * x.strides[1]!);
  }
  const [depth, height, width] = outSizes;
  return {
    sizes,
    strides: lastThree(x.strides.slice(2), 0),
    outSizes,
    windows,
    offsets,
    outPlane: depth * height * width,
  };
}

/**
 * Maxima over windows, and the position of each in its input plane (int32): that of the first maximum, or of the last
 * NaN, which wins. A window that dilation leaves without any input gives -Infinity and position -1.
 */
export function maxPool(x: View, out: View, indices: View, spec: MaxPoolSpec): void {
  if (out.elementCount === 0) return;
  const source = widened(x);
  intoWidened(indices, false, (positions) => {
    intoWidened(out, false, (maxima) => {
      if (fastMaxPool(source, maxima, positions, spec)) return;
      const planes = planesOf(source, out.shape, spec);
      const pool = isHalving(planes, spec) ? maximaOfPairs : maximaOfWindows;
      const at = positions.offset - maxima.offset;
      planes.offsets.forEach((offset, i) => {
        pool(
          planes,
          source.data as Numbers,
          offset,
          maxima.data as Numbers,
          maxima.offset + i * planes.outPlane,
          positions.data as Int32Array,
          at,
        );
      });
    });
  });
}

type Numbers = Float64Array;

/** WebAssembly for float32, where there is any. */
function fastMaxPool(x: Operand, values: Operand, indices: Operand, spec: MaxPoolSpec): boolean {
  const scratch = x.data instanceof Float32Array && indices.data instanceof Int32Array ? scratchFor('float32') : null;
  if (scratch === null) return false;
  const sizes = spec.kernel.map((kernel, d) => ({
    kernel,
    stride: spec.stride[d]!,
    padding: spec.padding[d]!,
    dilation: spec.dilation[d]!,
  }));
  const [source, maxima] = [x, values] as Operand<Float32Array>[] as [Operand<Float32Array>, Operand<Float32Array>];
  return maxPoolInScratch(scratch, { source, values: maxima, indices: indices as Operand<Int32Array>, sizes });
}

/** Whether windows are 2 by 2, side by side and whole. */
function isHalving({ sizes, outSizes }: Planes, { kernel, stride, padding, dilation }: MaxPoolSpec): boolean {
  const all = (values: readonly number[], wanted: number) => values.every((value) => value === wanted);
  return (
    kernel.length === 2 &&
    all(kernel, 2) &&
    all(stride, 2) &&
    all(padding, 0) &&
    all(dilation, 1) &&
    2 * outSizes[1] <= sizes[1] &&
    2 * outSizes[2] <= sizes[2]
  );
}

/** One plane of 2 by 2 windows. Positions are `at` places after their maxima. */
function maximaOfPairs(
  { sizes, strides, outSizes }: Planes,
  x: Numbers,
  offset: number,
  out: Numbers,
  first: number,
  positions: Int32Array,
  at: number,
): void {
  const [, , width] = sizes;
  const [, row, step] = strides;
  const [, outHeight, outWidth] = outSizes;
  let to = first;
  for (let i = 0; i < outHeight; i++) {
    let from = offset + 2 * i * row;
    let position = 2 * i * width;
    for (let j = 0; j < outWidth; j++, to++, from += 2 * step, position += 2) {
      let best = x[from]!;
      let where = position;
      const right = x[from + step]!;
      if (right > best || Number.isNaN(right)) {
        best = right;
        where = position + 1;
      }
      const below = x[from + row]!;
      if (below > best || Number.isNaN(below)) {
        best = below;
        where = position + width;
      }
      const last = x[from + row + step]!;
      if (last > best || Number.isNaN(last)) {
        best = last;
        where = position + width + 1;
      }
      out[to] = best;
      positions[to + at] = where;
    }
  }
}

/** One plane of any windows. Positions are `at` places after their maxima. */
function maximaOfWindows(
  { sizes, strides, outSizes, windows }: Planes,
  x: Numbers,
  offset: number,
  out: Numbers,
  first: number,
  positions: Int32Array,
  at: number,
): void {
  const [, height, width] = sizes;
  const [planeStep, rowStep, step] = strides;
  const [planes, rows, columns] = windows;
  let to = first;
  for (let i = 0; i < outSizes[0]; i++) {
    for (let j = 0; j < outSizes[1]; j++) {
      for (let k = 0; k < outSizes[2]; k++, to++) {
        let best = -Infinity;
        let where = -1;
        for (let d = planes.from[i]!; d < planes.to[i]!; d += planes.step) {
          for (let h = rows.from[j]!; h < rows.to[j]!; h += rows.step) {
            for (let w = columns.from[k]!; w < columns.to[k]!; w += columns.step) {
              const value = x[offset + d * planeStep + h * rowStep + w * step]!;
              if (value > best || Number.isNaN(value) || where < 0) {
                best = value;
                where = (d * height + h) * width + w;
              }
            }
          }
        }
        out[to] = best;
        positions[to + at] = where;
      }
    }
  }
}

/** gradX [N, C, ...] = every gradient at its position in the plane, summed; negative positions are left out. */
export function maxPoolBackward(grad: View, indices: View, gradX: View): void {
  if (gradX.elementCount === 0) return;
  const from = dense(widened(grad));
  const where = dense(widened(indices));
  intoWidened(gradX, false, (target) => {
    target.data.fill(0 as never, target.offset, target.offset + gradX.elementCount);
    const planes = grad.shape[0]! * grad.shape[1]!;
    const outPlane = from.strides[1]!;
    const plane = target.strides[1]!;
    const [gradients, positions, to] = [from.data as Numbers, where.data as Int32Array, target.data as Numbers];
    for (let i = 0; i < planes; i++) {
      const base = target.offset + i * plane;
      const first = from.offset + i * outPlane;
      const at = where.offset - from.offset;
      for (let j = first; j < first + outPlane; j++) {
        const position = positions[j + at]!;
        if (position >= 0) to[base + position]! += gradients[j]!;
      }
    }
  });
}

/**
 * Averages over windows. Padding adds zeros, which count unless `countIncludePad` is false; `divisorOverride` replaces
 * the count. Integers are divided towards zero.
 */
export function avgPool(x: View, out: View, spec: AvgPoolSpec): void {
  if (out.elementCount === 0) return;
  const source = widened(x);
  intoWidened(out, false, (target) => {
    const planes = planesOf(source, out.shape, spec);
    if (!fastSums(source, target, spec, 'forward')) sumWindows(planes, source, target, out.dtype);
    divideBy(divisorsOf(planes, spec), target, planes.offsets.length, out.dtype);
  });
}

/** gradX = every gradient, divided as in the forward pass, summed over the windows that an input is in. */
export function avgPoolBackward(grad: View, gradX: View, spec: AvgPoolSpec): void {
  if (gradX.elementCount === 0) return;
  const { dtype } = grad;
  intoWidened(gradX, false, (target) => {
    const planes = planesOf(target, grad.shape, spec);
    const shares = dense(widened(grad), true);
    if (grad.elementCount > 0) divideBy(divisorsOf(planes, spec), shares, planes.offsets.length, dtype);
    if (grad.elementCount > 0 && fastSums(shares, target, spec, 'backward')) return;
    const { data, offset } = target;
    data.fill(0 as never, offset, offset + gradX.elementCount);
    spreadShares(planes, shares, target);
  });
}

/** For each window of a plane, what its sum is divided by. */
function divisorsOf({ outSizes, windows, outPlane }: Planes, spec: AvgPoolSpec): Float64Array {
  const divisors = new Float64Array(outPlane);
  const [depths, rows, columns] = windows.map(({ from, to, padded }) =>
    spec.countIncludePad ? padded : from.map((first, i) => Math.max(0, to[i]! - first)),
  ) as unknown as Triple<Int32Array>;
  let at = 0;
  for (let i = 0; i < outSizes[0]; i++) {
    for (let j = 0; j < outSizes[1]; j++) {
      // A window without inputs sums to zero, whatever it is divided by.
      for (let k = 0; k < outSizes[2]; k++)
        divisors[at++] = spec.divisorOverride ?? (depths[i]! * rows[j]! * columns[k]! || 1);
    }
  }
  return divisors;
}

/** Divides planes of contiguous values; int64 and smaller integers towards zero. */
function divideBy(divisors: Float64Array, { data, offset }: Operand, planes: number, dtype: DType): void {
  const count = divisors.length;
  const { kind } = dtypeInfo(dtype);
  for (let i = 0; i < planes; i++) {
    const first = offset + i * count;
    if (dtype === 'int64') {
      const values = data as unknown as BigInt64Array;
      for (let j = 0; j < count; j++) values[first + j]! /= BigInt(divisors[j]!);
    } else if (kind === 'int') {
      for (let j = 0; j < count; j++)
        data[first + j] = Math.trunc((data[first + j]! as number) / divisors[j]!) as never;
    } else {
      const values = data as Numbers;
      for (let j = 0; j < count; j++) values[first + j]! /= divisors[j]!;
    }
  }
}

/** Windows with more taps are summed in plain JavaScript, in double precision. */
const MOST_TAPS = 256;

/** Sums of windows, or of what windows spread, as a depthwise convolution with ones. False where there is none. */
function fastSums(source: Operand, target: Operand, spec: AvgPoolSpec, direction: 'forward' | 'backward'): boolean {
  const dtype =
    target.data instanceof Float32Array ? 'float32' : target.data instanceof Float64Array ? 'float64' : null;
  const scratch = dtype && scratchFor(dtype);
  if (scratch === null || product(spec.kernel) > MOST_TAPS) return false;
  const [axis, reach] = direction === 'forward' ? [forwardAxis, forwardReach] : [backwardAxis, backwardReach];
  const sizes = spec.kernel.map((kernel, d) => ({
    kernel,
    stride: spec.stride[d]!,
    padding: spec.padding[d]!,
    dilation: 1,
  }));
  const ones = dtype === 'float32' ? Float32Array.of(1) : Float64Array.of(1);
  const kernelStrides = spec.kernel.map(() => 0);
  return directConv(scratch, {
    groups: source.shape[1]!,
    rows: 1,
    channels: 1,
    kernel: spec.kernel,
    weights: { data: ones, offset: 0, groupStride: 0, rowStride: 0, channelStride: 0, kernelStrides },
    source: source as Operand<FloatArray>,
    target: target as Operand<FloatArray>,
    bias: null,
    axis: (d, from, to) => axis(sizes[d]!, from, to),
    reach: (d, count) => reach(sizes[d]!, count),
  });
}

/** The sum of every window. */
function sumWindows(planes: Planes, { data }: Operand, target: Operand, dtype: DType): void {
  const { outSizes, strides, windows, offsets } = planes;
  const [depths, rows, columns] = windows;
  const [depthStep, rowStep, step] = strides;
  const [x, out] = [data, target.data] as [Numbers, Numbers];
  const zero = dtype === 'int64' ? (0n as unknown as number) : 0;
  let to = target.offset;
  for (const offset of offsets) {
    for (let i = 0; i < outSizes[0]; i++) {
      for (let j = 0; j < outSizes[1]; j++) {
        for (let k = 0; k < outSizes[2]; k++, to++) {
          let sum = zero;
          for (let d = depths.from[i]!; d < depths.to[i]!; d++) {
            for (let h = rows.from[j]!; h < rows.to[j]!; h++) {
              const row = offset + d * depthStep + h * rowStep;
              for (let w = columns.from[k]!; w < columns.to[k]!; w++) sum += x[row + w * step]!;
            }
          }
          out[to] = sum;
        }
      }
    }
  }
}

/** Adds every share to the inputs of its window. */
function spreadShares(planes: Planes, shares: Operand, target: Operand): void {
  const { outSizes, strides, windows, offsets } = planes;
  const [depths, rows, columns] = windows;
  const [depthStep, rowStep, step] = strides;
  const [from, x] = [shares.data, target.data] as [Numbers, Numbers];
  let at = shares.offset;
  for (const offset of offsets) {
    for (let i = 0; i < outSizes[0]; i++) {
      for (let j = 0; j < outSizes[1]; j++) {
        for (let k = 0; k < outSizes[2]; k++, at++) {
          const share = from[at]!;
          for (let d = depths.from[i]!; d < depths.to[i]!; d++) {
            for (let h = rows.from[j]!; h < rows.to[j]!; h++) {
              const row = offset + d * depthStep + h * rowStep;
              for (let w = columns.from[k]!; w < columns.to[k]!; w++) x[row + w * step]! += share;
            }
          }
        }
      }
    }
  }
}
