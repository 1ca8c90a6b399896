/**
 * @file Convolutions of one to three spatial dimensions, and their gradients, as contractions. With i, o and t for an input's
 * position, an output's and a tap, o · stride - padding + t · dilation = i joins them in all three.
 */
import type { ConvSpec, Loops, View } from '@flambeau/tensor/internal';
import type { Commands } from '../commands.ts';
import type { Memory } from '../memory.ts';
import { contract, type WindowAxis } from './contraction.ts';

const sizesAfter = (view: View, first: number): number[] => [first, ...view.shape.slice(2)];
const stridesAfter = (view: View, first: number): number[] => [first, ...view.strides.slice(2)];

/** The loop over groups: strides of a, b, out and bias from one to the next. */
const groupLoop = (groups: number, strides: readonly [number, number, number, number]): Loops =>
  groups === 1
    ? { sizes: [], strides: [[], [], [], []] }
    : { sizes: [groups], strides: strides.map((stride) => [stride]) };

/**
 * out[n, o] = bias[o] + Σ over the group's channels c of w[o, c] cross-correlated with x[n, c], for x [N, C, ...in], w
 * [O, C / groups, ...kernel] and out [N, O, ...]. Rows are a group's output channels, columns are images and positions,
 * steps are input channels and taps. `accumulate` adds to out.
 */
export function conv(
  commands: Commands,
  memory: Memory,
  x: View,
  w: View,
  bias: View | null,
  out: View,
  spec: ConvSpec,
  accumulate = false,
): void {
  if (out.elementCount === 0) return;
  const rows = w.shape[0]! / spec.groups;
  const channels = w.shape[1]!;
  const biasStep = bias?.strides[0] ?? 0;
  contract(commands, memory, {
    name: 'convolution',
    a: w,
    b: x,
    out,
    bias,
    rows,
    rowStrides: [w.strides[0]!, out.strides[1]!, biasStep],
    columnSizes: sizesAfter(out, out.shape[0]!),
    columnOut: stridesAfter(out, out.strides[0]!),
    columnB: x.strides[0]!,
    columnBias: 0,
    stepSizes: sizesAfter(w, channels),
    stepA: stridesAfter(w, w.strides[1]!),
    stepB: x.strides[1]!,
    stepsOfB: false,
    window: spec.stride.map((stride, d) => ({
      columnMove: stride,
      stepMove: spec.dilation[d]!,
      shift: -spec.padding[d]!,
      bound: x.shape[d + 2]!,
      stride: x.strides[d + 2]!,
      phase: null,
    })),
    batch: groupLoop(spec.groups, [
      rows * w.strides[0]!,
      channels * x.strides[1]!,
      rows * out.strides[1]!,
      rows * biasStep,
    ]),
    alpha: 1,
    accumulate,
  });
}

/**
 * gradX = the gradient of the input, given the output's; also a transposed convolution of `grad`. Rows are a group's input
 * channels, columns images and positions, steps output channels and taps: (i + padding - t · dilation) / stride is read,
 * where that is whole. With a stride, positions of one remainder use the same taps and are a batch of their own. `accumulate`
 * adds to gradX.
 */
export function convBackwardInput(
  commands: Commands,
  memory: Memory,
  grad: View,
  w: View,
  gradX: View,
  spec: ConvSpec,
  accumulate = false,
): void {
  if (gradX.elementCount === 0) return;
  const rows = w.shape[1]!;
  const channels = w.shape[0]! / spec.groups;
  const phased = spec.stride.some((stride) => stride > 1);
  const tapSteps = spec.stride.map((stride, d) => stride / greatestCommonDivisor(stride, spec.dilation[d]!));
  const window = spec.stride.map((stride, d): WindowAxis => {
    const [padding, dilation, tapStep] = [spec.padding[d]!, spec.dilation[d]!, tapSteps[d]!];
    return {
      columnMove: 1,
      stepMove: -(tapStep * dilation) / stride,
      shift: padding,
      bound: grad.shape[d + 2]!,
      stride: grad.strides[d + 2]!,
      phase: phased ? { stride, padding, dilation, taps: w.shape[d + 2]!, tapStep, size: gradX.shape[d + 2]! } : null,
    };
  });
  const inPhase = (size: number, step: number): number => Math.ceil(size / step);
  contract(commands, memory, {
    name: 'convolutionInput',
    a: w,
    b: grad,
    out: gradX,
    bias: null,
    rows,
    rowStrides: [w.strides[1]!, gradX.strides[1]!, 0],
    columnSizes: [gradX.shape[0]!, ...spec.stride.map((stride, d) => inPhase(gradX.shape[d + 2]!, stride))],
    columnOut: stridesAfter(gradX, gradX.strides[0]!),
    columnB: grad.strides[0]!,
    columnBias: 0,
    stepSizes: [channels, ...tapSteps.map((tapStep, d) => inPhase(w.shape[d + 2]!, tapStep))],
    stepA: stridesAfter(w, w.strides[0]!),
    stepB: grad.strides[1]!,
    stepsOfB: false,
    window,
    batch: groupLoop(spec.groups, [channels * w.strides[0]!, channels * grad.strides[1]!, rows * gradX.strides[1]!, 0]),
    alpha: 1,
    accumulate,
  });
}

/**
 * gradW = the gradient of the weights, given the output's. Rows are a group's output channels, columns input channels and
 * taps, steps images and positions: many, so that they are cut into chunks. `accumulate` adds to gradW.
 */
export function convBackwardWeight(
  commands: Commands,
  memory: Memory,
  grad: View,
  x: View,
  gradW: View,
  spec: ConvSpec,
  accumulate = false,
): void {
  if (gradW.elementCount === 0) return;
  const rows = gradW.shape[0]! / spec.groups;
  const channels = gradW.shape[1]!;
  contract(commands, memory, {
    name: 'convolutionWeight',
    a: grad,
    b: x,
    out: gradW,
    bias: null,
    rows,
    rowStrides: [grad.strides[1]!, gradW.strides[0]!, 0],
    columnSizes: sizesAfter(gradW, channels),
    columnOut: stridesAfter(gradW, gradW.strides[1]!),
    columnB: x.strides[1]!,
    columnBias: 0,
    stepSizes: sizesAfter(grad, grad.shape[0]!),
    stepA: stridesAfter(grad, grad.strides[0]!),
    stepB: x.strides[0]!,
    stepsOfB: true,
    window: spec.stride.map((stride, d) => ({
      columnMove: spec.dilation[d]!,
      stepMove: stride,
      shift: -spec.padding[d]!,
      bound: x.shape[d + 2]!,
      stride: x.strides[d + 2]!,
      phase: null,
    })),
    batch: groupLoop(spec.groups, [rows * grad.strides[1]!, channels * x.strides[1]!, rows * gradW.strides[0]!, 0]),
    alpha: 1,
    accumulate,
  });
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
