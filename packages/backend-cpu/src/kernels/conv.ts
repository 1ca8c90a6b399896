/** @file Convolutions of any number of spatial dimensions, and their gradients. */
import type { DType, TypedArray } from '@flambeau/tensor';
import { type ConvSpec, dtypeInfo, type View } from '@flambeau/tensor/internal';
import { gatherConv } from '../wasm/conv.ts';
import { directConv, directWeightGradient } from '../wasm/convDirect.ts';
import type { Gather } from '../wasm/convTables.ts';
import { gradientOfWeights, type WeightGradient } from '../wasm/convWeight.ts';
import { type FloatArray, type Scratch, scratchFor } from '../wasm/scratch.ts';
import { type AxisSizes, backwardAxis, backwardReach, forwardAxis, forwardReach } from './convGeometry.ts';
import { intoWidened, isHalf, type Operand, widened } from './operand.ts';
import { plainConv } from './plainConv.ts';

/**
 * out[n, o] = bias[o] + Σ over the group's channels c of w[o, c] cross-correlated with x[n, c], for x [N, C, ...in], w
 * [O, C / groups, ...kernel] and out [N, O, ...]. Any strides; sums are taken in at least the precision of the result.
 */
export function conv(x: View, w: View, bias: View | null, out: View, spec: ConvSpec): void {
  if (out.elementCount === 0) return;
  intoWidened(out, false, (y) => {
    const [source, weights] = [widened(x), widened(w)];
    const added = bias && widened(bias);
    if (w.elementCount === 0 || x.elementCount === 0) fillZero(y, out.dtype);
    else if (!fastConv(out.dtype, source, weights, added, y, spec)) {
      plainConv(out.dtype, { x: source, w: weights, y }, 'y', spec);
    } else return;
    if (added) addBias(out.dtype, y, added);
  });
}

/** gradX = the gradient of the input, given the output's; also a transposed convolution of `grad`. */
export function convBackwardInput(grad: View, w: View, gradX: View, spec: ConvSpec): void {
  if (gradX.elementCount === 0) return;
  intoWidened(gradX, false, (x) => {
    const [y, weights] = [widened(grad), widened(w)];
    if (grad.elementCount === 0 || w.elementCount === 0) fillZero(x, gradX.dtype);
    else if (!fastBackwardInput(gradX.dtype, y, weights, x, spec)) {
      plainConv(gradX.dtype, { x, w: weights, y }, 'x', spec);
    }
  });
}

/** gradW = the gradient of the weights, given the output's. */
export function convBackwardWeight(grad: View, x: View, gradW: View, spec: ConvSpec): void {
  if (gradW.elementCount === 0) return;
  intoWidened(gradW, false, (w) => {
    const [y, source] = [widened(grad), widened(x)];
    if (grad.elementCount === 0 || x.elementCount === 0) fillZero(w, gradW.dtype);
    else if (!fastBackwardWeight(gradW.dtype, y, source, w, spec)) {
      plainConv(gradW.dtype, { x: source, w, y }, 'w', spec);
    }
  });
}

type Floats = Operand<FloatArray>;

/** The scratch memory for a dtype that has WebAssembly kernels, else null. */
function scratchOf(dtype: DType): Scratch | null {
  if (dtype === 'float64') return scratchFor('float64');
  return dtype === 'float32' || isHalf(dtype) ? scratchFor('float32') : null;
}

function fastConv(dtype: DType, x: Operand, w: Operand, bias: Operand | null, y: Operand, spec: ConvSpec): boolean {
  const scratch = scratchOf(dtype);
  if (scratch === null) return false;
  const sizes = axisSizes(w, spec);
  const { groups } = spec;
  const rows = w.shape[0]! / groups;
  const job: Gather = {
    groups,
    rows,
    channels: w.shape[1]!,
    kernel: w.shape.slice(2),
    weights: {
      data: w.data as FloatArray,
      offset: w.offset,
      groupStride: rows * w.strides[0]!,
      rowStride: w.strides[0]!,
      channelStride: w.strides[1]!,
      kernelStrides: w.strides.slice(2),
    },
    source: x as Floats,
    target: y as Floats,
    bias: bias && { data: bias.data as FloatArray, offset: bias.offset, stride: bias.strides[0]! },
    ...forwardAxes(sizes),
  };
  return directConv(scratch, job) || gatherConv(scratch, job);
}

function fastBackwardInput(dtype: DType, y: Operand, w: Operand, x: Operand, spec: ConvSpec): boolean {
  const scratch = scratchOf(dtype);
  if (scratch === null) return false;
  const sizes = axisSizes(w, spec);
  const channels = w.shape[0]! / spec.groups;
  const job: Gather = {
    groups: spec.groups,
    rows: w.shape[1]!,
    channels,
    kernel: w.shape.slice(2),
    weights: {
      data: w.data as FloatArray,
      offset: w.offset,
      groupStride: channels * w.strides[0]!,
      rowStride: w.strides[1]!,
      channelStride: w.strides[0]!,
      kernelStrides: w.strides.slice(2),
    },
    source: y as Floats,
    target: x as Floats,
    bias: null,
    axis: (d, from, to) => backwardAxis(sizes[d]!, from, to),
    reach: (d, count) => backwardReach(sizes[d]!, count),
  };
  return directConv(scratch, job) || gatherConv(scratch, job);
}

function fastBackwardWeight(dtype: DType, y: Operand, x: Operand, w: Operand, spec: ConvSpec): boolean {
  const scratch = scratchOf(dtype);
  if (scratch === null) return false;
  const job: WeightGradient = {
    groups: spec.groups,
    rows: w.shape[0]! / spec.groups,
    channels: w.shape[1]!,
    kernel: w.shape.slice(2),
    source: x as Floats,
    grad: y as Floats,
    target: w as Floats,
    ...forwardAxes(axisSizes(w, spec)),
  };
  return directWeightGradient(scratch, job) || gradientOfWeights(scratch, job);
}

const axisSizes = (w: Operand, spec: ConvSpec): AxisSizes[] =>
  spec.stride.map((stride, d) => ({
    kernel: w.shape[d + 2]!,
    stride,
    padding: spec.padding[d]!,
    dilation: spec.dilation[d]!,
  }));

const forwardAxes = (sizes: readonly AxisSizes[]): Pick<Gather, 'axis' | 'reach'> => ({
  axis: (d, from, to) => forwardAxis(sizes[d]!, from, to),
  reach: (d, count) => forwardReach(sizes[d]!, count),
});

function fillZero({ data, offset, shape }: Operand, dtype: DType): void {
  const { lanes } = dtypeInfo(dtype);
  const count = shape.reduce((total, size) => total * size, 1);
  const zero = (dtype === 'int64' ? 0n : 0) as never;
  (data as TypedArray).fill(zero, offset * lanes, (offset + count) * lanes);
}

/** Adds bias[o] to every element of channel o of a contiguous output. */
function addBias(dtype: DType, y: Operand, bias: Operand): void {
  const { lanes } = dtypeInfo(dtype);
  const [images, channels, ...sizes] = y.shape as [number, number, ...number[]];
  const plane = sizes.reduce((total, size) => total * size, 1) * lanes;
  // Numbers or bigints: both are added the same way.
  const [out, added] = [y.data, bias.data] as unknown as [number[], number[]];
  for (let i = 0; i < images * channels; i++) {
    const at = y.offset * lanes + i * plane;
    const from = (bias.offset + (i % channels) * bias.strides[0]!) * lanes;
    for (let j = 0; j < plane; j++) out[at + j]! += added[from + (j % lanes)]!;
  }
}
