/** @file Max and average pooling over any number of spatial dimensions. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import type { AvgPoolSpec, MaxPoolSpec } from '../backend.ts';
import { ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { perDimension } from './spatial.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface PoolOps {
  /** [maxima, positions] of (x). */
  maxPool: MaxPoolSpec;
  /** The x-shaped result of (y, positions): every y added at its position. */
  maxPoolInput: { size: readonly number[]; dims: number };
  avgPool: AvgPoolSpec;
  /** The x-shaped result of (y): every y spread over its window. */
  avgPoolInput: AvgPoolSpec & { size: readonly number[] };
}

interface Window {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

/** Output size along one dimension; with `ceil`, a last window that starts inside the input or its left padding counts too. */
function outputSize(size: number, window: Window, d: number, ceil: boolean): number {
  const [kernel, stride, padding, dilation] = [
    window.kernel[d]!,
    window.stride[d]!,
    window.padding[d]!,
    window.dilation[d]!,
  ];
  const room = size + 2 * padding - dilation * (kernel - 1) - 1;
  const count = (ceil ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  return ceil && (count - 1) * stride >= size + padding ? count - 1 : count;
}

function outputShape(op: string, x: Tensor, window: Window, ceil: boolean): number[] {
  const { kernel, padding } = window;
  for (const [name, values, least] of [
    ['kernelSize', kernel, 1],
    ['stride', window.stride, 1],
    ['padding', padding, 0],
    ['dilation', window.dilation, 1],
  ] as const) {
    if (values.some((v) => !Number.isInteger(v) || v < least))
      throw new RangeError(`${op}(): ${name} must be integers of at least ${least}, got [${values.join(', ')}]`);
  }
  padding.forEach((p, d) => {
    if (2 * p > kernel[d]!)
      throw new RangeError(`${op}(): padding ${p} is more than half of the kernel size ${kernel[d]}`);
  });
  const spatial = x.shape.slice(2).map((size, d) => outputSize(size, window, d, ceil));
  if (spatial.some((size) => size < 1) || x.shape.slice(1).includes(0)) {
    throw new ShapeError(
      `${op}(): input ${formatShape(x.shape)} is too small for kernel ${formatShape(kernel)}: the output would be ${formatShape(spatial)}`,
    );
  }
  return [x.shape[0]!, x.shape[1]!, ...spatial];
}

function withBatch(op: string, spatial: number, input: Tensor): Tensor {
  if (input.shape.length === spatial + 2) return input;
  if (input.shape.length === spatial + 1) return input.unsqueeze(0);
  throw new ShapeError(
    `${op}(): input must be [N, C, ...] or [C, ...] with ${spatial} spatial dimensions, got ${formatShape(input.shape)}`,
  );
}

type Sizes = number | readonly number[];

export interface MaxPoolOptions<Indices extends boolean = boolean> {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  padding?: Sizes | undefined;
  dilation?: Sizes | undefined;
  /** Round the output size up. */
  ceilMode?: boolean | undefined;
  /** Also returns the positions of the maxima in their input planes (int32). */
  returnIndices?: Indices | undefined;
}

export type MaxPoolArguments<Indices extends boolean> = Trailing<
  [stride: Sizes | null, padding: Sizes, dilation: Sizes, ceilMode: boolean, returnIndices: Indices],
  MaxPoolOptions<Indices>
>;

/** The maxima, with `returnIndices` and their positions. */
export type MaxPoolResult<Indices extends boolean> = Indices extends true ? [output: Tensor, indices: Tensor] : Tensor;

interface ParsedMaxPool {
  stride: Sizes | null;
  padding: Sizes;
  dilation: Sizes;
  ceilMode: boolean;
  returnIndices: boolean;
}

function maxPool(
  op: string,
  spatial: number,
  input: Tensor,
  kernelSize: Sizes,
  args: readonly unknown[],
): Tensor | [Tensor, Tensor] {
  return temporaries(() => {
    const parsed = signature<ParsedMaxPool>(op, ['stride', 'padding', 'dilation', 'ceilMode', 'returnIndices'], {
      stride: null,
      padding: 0,
      dilation: 1,
      ceilMode: false,
      returnIndices: false,
    })(args);
    const kernel = perDimension(op, 'kernelSize', kernelSize, spatial);
    const stride =
      parsed.stride === null || (Array.isArray(parsed.stride) && parsed.stride.length === 0)
        ? kernel
        : perDimension(op, 'stride', parsed.stride, spatial);
    const spec: MaxPoolSpec = {
      kernel,
      stride,
      padding: perDimension(op, 'padding', parsed.padding, spatial),
      dilation: perDimension(op, 'dilation', parsed.dilation, spatial),
    };
    const x = withBatch(op, spatial, input);
    const shape = outputShape(op, x, spec, parsed.ceilMode);
    const out = allocateLike(x, shape);
    const indices = allocateLike(x, shape, 'int32');
    backendFor(x.device).maxPool(x, out, indices, spec);
    record('maxPool', [x], [out, indices], spec);
    const results = x === input ? [out, indices] : [out.squeeze(0), indices.squeeze(0)];
    return parsed.returnIndices ? (results as [Tensor, Tensor]) : results[0]!;
  });
}

/** The values of `y` [N, C, …] added up at their positions in planes of `size`; the inverse of max pooling by `spec`. */
export function maxPoolInput(y: Tensor, indices: Tensor, size: readonly number[], spec: MaxPoolSpec): Tensor {
  const out = allocateLike(y, size);
  backendFor(y.device).maxPoolBackward(y, indices, out, spec);
  return record('maxPoolInput', [y, indices], out, { size, dims: size.length - 2 });
}

/** Maxima over windows of one spatial dimension, [N, C, L]. */
export function maxPool1d<Indices extends boolean = false>(
  input: Tensor,
  kernelSize: Sizes,
  ...args: MaxPoolArguments<Indices>
): MaxPoolResult<Indices> {
  return maxPool('maxPool1d', 1, input, kernelSize, args) as MaxPoolResult<Indices>;
}

/**
 * Maxima over windows of images, [N, C, H, W]. NaN wins. Gradients go to the first maximum of a window.
 *
 * ```ts
 * maxPool2d(zeros(1, 3, 8, 8), 2).shape; // [1, 3, 4, 4]
 * const [output, indices] = maxPool2d(zeros(1, 3, 8, 8), 2, { returnIndices: true });
 * ```
 */
export function maxPool2d<Indices extends boolean = false>(
  input: Tensor,
  kernelSize: Sizes,
  ...args: MaxPoolArguments<Indices>
): MaxPoolResult<Indices> {
  return maxPool('maxPool2d', 2, input, kernelSize, args) as MaxPoolResult<Indices>;
}

/** Maxima over windows of volumes, [N, C, D, H, W]. */
export function maxPool3d<Indices extends boolean = false>(
  input: Tensor,
  kernelSize: Sizes,
  ...args: MaxPoolArguments<Indices>
): MaxPoolResult<Indices> {
  if (state.autocasting) return withAutocast('maxPool3d', maxPool3d<Indices>, input, kernelSize, ...args);
  return maxPool('maxPool3d', 3, input, kernelSize, args) as MaxPoolResult<Indices>;
}

export interface AvgPoolOptions {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  padding?: Sizes | undefined;
  ceilMode?: boolean | undefined;
  /** Whether padding zeros count in the averages. */
  countIncludePad?: boolean | undefined;
  /** Divide by this instead of by the window's size. */
  divisorOverride?: number | null | undefined;
}

export type AvgPoolArguments = Trailing<
  [stride: Sizes | null, padding: Sizes, ceilMode: boolean, countIncludePad: boolean, divisorOverride: number | null],
  AvgPoolOptions
>;

interface ParsedAvgPool {
  stride: Sizes | null;
  padding: Sizes;
  ceilMode: boolean;
  countIncludePad: boolean;
  divisorOverride: number | null;
}

/** Averages of windows. Arguments are checked already. */
export function avgPoolOf(x: Tensor, shape: readonly number[], spec: AvgPoolSpec): Tensor {
  const out = allocateLike(x, shape);
  backendFor(x.device).avgPool(x, out, spec);
  return record('avgPool', [x], out, spec);
}

/** Values spread evenly over their windows of an input of shape `size`. */
export function avgPoolInput(y: Tensor, size: readonly number[], spec: AvgPoolSpec): Tensor {
  const out = allocateLike(y, size);
  backendFor(y.device).avgPoolBackward(y, out, spec);
  return record('avgPoolInput', [y], out, { ...spec, size });
}

function avgPool(op: string, spatial: number, input: Tensor, kernelSize: Sizes, args: readonly unknown[]): Tensor {
  const parsed = signature<ParsedAvgPool>(op, ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride'], {
    stride: null,
    padding: 0,
    ceilMode: false,
    countIncludePad: true,
    divisorOverride: null,
  })(args);
  const { countIncludePad, divisorOverride } = parsed;
  if (divisorOverride === 0) throw new RangeError(`${op}(): divisorOverride must not be 0`);
  const kernel = perDimension(op, 'kernelSize', kernelSize, spatial);
  const stride =
    parsed.stride === null || (Array.isArray(parsed.stride) && parsed.stride.length === 0)
      ? kernel
      : perDimension(op, 'stride', parsed.stride, spatial);
  const padding = perDimension(op, 'padding', parsed.padding, spatial);
  const x = withBatch(op, spatial, input);
  const shape = outputShape(op, x, { kernel, stride, padding, dilation: kernel.map(() => 1) }, parsed.ceilMode);
  const out = avgPoolOf(x, shape, { kernel, stride, padding, countIncludePad, divisorOverride });
  return x === input ? out : out.squeeze(0);
}

/** Averages over windows of one spatial dimension, [N, C, L]. */
export function avgPool1d(input: Tensor, kernelSize: Sizes, ...args: AvgPoolArguments): Tensor {
  return avgPool('avgPool1d', 1, input, kernelSize, args);
}

/** Averages over windows of images, [N, C, H, W]. */
export function avgPool2d(input: Tensor, kernelSize: Sizes, ...args: AvgPoolArguments): Tensor {
  return avgPool('avgPool2d', 2, input, kernelSize, args);
}

/** Averages over windows of volumes, [N, C, D, H, W]. */
export function avgPool3d(input: Tensor, kernelSize: Sizes, ...args: AvgPoolArguments): Tensor {
  if (state.autocasting) return withAutocast('avgPool3d', avgPool3d, input, kernelSize, ...args);
  return avgPool('avgPool3d', 3, input, kernelSize, args);
}
