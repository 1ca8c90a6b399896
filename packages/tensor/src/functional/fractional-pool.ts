/** @file Max pooling over windows at random, nearly even distances. Graham 2014. */

import { signature, type Trailing } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import { arange, full } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { cat } from '../ops/join.ts';
import { rand } from '../random-functions.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { perDimension } from './spatial.ts';

type Sizes = number | readonly number[];

export interface FractionalMaxPoolOptions<Indices extends boolean = boolean> {
  /** This or `outputRatio`. */
  outputSize?: Sizes | null | undefined;
  /** Output size over input size, each in (0, 1). */
  outputRatio?: number | readonly number[] | null | undefined;
  /** Also returns the positions of the maxima in their input planes (int32). */
  returnIndices?: Indices | undefined;
  /** [N, C, dimensions] numbers in [0, 1) that place the windows, instead of random ones. */
  _randomSamples?: Tensor | null | undefined;
}

interface Given {
  outputSize: Sizes | null;
  outputRatio: number | readonly number[] | null;
  returnIndices: boolean;
  _randomSamples: Tensor | null;
}

export type FractionalMaxPoolArguments<Indices extends boolean> = Trailing<
  [outputSize: Sizes | null, outputRatio: number | readonly number[] | null, returnIndices: Indices],
  FractionalMaxPoolOptions<Indices>
>;

export type FractionalMaxPoolResult<Indices extends boolean> = Indices extends true
  ? [output: Tensor, indices: Tensor]
  : Tensor;

/**
 * Where the windows of each plane start in one dimension, int32 [planes, output]: steps of `(input − kernel) / (output − 1)`,
 * rounded down from a random start in `samples` [planes]; the last window is at the end.
 */
function starts(samples: Tensor, input: number, output: number, kernel: number): Tensor {
  const { dtype, device } = samples;
  const sample = samples.unsqueeze(1);
  const last = full([samples.elementCount, 1], input - kernel, { dtype: 'int32', device });
  if (output === 1) return last;
  const step = (input - kernel) / (output - 1);
  const first = arange(output - 1, { dtype, device });
  const from = first.add(sample).mul(step).to('int32').sub(sample.mul(step).to('int32'));
  return cat([from, last], 1);
}

function outputSizes(op: string, given: Given, spatial: readonly number[]): number[] {
  if ((given.outputSize === null) === (given.outputRatio === null))
    throw new TypeError(`${op}(): give either outputSize or outputRatio`);
  if (given.outputSize !== null) return perDimension(op, 'outputSize', given.outputSize, spatial.length);
  const ratios =
    typeof given.outputRatio === 'number' ? spatial.map(() => given.outputRatio as number) : given.outputRatio!;
  if (ratios.length !== spatial.length || ratios.some((ratio) => !(ratio > 0 && ratio < 1))) {
    throw new RangeError(
      `${op}(): outputRatio must be between 0 and 1 for each of ${spatial.length} dimensions, got ${ratios.join(', ')}`,
    );
  }
  return spatial.map((size, d) => Math.trunc(size * ratios[d]!));
}

/**
 * Positions in their planes of all elements of all windows, int32 [planes, windows · elements of a window]: windows
 * row-major, elements row-major in each.
 * @param samples [planes, dimensions]
 */
function windowPositions(
  samples: Tensor,
  spatial: readonly number[],
  sizes: readonly number[],
  kernel: readonly number[],
): Tensor {
  const dims = spatial.length;
  // One axis for the planes, one for each dimension of the windows, one for each dimension in a window.
  const along = (x: Tensor, planes: number, axis: number): Tensor =>
    x.view([planes, ...Array.from({ length: 2 * dims }, (_, d) => (d === axis ? -1 : 1))]);
  let positions: Tensor | null = null;
  spatial.forEach((size, d) => {
    // PyTorch lists the samples from the last dimension to the first in two dimensions, and the other way round in three.
    const own = samples.select(1, dims === 2 ? dims - 1 - d : d);
    const first = along(starts(own, size, sizes[d]!, kernel[d]!), samples.shape[0]!, d);
    const inside = along(arange(kernel[d]!, { dtype: 'int32', device: samples.device }), 1, dims + d);
    const here = first.add(inside);
    positions = positions === null ? here : (positions as Tensor).mul(size).add(here);
  });
  return positions!.flatten(1);
}

function fractionalMaxPool(
  op: string,
  dims: number,
  input: Tensor,
  kernelSize: Sizes,
  args: readonly unknown[],
): Tensor | [Tensor, Tensor] {
  const given = signature<Given>(op, ['outputSize', 'outputRatio', 'returnIndices', '_randomSamples'], {
    outputSize: null,
    outputRatio: null,
    returnIndices: false,
    _randomSamples: null,
  })(args);
  if (input.ndim !== dims + 1 && input.ndim !== dims + 2)
    throw new ShapeError(
      `${op}(): input must be [N, C, …] or [C, …] with ${dims} spatial dimensions, got ${formatShape(input.shape)}`,
    );
  const x = input.ndim === dims + 2 ? input : input.unsqueeze(0);
  const [batch, channels, ...spatial] = x.shape as readonly [number, number, ...number[]];
  const kernel = perDimension(op, 'kernelSize', kernelSize, dims);
  const sizes = outputSizes(op, given, spatial);
  spatial.forEach((size, d) => {
    if (!(sizes[d]! >= 1 && sizes[d]! + kernel[d]! - 1 <= size))
      throw new ShapeError(
        `${op}(): output size ${formatShape(sizes)} and kernel ${formatShape(kernel)} do not fit input ${formatShape(input.shape)}`,
      );
  });
  const samples = given._randomSamples ?? rand([batch, channels, dims], { dtype: x.dtype, device: x.device });
  const elements = kernel.reduce((n, size) => n * size, 1);
  const windows = sizes.reduce((n, size) => n * size, 1);
  const index = untracked(() => windowPositions(samples.flatten(0, 1), spatial, sizes, kernel)).view([
    batch,
    channels,
    windows * elements,
  ]);
  const values = x.flatten(2).gather(2, index).view([batch, channels, windows, elements]);
  const [output, place] = values.max(-1);
  const shape = input.ndim === dims + 2 ? [batch, channels, ...sizes] : [channels, ...sizes];
  if (!given.returnIndices) return output.view(shape);
  const indices = index.view([batch, channels, windows, elements]).gather(3, place.unsqueeze(-1)).squeeze(-1);
  return [output.view(shape), indices.view(shape)];
}

/** Maxima over windows of images [N, C, H, W] whose distances are random but nearly even. */
export function fractionalMaxPool2d<Indices extends boolean = false>(
  input: Tensor,
  kernelSize: Sizes,
  ...args: FractionalMaxPoolArguments<Indices>
): FractionalMaxPoolResult<Indices> {
  if (state.autocasting) [input] = autocastOperands('fractionalMaxPool2d', [input] as const);
  return fractionalMaxPool('fractionalMaxPool2d', 2, input, kernelSize, args) as FractionalMaxPoolResult<Indices>;
}

/** Maxima over windows of volumes [N, C, D, H, W] whose distances are random but nearly even. */
export function fractionalMaxPool3d<Indices extends boolean = false>(
  input: Tensor,
  kernelSize: Sizes,
  ...args: FractionalMaxPoolArguments<Indices>
): FractionalMaxPoolResult<Indices> {
  if (state.autocasting) [input] = autocastOperands('fractionalMaxPool3d', [input] as const);
  return fractionalMaxPool('fractionalMaxPool3d', 3, input, kernelSize, args) as FractionalMaxPoolResult<Indices>;
}
