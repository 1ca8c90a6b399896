/** @file Sampling of images at any points: affineGrid, gridSample. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { fromTypedArray } from '../creation.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { shownAs } from '../record.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';

export interface AlignCornersOption {
  /** Whether −1 and 1 are the centres of the outermost pixels, or (default) the edges of the image. */
  alignCorners?: boolean | null | undefined;
}

const parseAffine = signature<{ alignCorners: boolean | null }>('affineGrid', ['alignCorners'], { alignCorners: null });

/** `count` positions from −1 to 1: pixel centres, the outermost ones on the ends if corners are aligned. */
function positions(count: number, alignCorners: boolean, like: Tensor): Tensor {
  const at = (i: number): number => {
    if (alignCorners) return count > 1 ? (2 * i) / (count - 1) - 1 : 0;
    return (2 * i + 1) / count - 1;
  };
  return fromTypedArray(Float64Array.from({ length: count }, (_, i) => at(i))).to(like.device, like.dtype);
}

/**
 * The grid of points that {@link gridSample} reads to transform images by `theta`.
 * @param theta [N, 2, 3] for images, [N, 3, 4] for volumes: affine maps of output positions to input positions
 * @param size the output's shape, [N, C, H, W] or [N, C, D, H, W]
 * @returns [N, H, W, 2] or [N, D, H, W, 3]
 * @throws ShapeError when theta and size do not fit each other.
 */
export function affineGrid(
  theta: Tensor,
  size: readonly number[],
  ...args: Trailing<[alignCorners: boolean | null], AlignCornersOption>
): Tensor {
  const alignCorners = parseAffine(args).alignCorners ?? false;
  if (!isFloating(theta.dtype))
    throw new DTypeError(`affineGrid(): theta must be floating point, got ${theta.dtype}; convert with .to('float32')`);
  const spatial = size.length - 2;
  if ((spatial !== 2 && spatial !== 3) || formatShape(theta.shape) !== formatShape([size[0]!, spatial, spatial + 1])) {
    throw new ShapeError(
      `affineGrid(): theta ${formatShape(theta.shape)} does not fit size ${formatShape(size)}: expected [N, 2, 3] for [N, C, H, W], [N, 3, 4] for [N, C, D, H, W]`,
    );
  }
  const sizes = size.slice(2);
  // Coordinates come as (x, y, z): the last dimension first.
  const coordinates = sizes.map((_, i) => {
    const d = spatial - 1 - i;
    const line = positions(sizes[d]!, alignCorners, theta);
    return line
      .view(sizes.map((n, k) => (k === d ? n : 1)))
      .expand(sizes)
      .flatten();
  });
  // [N, points, spatial] as the sum of each coordinate times its column of theta, and the shift.
  const columns = coordinates.map((x, i) => x.view([1, -1, 1]).mul(theta.select(2, i).unsqueeze(1)));
  const shift = theta.select(2, spatial).unsqueeze(1);
  const points = columns.reduce((sum, column) => sum.add(column)).add(shift);
  return shownAs('AffineGridGeneratorBackward0', [theta], points.view([size[0]!, ...sizes, spatial]));
}

export interface GridSampleOptions extends AlignCornersOption {
  mode?: 'bilinear' | 'nearest' | 'bicubic' | undefined;
  /** What lies outside: zeros, the outermost pixels, or mirror images. */
  paddingMode?: 'zeros' | 'border' | 'reflection' | undefined;
}

interface Given {
  mode: 'bilinear' | 'nearest' | 'bicubic';
  paddingMode: 'zeros' | 'border' | 'reflection';
  alignCorners: boolean | null;
}

const parseSample = signature<Given>('gridSample', ['mode', 'paddingMode', 'alignCorners'], {
  mode: 'bilinear',
  paddingMode: 'zeros',
  alignCorners: null,
});

/** Positions −1 … 1 as pixel numbers. */
function pixels(grid: Tensor, size: number, alignCorners: boolean): Tensor {
  return alignCorners ? grid.add(1).mul((size - 1) / 2) : grid.add(1).mul(size).sub(1).div(2);
}

/** Mirrors positions at both ends until they lie within. */
function reflect(x: Tensor, size: number, alignCorners: boolean): Tensor {
  const [low, span] = alignCorners ? [0, size - 1] : [-0.5, size];
  if (span === 0) return x.mul(0);
  const away = x.sub(low).abs();
  const extra = away.fmod(span);
  const flips = away.detach().div(span).floor().remainder(2);
  const inside = extra.add(low);
  return inside.where(flips.eq(0), extra.neg().add(span + low));
}

/** Where to read for positions outside the image. 'zeros' leaves them: what is read there does not count. */
function placed(x: Tensor, size: number, paddingMode: Given['paddingMode'], alignCorners: boolean): Tensor {
  if (paddingMode === 'zeros') return x;
  const mirrored = paddingMode === 'reflection' ? reflect(x, size, alignCorners) : x;
  return mirrored.clamp(0, size - 1);
}

/** A read at whole pixels along one dimension, and its weight. */
interface Tap {
  /** Pixel numbers, whole but possibly outside. */
  readonly at: Tensor;
  readonly weight: Tensor | null;
}

/** Keys's cubic weights with a = −0.75 at −1, 0, 1, 2, for the distance t beyond 0. */
function cubicWeights(t: Tensor): Tensor[] {
  const a = -0.75;
  const near = (d: Tensor): Tensor =>
    d
      .mul(a + 2)
      .sub(a + 3)
      .mul(d)
      .mul(d)
      .add(1);
  const far = (d: Tensor): Tensor =>
    d
      .mul(a)
      .sub(5 * a)
      .mul(d)
      .add(8 * a)
      .mul(d)
      .sub(4 * a);
  return [far(t.add(1)), near(t), near(t.neg().add(1)), far(t.neg().add(2))];
}

function tapsOf(coordinate: Tensor, size: number, { mode, paddingMode, alignCorners }: Given): Tap[] {
  const corners = alignCorners ?? false;
  const x = pixels(coordinate, size, corners);
  if (mode === 'bicubic') {
    const base = x.detach().floor();
    // Each of the four pixels is placed, not the point between them.
    return cubicWeights(x.sub(base)).map((weight, k) => ({
      at: placed(base.add(k - 1), size, paddingMode, corners).round(),
      weight,
    }));
  }
  const inside = placed(x, size, paddingMode, corners);
  if (mode === 'nearest') return [{ at: inside.detach().round(), weight: null }];
  const left = inside.detach().floor();
  const share = inside.sub(left);
  return [
    { at: left, weight: share.neg().add(1) },
    { at: left.add(1), weight: share },
  ];
}

/** Reads images [N, C, pixels] at the taps' pixels, [N, C, points]; 0 outside. */
function read(images: Tensor, taps: readonly Tap[], sizes: readonly number[]): Tensor {
  let index: Tensor | null = null;
  let valid: Tensor | null = null;
  taps.forEach(({ at }, d) => {
    const within = at.ge(0).logicalAnd(at.le(sizes[d]! - 1));
    const whole = at
      .clamp(0, sizes[d]! - 1)
      .nanToNum()
      .to('int32');
    index = index === null ? whole : index.mul(sizes[d]!).add(whole);
    valid = valid === null ? within : valid.logicalAnd(within);
  });
  const [n, c] = images.shape as [number, number];
  const spread = (x: Tensor): Tensor => x.view([n, 1, -1]);
  const values = images.gather(2, spread(index!).expand([n, c, -1])).maskedFill(spread(valid!).logicalNot(), 0);
  return taps.reduce((product, { weight }) => (weight === null ? product : product.mul(spread(weight))), values);
}

function checkSample(input: Tensor, grid: Tensor, { mode, paddingMode }: Given): void {
  const op = 'gridSample';
  if (!['bilinear', 'nearest', 'bicubic'].includes(mode))
    throw new TypeError(`${op}(): mode must be 'bilinear', 'nearest' or 'bicubic', got ${JSON.stringify(mode)}`);
  if (!['zeros', 'border', 'reflection'].includes(paddingMode)) {
    throw new TypeError(
      `${op}(): paddingMode must be 'zeros', 'border' or 'reflection', got ${JSON.stringify(paddingMode)}`,
    );
  }
  if (input.dtype !== grid.dtype || !isFloating(input.dtype)) {
    throw new DTypeError(`${op}(): input and grid must have one floating dtype, got ${input.dtype} and ${grid.dtype}`);
  }
  const spatial = input.ndim - 2;
  if (
    (spatial !== 2 && spatial !== 3) ||
    grid.ndim !== input.ndim ||
    grid.shape[0] !== input.shape[0] ||
    grid.shape.at(-1) !== spatial
  ) {
    throw new ShapeError(
      `${op}(): grid ${formatShape(grid.shape)} does not fit input ${formatShape(input.shape)}: expected [N, H, W, 2] for [N, C, H, W], [N, D, H, W, 3] for [N, C, D, H, W]`,
    );
  }
  if (input.shape.slice(2).includes(0))
    throw new ShapeError(`${op}(): input ${formatShape(input.shape)} has no pixels`);
  if (mode === 'bicubic' && spatial !== 2)
    throw new ShapeError(`${op}(): 'bicubic' works on images [N, C, H, W], got ${formatShape(input.shape)}`);
}

/**
 * Reads images (or volumes) at the points of a grid.
 * @param input [N, C, H, W] or [N, C, D, H, W]
 * @param grid [N, h, w, 2] or [N, d, h, w, 3]: positions (x, y) or (x, y, z) from −1 (left, top) to 1
 * @returns [N, C, h, w] or [N, C, d, h, w]
 * @throws ShapeError when grid and input do not fit, DTypeError unless both have one floating dtype.
 */
export function gridSample(
  input: Tensor,
  grid: Tensor,
  ...args: Trailing<
    [mode: Given['mode'], paddingMode: Given['paddingMode'], alignCorners: boolean | null],
    GridSampleOptions
  >
): Tensor {
  if (state.autocasting) return withAutocast('gridSample', gridSample, input, grid, ...args);
  return temporaries(() => {
    const given = parseSample(args);
    checkSample(input, grid, given);
    const sizes = input.shape.slice(2);
    const spatial = sizes.length;
    const [n, c] = input.shape as [number, number];
    const images = input.flatten(2);
    // Coordinates are (x, y, z), dimensions (z, y, x).
    const taps = sizes.map((size, d) => tapsOf(grid.select(-1, spatial - 1 - d), size, given));
    let combinations: Tap[][] = [[]];
    for (const choices of taps) combinations = combinations.flatMap((chosen) => choices.map((tap) => [...chosen, tap]));
    const sum = combinations.map((chosen) => read(images, chosen, sizes)).reduce((total, part) => total.add(part));
    const sampled = sum.view([n, c, ...grid.shape.slice(1, -1)]);
    return shownAs(`GridSampler${spatial}DBackward0`, [input, grid], sampled);
  });
}
