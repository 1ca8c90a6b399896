/** @file Convolutions of any number of spatial dimensions, plain and transposed. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import type { ConvSpec } from '../backend.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { checkTensor } from '../ops/make.ts';
import { mixedDevices } from '../pointwise.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import { Tensor } from '../tensor.ts';
import { constantPad } from './pad.ts';
import { perDimension } from './spatial.ts';

/**
 * Three bilinear ops that are each other's derivatives. In each, `x` [N, C, …] is the convolution's input, `w`
 * [O, C/groups, …] its weight, and `y` [N, O, …] its output.
 */
export interface ConvOps {
  /** y from (x, w, bias). */
  convolution: ConvSpec;
  /** The x-shaped result from (y, w, bias): the input's gradient, or a transposed convolution. */
  convolutionInput: ConvSpec & { size: readonly number[] };
  /** The w-shaped result from (y, x): the weight's gradient. */
  convolutionWeight: ConvSpec & { size: readonly number[] };
}

/** Size of a convolution's output along one dimension. */
const outputSize = (size: number, kernel: number, spec: ConvSpec, d: number): number =>
  Math.floor((size + 2 * spec.padding[d]! - spec.dilation[d]! * (kernel - 1) - 1) / spec.stride[d]!) + 1;

/**
 * The output of a convolution. Arguments are checked already. With `sizes` only the first so many positions of each
 * dimension: what a transposed convolution with much output padding came from is smaller than what would fit.
 */
export function convolution(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null,
  spec: ConvSpec,
  sizes: readonly number[] = x.shape.slice(2).map((size, d) => outputSize(size, w.shape[d + 2]!, spec, d)),
): Tensor {
  const out = allocateLike(x, [x.shape[0]!, w.shape[0]!, ...sizes]);
  backendFor(x.device).conv(x, w, bias, out, spec);
  return record('convolution', [x, w, bias], out, spec);
}

/** What `y` gives back to an input of shape `size`; with a bias, a transposed convolution. */
export function convolutionInput(
  y: Tensor,
  w: Tensor,
  bias: Tensor | null,
  size: readonly number[],
  spec: ConvSpec,
): Tensor {
  const out = allocateLike(y, size);
  backendFor(y.device).convBackwardInput(y, w, out, spec);
  if (bias !== null) {
    const channels = new Tensor(
      bias.storage,
      bias.dtype,
      [bias.shape[0]!, ...size.slice(2).map(() => 1)],
      [bias.strides[0]!, ...size.slice(2).map(() => 0)],
      bias.offset,
    );
    out.add_(channels);
    out.storage.version = 0;
  }
  return record('convolutionInput', [y, w, bias], out, { ...spec, size });
}

/** What `y` and `x` give to a weight of shape `size`. */
export function convolutionWeight(y: Tensor, x: Tensor, size: readonly number[], spec: ConvSpec): Tensor {
  const out = allocateLike(y, size);
  backendFor(y.device).convBackwardWeight(y, x, out, spec);
  return record('convolutionWeight', [y, x], out, { ...spec, size });
}

export interface ConvOptions {
  bias?: Tensor | null | undefined;
  stride?: number | readonly number[] | undefined;
  /** Zeros on both sides, or 'valid' for none, or 'same' for as many as keep the size (stride 1 only). */
  padding?: number | readonly number[] | 'valid' | 'same' | undefined;
  dilation?: number | readonly number[] | undefined;
  groups?: number | undefined;
}

export type ConvArguments = Trailing<
  [
    bias: Tensor | null,
    stride: number | readonly number[],
    padding: number | readonly number[] | 'valid' | 'same',
    dilation: number | readonly number[],
    groups: number,
  ],
  ConvOptions
>;

interface Parsed {
  bias: Tensor | null;
  stride: number | readonly number[];
  padding: number | readonly number[] | string;
  dilation: number | readonly number[];
  groups: number;
}

function checkTensors(op: string, x: Tensor, w: Tensor, bias: Tensor | null, spatial: number): void {
  checkTensor(op, 'input', x);
  checkTensor(op, 'weight', w);
  if (w.shape.length !== spatial + 2)
    throw new ShapeError(`${op}(): weight must be ${spatial + 2}-d, got ${formatShape(w.shape)}`);
  if (x.shape.length !== spatial + 2 && x.shape.length !== spatial + 1) {
    throw new ShapeError(
      `${op}(): input must be [N, C, ...] or [C, ...] with ${spatial} spatial dimensions, got ${formatShape(x.shape)}`,
    );
  }
  for (const operand of bias === null ? [w] : [w, bias]) {
    if (operand.device !== x.device) throw mixedDevices(op, x, operand);
    if (operand.dtype !== x.dtype)
      throw new DTypeError(
        `${op}(): input is ${x.dtype} but weight or bias ${operand.dtype}; convert one with .to(dtype)`,
      );
  }
}

function checkPositive(op: string, name: string, values: readonly number[], least: number): void {
  for (const value of values) {
    if (!Number.isInteger(value) || value < least)
      throw new RangeError(`${op}(): ${name} must be integers of at least ${least}, got [${values.join(', ')}]`);
  }
}

function checkGroups(
  op: string,
  groups: number,
  channels: number,
  perGroup: number,
  out: number,
  x: Tensor,
  w: Tensor,
): void {
  checkPositive(op, 'groups', [groups], 1);
  if (channels !== perGroup * groups || out % groups !== 0) {
    throw new ShapeError(
      `${op}(): input ${formatShape(x.shape)} has ${channels} channels, but weight ${formatShape(w.shape)} with groups ${groups} takes ${perGroup * groups}` +
        (out % groups === 0 ? '' : `, and ${out} output channels do not divide into ${groups} groups`),
    );
  }
}

/** Convolution by an input with or without a batch dimension. */
function conv(op: string, spatial: number, input: Tensor, w: Tensor, parsed: Parsed): Tensor {
  const { groups } = parsed;
  let { bias } = parsed;
  if (state.autocasting) [input, w, bias] = autocastOperands(op, [input, w, bias] as const);
  checkTensors(op, input, w, bias, spatial);
  const stride = perDimension(op, 'stride', parsed.stride, spatial);
  const dilation = perDimension(op, 'dilation', parsed.dilation, spatial);
  checkPositive(op, 'stride', stride, 1);
  checkPositive(op, 'dilation', dilation, 1);
  let x = input.shape.length === spatial + 2 ? input : input.unsqueeze(0);
  const kernel = w.shape.slice(2);
  let padding: number[];
  if (typeof parsed.padding === 'string') [x, padding] = namedPadding(op, x, parsed.padding, kernel, stride, dilation);
  else padding = perDimension(op, 'padding', parsed.padding, spatial);
  checkPositive(op, 'padding', padding, 0);
  checkGroups(op, groups, x.shape[1]!, w.shape[1]!, w.shape[0]!, input, w);
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0])) {
    throw new ShapeError(
      `${op}(): bias ${formatShape(bias.shape)} does not fit weight ${formatShape(w.shape)}: expected [${w.shape[0]}]`,
    );
  }
  const spec: ConvSpec = { stride, padding, dilation, groups };
  x.shape.slice(2).forEach((size, d) => {
    if (outputSize(size, kernel[d]!, spec, d) < 1) {
      throw new ShapeError(
        `${op}(): the kernel ${formatShape(kernel)} (dilation ${formatShape(dilation)}) is larger than the padded input ${formatShape(input.shape)}`,
      );
    }
  });
  const out = convolution(x, w, bias, spec);
  return input.shape.length === spatial + 2 ? out : out.squeeze(0);
}

function namedPadding(
  op: string,
  x: Tensor,
  name: string,
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): [Tensor, number[]] {
  if (name === 'valid') return [x, kernel.map(() => 0)];
  if (name !== 'same') throw new TypeError(`${op}(): padding must be numbers, 'valid' or 'same', got '${name}'`);
  if (stride.some((s) => s !== 1))
    throw new RangeError(`${op}(): padding 'same' needs stride 1, got ${formatShape(stride)}`);
  const total = kernel.map((k, d) => dilation[d]! * (k - 1));
  // An odd total has its extra zero at the end.
  const extra = total.map((t) => t % 2);
  const padded = extra.some((e) => e > 0)
    ? constantPad(
        x,
        extra.toReversed().flatMap((e) => [0, e]),
        0,
      )
    : x;
  return [padded, total.map((t) => Math.floor(t / 2))];
}

function parser(op: string): (args: readonly unknown[]) => Parsed {
  return signature<Parsed>(op, ['bias', 'stride', 'padding', 'dilation', 'groups'], {
    bias: null,
    stride: 1,
    padding: 0,
    dilation: 1,
    groups: 1,
  });
}

const [parse1, parse2, parse3] = [parser('conv1d'), parser('conv2d'), parser('conv3d')];

/** Cross-correlation over one spatial dimension: input [N, C, L], weight [O, C/groups, K] → [N, O, L']. */
export function conv1d(input: Tensor, weight: Tensor, ...args: ConvArguments): Tensor {
  return conv('conv1d', 1, input, weight, parse1(args));
}

/**
 * Cross-correlation over images: input [N, C, H, W] (or [C, H, W]), weight [O, C/groups, KH, KW] → [N, O, H', W'].
 *
 * ```ts
 * conv2d(zeros(1, 3, 8, 8), zeros(4, 3, 3, 3), { padding: 1 }).shape; // [1, 4, 8, 8]
 * ```
 * @throws ShapeError when channels, groups or kernel do not fit the input.
 */
export function conv2d(input: Tensor, weight: Tensor, ...args: ConvArguments): Tensor {
  return conv('conv2d', 2, input, weight, parse2(args));
}

/** Cross-correlation over volumes: input [N, C, D, H, W], weight [O, C/groups, KD, KH, KW]. */
export function conv3d(input: Tensor, weight: Tensor, ...args: ConvArguments): Tensor {
  return conv('conv3d', 3, input, weight, parse3(args));
}

export interface ConvTransposeOptions {
  bias?: Tensor | null | undefined;
  stride?: number | readonly number[] | undefined;
  padding?: number | readonly number[] | undefined;
  /** Added to one side of the output, to choose among the sizes that a strided convolution maps to this input. */
  outputPadding?: number | readonly number[] | undefined;
  groups?: number | undefined;
  dilation?: number | readonly number[] | undefined;
}

export type ConvTransposeArguments = Trailing<
  [
    bias: Tensor | null,
    stride: number | readonly number[],
    padding: number | readonly number[],
    outputPadding: number | readonly number[],
    groups: number,
    dilation: number | readonly number[],
  ],
  ConvTransposeOptions
>;

interface ParsedTransposed {
  bias: Tensor | null;
  stride: number | readonly number[];
  padding: number | readonly number[];
  outputPadding: number | readonly number[];
  groups: number;
  dilation: number | readonly number[];
}

function transposed(op: string, spatial: number, input: Tensor, w: Tensor, args: readonly unknown[]): Tensor {
  const parsed = signature<ParsedTransposed>(op, ['bias', 'stride', 'padding', 'outputPadding', 'groups', 'dilation'], {
    bias: null,
    stride: 1,
    padding: 0,
    outputPadding: 0,
    groups: 1,
    dilation: 1,
  })(args);
  const { groups } = parsed;
  let { bias } = parsed;
  if (state.autocasting) [input, w, bias] = autocastOperands(op, [input, w, bias] as const);
  checkTensors(op, input, w, bias, spatial);
  const [stride, padding, extra, dilation] = (['stride', 'padding', 'outputPadding', 'dilation'] as const).map((name) =>
    perDimension(op, name, parsed[name], spatial),
  ) as [number[], number[], number[], number[]];
  checkPositive(op, 'stride', stride, 1);
  checkPositive(op, 'dilation', dilation, 1);
  checkPositive(op, 'padding', padding, 0);
  checkPositive(op, 'outputPadding', extra, 0);
  extra.forEach((e, d) => {
    if (e >= stride[d]! && e >= dilation[d]!)
      throw new RangeError(
        `${op}(): outputPadding must be smaller than stride or dilation, got ${e} with stride ${stride[d]} and dilation ${dilation[d]}`,
      );
  });
  const y = input.shape.length === spatial + 2 ? input : input.unsqueeze(0);
  checkGroups(op, groups, y.shape[1]!, w.shape[0]! / groups, w.shape[1]! * groups, input, w);
  const outChannels = w.shape[1]! * groups;
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== outChannels)) {
    throw new ShapeError(
      `${op}(): bias ${formatShape(bias.shape)} does not fit weight ${formatShape(w.shape)}: expected [${outChannels}]`,
    );
  }
  const sizes = y.shape
    .slice(2)
    .map((size, d) => (size - 1) * stride[d]! - 2 * padding[d]! + dilation[d]! * (w.shape[d + 2]! - 1) + extra[d]! + 1);
  if (sizes.some((size) => size < 1))
    throw new ShapeError(
      `${op}(): the output of input ${formatShape(input.shape)} and weight ${formatShape(w.shape)} would have no elements: ${formatShape(sizes)}`,
    );
  const out = convolutionInput(y, w, bias, [y.shape[0]!, outChannels, ...sizes], { stride, padding, dilation, groups });
  return input.shape.length === spatial + 2 ? out : out.squeeze(0);
}

/** Transposed convolution over one dimension: input [N, C, L], weight [C, O/groups, K]. */
export function convTranspose1d(input: Tensor, weight: Tensor, ...args: ConvTransposeArguments): Tensor {
  return transposed('convTranspose1d', 1, input, weight, args);
}

/** Transposed convolution over images ("deconvolution"): input [N, C, H, W], weight [C, O/groups, KH, KW]. */
export function convTranspose2d(input: Tensor, weight: Tensor, ...args: ConvTransposeArguments): Tensor {
  return transposed('convTranspose2d', 2, input, weight, args);
}

/** Transposed convolution over volumes: input [N, C, D, H, W], weight [C, O/groups, KD, KH, KW]. */
export function convTranspose3d(input: Tensor, weight: Tensor, ...args: ConvTransposeArguments): Tensor {
  return transposed('convTranspose3d', 3, input, weight, args);
}
