/** @file Rearrangements of channels and pixels. */

import { signature } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { shownAs } from '../record.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

function checkFactor(op: string, name: string, factor: number): void {
  if (!Number.isInteger(factor) || factor < 1)
    throw new RangeError(`${op}(): ${name} must be a positive integer, got ${factor}`);
}

function checkImage(op: string, input: Tensor): void {
  if (input.ndim < 3) throw new ShapeError(`${op}(): input must be [..., C, H, W], got ${formatShape(input.shape)}`);
}

const parsePixelShuffle = signature<{ upscaleFactor: number }>('pixelShuffle', ['upscaleFactor'], {});

/**
 * [..., C·r², H, W] as [..., C, H·r, W·r]: the channels of a pixel become r × r pixels (Shi et al., 2016).
 * @throws ShapeError when the channels do not divide by r².
 */
export function pixelShuffle(input: Tensor, ...args: [upscaleFactor: number] | [{ upscaleFactor: number }]): Tensor {
  const { upscaleFactor } = parsePixelShuffle(args);
  const op = 'pixelShuffle';
  checkImage(op, input);
  checkFactor(op, 'upscaleFactor', upscaleFactor);
  const r = upscaleFactor;
  const lead = input.shape.slice(0, -3);
  const [channels, height, width] = input.shape.slice(-3) as [number, number, number];
  if (channels % r ** 2 !== 0)
    throw new ShapeError(`${op}(): ${channels} channels of ${formatShape(input.shape)} do not divide by ${r}²`);
  const out = channels / r ** 2;
  const n = lead.length;
  const blocks = input.reshape([...lead, out, r, r, height, width]);
  const pixels = blocks.permute([...lead.keys(), n, n + 3, n + 1, n + 4, n + 2]);
  return shownAs('PixelShuffleBackward0', [input], pixels.reshape([...lead, out, height * r, width * r]));
}

const parsePixelUnshuffle = signature<{ downscaleFactor: number }>('pixelUnshuffle', ['downscaleFactor'], {});

/**
 * [..., C, H·r, W·r] as [..., C·r², H, W]: the inverse of {@link pixelShuffle}.
 * @throws ShapeError when height or width does not divide by r.
 */
export function pixelUnshuffle(
  input: Tensor,
  ...args: [downscaleFactor: number] | [{ downscaleFactor: number }]
): Tensor {
  const { downscaleFactor } = parsePixelUnshuffle(args);
  const op = 'pixelUnshuffle';
  checkImage(op, input);
  checkFactor(op, 'downscaleFactor', downscaleFactor);
  const r = downscaleFactor;
  const lead = input.shape.slice(0, -3);
  const [channels, height, width] = input.shape.slice(-3) as [number, number, number];
  if (height % r !== 0 || width % r !== 0)
    throw new ShapeError(`${op}(): height and width of ${formatShape(input.shape)} do not divide by ${r}`);
  const n = lead.length;
  const blocks = input.reshape([...lead, channels, height / r, r, width / r, r]);
  const moved = blocks.permute([...lead.keys(), n, n + 2, n + 4, n + 1, n + 3]);
  return shownAs(
    'PixelUnshuffleBackward0',
    [input],
    moved.reshape([...lead, channels * r ** 2, height / r, width / r]),
  );
}

const parseChannelShuffle = signature<{ groups: number }>('channelShuffle', ['groups'], {});

/**
 * Deals the channels of [N, C, ...] out over `groups` (Zhang et al., 2018).
 * @throws ShapeError when the channels do not divide by groups.
 */
export function channelShuffle(input: Tensor, ...args: [groups: number] | [{ groups: number }]): Tensor {
  const { groups } = parseChannelShuffle(args);
  if (input.ndim < 3)
    throw new ShapeError(
      `channelShuffle(): input must be [N, C, ...] with more than 2 dimensions, got ${formatShape(input.shape)}`,
    );
  checkFactor('channelShuffle', 'groups', groups);
  const [batch, channels, ...rest] = input.shape as [number, number, ...number[]];
  if (channels % groups !== 0)
    throw new ShapeError(`channelShuffle(): ${channels} channels do not divide by ${groups} groups`);
  return input
    .reshape([batch, groups, channels / groups, ...rest])
    .transpose(1, 2)
    .reshape(input.shape);
}
