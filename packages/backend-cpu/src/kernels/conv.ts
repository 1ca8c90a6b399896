/** @file Convolutions of any number of spatial dimensions, and their gradients. */
import type { ConvSpec, View } from '@flambeau/tensor';
import { type Gather, gatherConv } from '../wasm/conv.ts';
import { gradientOfWeights } from '../wasm/convWeight.ts';
import { type FloatArray, scratchFor } from '../wasm/scratch.ts';
import { type AxisSizes, backwardAxis, backwardReach, forwardAxis, forwardReach } from './convGeometry.ts';
import { type Operand, operandOf } from './operand.ts';

const sizesOf = (x: Operand, w: Operand, out: Operand, spec: ConvSpec): AxisSizes[] =>
  spec.stride.map((stride, d) => ({
    source: x.shape[d + 2]!,
    output: out.shape[d + 2]!,
    kernel: w.shape[d + 2]!,
    stride,
    padding: spec.padding[d]!,
    dilation: spec.dilation[d]!,
  }));

export function conv(x: View, w: View, bias: View | null, out: View, spec: ConvSpec): void {
  const [source, weights, target] = [x, w, out].map(operandOf) as Operand<FloatArray>[] as [
    Operand<FloatArray>,
    Operand<FloatArray>,
    Operand<FloatArray>,
  ];
  const sizes = sizesOf(source, weights, target, spec);
  const rows = w.shape[0]! / spec.groups;
  const job: Gather = {
    groups: spec.groups,
    rows,
    channels: w.shape[1]!,
    kernel: w.shape.slice(2),
    weights: {
      data: weights.data,
      offset: w.offset,
      groupStride: rows * w.strides[0]!,
      rowStride: w.strides[0]!,
      channelStride: w.strides[1]!,
      kernelStrides: w.strides.slice(2),
    },
    source,
    target,
    bias: bias && { data: operandOf(bias).data as FloatArray, offset: bias.offset, stride: bias.strides[0]! },
    axis: (d, from, to) => forwardAxis(sizes[d]!, from, to),
    reach: (d, count) => forwardReach(sizes[d]!, count),
  };
  gatherConv(scratchFor('float32')!, job);
}

export function convBackwardInput(grad: View, w: View, gradX: View, spec: ConvSpec): void {
  const [source, weights, target] = [grad, w, gradX].map(operandOf) as Operand<FloatArray>[] as [
    Operand<FloatArray>,
    Operand<FloatArray>,
    Operand<FloatArray>,
  ];
  const sizes = sizesOf(target, weights, source, spec);
  const channels = w.shape[0]! / spec.groups;
  const job: Gather = {
    groups: spec.groups,
    rows: w.shape[1]!,
    channels,
    kernel: w.shape.slice(2),
    weights: {
      data: weights.data,
      offset: w.offset,
      groupStride: channels * w.strides[0]!,
      rowStride: w.strides[1]!,
      channelStride: w.strides[0]!,
      kernelStrides: w.strides.slice(2),
    },
    source,
    target,
    bias: null,
    axis: (d, from, to) => backwardAxis(sizes[d]!, from, to),
    reach: (d, count) => backwardReach(sizes[d]!, count),
  };
  gatherConv(scratchFor('float32')!, job);
}

export function convBackwardWeight(grad: View, x: View, gradW: View, spec: ConvSpec): void {
  const [g, source, target] = [grad, x, gradW].map(operandOf) as Operand<FloatArray>[] as [
    Operand<FloatArray>,
    Operand<FloatArray>,
    Operand<FloatArray>,
  ];
  const sizes = sizesOf(source, target, g, spec);
  gradientOfWeights(scratchFor('float32')!, {
    groups: spec.groups,
    rows: gradW.shape[0]! / spec.groups,
    channels: gradW.shape[1]!,
    kernel: gradW.shape.slice(2),
    source,
    grad: g,
    target,
    axis: (d, from, to) => forwardAxis(sizes[d]!, from, to),
    reach: (d, count) => forwardReach(sizes[d]!, count),
  });
}
