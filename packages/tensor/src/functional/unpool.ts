/** @file The way back from max pooling, and pooling by power averages. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { shownAs } from '../record.ts';
import { formatShape, sameShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { avgPool1d, avgPool2d } from './pool.ts';
import { perDimension } from './spatial.ts';

type Sizes = number | readonly number[];

export interface MaxUnpoolOptions {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  padding?: Sizes | undefined;
  /** The output's spatial sizes, or its whole shape; by default what stride and padding give. */
  outputSize?: readonly number[] | null | undefined;
}

interface Unpool {
  stride: Sizes | null;
  padding: Sizes;
  outputSize: readonly number[] | null;
}

type UnpoolArguments = Trailing<
  [stride: Sizes | null, padding: Sizes, outputSize: readonly number[] | null],
  MaxUnpoolOptions
>;

function maxUnpool(
  op: string,
  spatial: number,
  input: Tensor,
  indices: Tensor,
  kernelSize: Sizes,
  args: readonly unknown[],
): Tensor {
  const given = signature<Unpool>(op, ['stride', 'padding', 'outputSize'], {
    stride: null,
    padding: 0,
    outputSize: null,
  })(args);
  if (input.ndim !== spatial + 1 && input.ndim !== spatial + 2) {
    throw new ShapeError(
      `${op}(): input must be [N, C, ...] or [C, ...] with ${spatial} spatial dimensions, got ${formatShape(input.shape)}`,
    );
  }
  if (!sameShape(input.shape, indices.shape)) {
    throw new ShapeError(
      `${op}(): indices ${formatShape(indices.shape)} must have the shape of input, ${formatShape(input.shape)}`,
    );
  }
  const kernel = perDimension(op, 'kernelSize', kernelSize, spatial);
  const stride = given.stride === null ? kernel : perDimension(op, 'stride', given.stride, spatial);
  const padding = perDimension(op, 'padding', given.padding, spatial);
  const own = input.shape.slice(-spatial);
  const usual = own.map((size, d) => (size - 1) * stride[d]! - 2 * padding[d]! + kernel[d]!);
  const sizes = given.outputSize?.slice(-spatial) ?? usual;
  if (sizes.length !== spatial)
    throw new ShapeError(`${op}(): outputSize must have ${spatial} numbers, got [${sizes.join(', ')}]`);
  const lead = input.shape.slice(0, -spatial);
  const planes = input.newZeros([...lead, sizes.reduce((n, size) => n * size, 1)]);
  const out = planes.scatter(-1, indices.flatten(-spatial), input.flatten(-spatial)).reshape([...lead, ...sizes]);
  return shownAs(`MaxUnpool${Math.max(spatial, 2)}DBackward0`, [input], out);
}

/**
 * Values put back at the positions that max pooling took them from, zeros elsewhere.
 * @param indices as `maxPool1d(…, { returnIndices: true })` gives them
 * @throws IndexError for a position outside the output.
 */
export function maxUnpool1d(input: Tensor, indices: Tensor, kernelSize: Sizes, ...args: UnpoolArguments): Tensor {
  if (state.autocasting) return withAutocast('maxUnpool1d', maxUnpool1d, input, indices, kernelSize, ...args);
  return maxUnpool('maxUnpool1d', 1, input, indices, kernelSize, args);
}

/** Images with values put back at the positions that max pooling took them from, zeros elsewhere. */
export function maxUnpool2d(input: Tensor, indices: Tensor, kernelSize: Sizes, ...args: UnpoolArguments): Tensor {
  if (state.autocasting) return withAutocast('maxUnpool2d', maxUnpool2d, input, indices, kernelSize, ...args);
  return maxUnpool('maxUnpool2d', 2, input, indices, kernelSize, args);
}

/** Volumes with values put back at the positions that max pooling took them from, zeros elsewhere. */
export function maxUnpool3d(input: Tensor, indices: Tensor, kernelSize: Sizes, ...args: UnpoolArguments): Tensor {
  if (state.autocasting) return withAutocast('maxUnpool3d', maxUnpool3d, input, indices, kernelSize, ...args);
  return maxUnpool('maxUnpool3d', 3, input, indices, kernelSize, args);
}

export interface LpPoolOptions {
  /** Default: the kernel size. */
  stride?: Sizes | null | undefined;
  /** Round the output size up. */
  ceilMode?: boolean | undefined;
}

type LpPoolArguments = Trailing<[stride: Sizes | null, ceilMode: boolean], LpPoolOptions>;

interface LpPool {
  stride: Sizes | null;
  ceilMode: boolean;
}

/** (Σ xᵖ)^(1/p) over windows: the averages of the powers, times the window's size. A negative sum counts as 0, as in PyTorch. */
function lpPool(
  op: string,
  spatial: 1 | 2,
  input: Tensor,
  normType: number,
  kernelSize: Sizes,
  args: readonly unknown[],
): Tensor {
  const { stride, ceilMode } = signature<LpPool>(op, ['stride', 'ceilMode'], { stride: null, ceilMode: false })(args);
  const kernel = perDimension(op, 'kernelSize', kernelSize, spatial);
  const pool = spatial === 1 ? avgPool1d : avgPool2d;
  const means = pool(input.pow(normType), kernel, stride, 0, ceilMode);
  return means
    .sign()
    .mul(means.abs().relu())
    .mul(kernel.reduce((n, size) => n * size, 1))
    .pow(1 / normType);
}

/** The p-norm, p = normType, over windows of [N, C, L]. */
export function lpPool1d(input: Tensor, normType: number, kernelSize: Sizes, ...args: LpPoolArguments): Tensor {
  return lpPool('lpPool1d', 1, input, normType, kernelSize, args);
}

/** The p-norm, p = normType, over windows of images [N, C, H, W]. */
export function lpPool2d(input: Tensor, normType: number, kernelSize: Sizes, ...args: LpPoolArguments): Tensor {
  return lpPool('lpPool2d', 2, input, normType, kernelSize, args);
}
