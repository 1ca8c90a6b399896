/** @file Pooling to a given output size: windows that cover the input evenly. */

import { signature } from '../args.ts';
import { autocastOperands, withAutocast } from '../autocast.ts';
import { fromTypedArray } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { shownAs } from '../record.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { pickTaps, resample, windowTaps } from './resampling.ts';

/** A size for all spatial dimensions, or one for each; null keeps the input's. */
export type AdaptiveSize = number | null | readonly (number | null)[];

function outputSizes(op: string, input: Tensor, size: AdaptiveSize, spatial: number): number[] {
  if (input.ndim !== spatial + 1 && input.ndim !== spatial + 2) {
    throw new ShapeError(
      `${op}(): input must be [N, C, ...] or [C, ...] with ${spatial} spatial dimensions, got ${formatShape(input.shape)}`,
    );
  }
  const given = typeof size === 'number' || size === null ? new Array<number | null>(spatial).fill(size) : size;
  if (given.length !== spatial)
    throw new ShapeError(`${op}(): outputSize must have ${spatial} numbers, got [${given.join(', ')}]`);
  const own = input.shape.slice(-spatial);
  const sizes = given.map((n, i) => n ?? own[i]!);
  if (sizes.some((n) => !Number.isInteger(n) || n < 0))
    throw new RangeError(`${op}(): outputSize must be integers of at least 0, got [${sizes.join(', ')}]`);
  if (own.includes(0))
    throw new ShapeError(`${op}(): input ${formatShape(input.shape)} has no elements in its spatial dimensions`);
  return sizes;
}

/** Means over windows, one dimension at a time; where all windows are alike, of all dimensions at once. */
function averages(input: Tensor, sizes: readonly number[]): Tensor {
  return temporaries(() => {
    const first = input.ndim - sizes.length;
    const own = input.shape.slice(first);
    if (sizes.every((n) => n === 1))
      return input.mean(
        own.map((_, i) => first + i),
        true,
      );
    if (sizes.every((n, i) => n > 0 && own[i]! % n === 0)) {
      const blocks = input.reshape([...input.shape.slice(0, first), ...sizes.flatMap((n, i) => [n, own[i]! / n])]);
      return blocks.mean(sizes.map((_, i) => first + 2 * i + 1));
    }
    let out = input;
    for (let i = sizes.length - 1; i >= 0; i--) out = resample(out, first + i, windowTaps(own[i]!, sizes[i]!));
    return out;
  });
}

/** In PyTorch these are nodes of their own, but for a single window, which is a mean there too. */
function shownAverages(input: Tensor, sizes: readonly number[]): Tensor {
  const out = averages(input, sizes);
  if (sizes.every((n) => n === 1)) return out;
  return shownAs(`AdaptiveAvgPool${sizes.length}DBackward0`, [input], out);
}

/** Averages of [N, C, L] or [C, L] over `outputSize` windows that cover L evenly. */
export function adaptiveAvgPool1d(input: Tensor, outputSize: AdaptiveSize): Tensor {
  return averages(input, outputSizes('adaptiveAvgPool1d', input, outputSize, 1));
}

/**
 * Averages of images [N, C, H, W] or [C, H, W] over windows that cover them evenly.
 *
 * ```ts
 * F.adaptiveAvgPool2d(ones(1, 64, 7, 7), 1).shape; // [1, 64, 1, 1]
 * ```
 */
export function adaptiveAvgPool2d(input: Tensor, outputSize: AdaptiveSize): Tensor {
  return shownAverages(input, outputSizes('adaptiveAvgPool2d', input, outputSize, 2));
}

/** Averages of volumes [N, C, D, H, W] or [C, D, H, W] over windows that cover them evenly. */
export function adaptiveAvgPool3d(input: Tensor, outputSize: AdaptiveSize): Tensor {
  if (state.autocasting) return withAutocast('adaptiveAvgPool3d', adaptiveAvgPool3d, input, outputSize);
  return shownAverages(input, outputSizes('adaptiveAvgPool3d', input, outputSize, 3));
}

export interface ReturnIndices {
  /** Also gives the positions of the maxima in each input plane (int32). */
  returnIndices?: boolean | undefined;
}

/** Maxima over windows, one dimension after the other from the last; ties go to the first in the order of memory. */
function maxima(input: Tensor, sizes: readonly number[]): [values: Tensor, positions: Tensor] {
  return temporaries(() => {
    const first = input.ndim - sizes.length;
    const own = input.shape.slice(first);
    let values = input;
    let positions: Tensor | null = null;
    let step = 1;
    for (let i = sizes.length - 1; i >= 0; i--) {
      const dim = first + i;
      const taps = windowTaps(own[i]!, sizes[i]!);
      const candidates = pickTaps(values, dim, taps);
      const [best, which] = candidates.max(dim + 1) as unknown as [Tensor, Tensor];
      const along = fromTypedArray(taps.positions)
        .to(input.device)
        .view([sizes[i]!, taps.taps, ...values.shape.slice(dim + 1).map(() => 1)]);
      const chosen = which.unsqueeze(dim + 1);
      const pickedFrom = (table: Tensor): Tensor =>
        table
          .expand(candidates.shape)
          .gather(dim + 1, chosen)
          .squeeze(dim + 1);
      const here = pickedFrom(along).mul(step);
      positions = positions === null ? here : here.add(pickedFrom(pickTaps(positions, dim, taps)));
      values = best;
      step *= own[i]!;
    }
    return [values, positions!];
  });
}

type AdaptiveMaxArguments = [outputSize: AdaptiveSize, ...rest: [returnIndices?: boolean | ReturnIndices]];

function adaptiveMaxPool(
  op: string,
  input: Tensor,
  args: AdaptiveMaxArguments,
  spatial: number,
): Tensor | [Tensor, Tensor] {
  const { outputSize, returnIndices } = signature<{ outputSize: AdaptiveSize; returnIndices: boolean }>(
    op,
    ['outputSize', 'returnIndices'],
    {
      returnIndices: false,
    },
  )(args);
  const [values, positions] = maxima(input, outputSizes(op, input, outputSize, spatial));
  if (spatial > 1) shownAs(`AdaptiveMaxPool${spatial}DBackward0`, [input], values);
  return returnIndices ? [values, positions] : values;
}

/** Maxima of [N, C, L] or [C, L] over `outputSize` windows that cover L evenly. */
export function adaptiveMaxPool1d(
  input: Tensor,
  outputSize: AdaptiveSize,
  returnIndices: true | { returnIndices: true },
): [Tensor, Tensor];
export function adaptiveMaxPool1d(input: Tensor, ...args: AdaptiveMaxArguments): Tensor;
export function adaptiveMaxPool1d(input: Tensor, ...args: AdaptiveMaxArguments): Tensor | [Tensor, Tensor] {
  return adaptiveMaxPool('adaptiveMaxPool1d', input, args, 1);
}

/** Maxima of images [N, C, H, W] or [C, H, W] over windows that cover them evenly. */
export function adaptiveMaxPool2d(
  input: Tensor,
  outputSize: AdaptiveSize,
  returnIndices: true | { returnIndices: true },
): [Tensor, Tensor];
export function adaptiveMaxPool2d(input: Tensor, ...args: AdaptiveMaxArguments): Tensor;
export function adaptiveMaxPool2d(input: Tensor, ...args: AdaptiveMaxArguments): Tensor | [Tensor, Tensor] {
  return adaptiveMaxPool('adaptiveMaxPool2d', input, args, 2);
}

/** Maxima of volumes [N, C, D, H, W] or [C, D, H, W] over windows that cover them evenly. */
export function adaptiveMaxPool3d(
  input: Tensor,
  outputSize: AdaptiveSize,
  returnIndices: true | { returnIndices: true },
): [Tensor, Tensor];
export function adaptiveMaxPool3d(input: Tensor, ...args: AdaptiveMaxArguments): Tensor;
export function adaptiveMaxPool3d(input: Tensor, ...args: AdaptiveMaxArguments): Tensor | [Tensor, Tensor] {
  if (state.autocasting) [input] = autocastOperands('adaptiveMaxPool3d', [input] as const);
  return adaptiveMaxPool('adaptiveMaxPool3d', input, args, 3);
}
