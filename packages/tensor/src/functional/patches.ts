/** @file Sliding blocks of images as columns, and back: unfold, fold. */
import { signature, type Trailing } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { viewOf } from '../view.ts';
import { constantPad } from './pad.ts';
import { perDimension } from './spatial.ts';

/** Height and width of things. */
type Pair = readonly [number, number];

/** Blocks of an image: their size, and where they lie. */
export interface PatchSpec {
  readonly kernel: Pair;
  readonly dilation: Pair;
  readonly padding: Pair;
  readonly stride: Pair;
  /** Height and width of the image. */
  readonly size: Pair;
}

/** Ops of this family that autograd has derivatives for, with their attributes. Each is the other's derivative. */
export interface PatchOps {
  im2col: PatchSpec;
  col2im: PatchSpec;
}

export interface UnfoldOptions {
  dilation?: number | readonly number[] | undefined;
  padding?: number | readonly number[] | undefined;
  stride?: number | readonly number[] | undefined;
}

type UnfoldArguments = Trailing<
  [dilation: number | readonly number[], padding: number | readonly number[], stride: number | readonly number[]],
  UnfoldOptions
>;
type Given = { [K in keyof UnfoldOptions]-?: number | readonly number[] };

const parser = (op: string) =>
  signature<Given>(op, ['dilation', 'padding', 'stride'], { dilation: 1, padding: 0, stride: 1 });
const parseUnfold = parser('unfold');
const parseFold = parser('fold');

function specOf(op: string, size: Pair, kernelSize: number | readonly number[], given: Given): PatchSpec {
  const pair = (name: string, value: number | readonly number[], least: number): Pair => {
    const both = perDimension(op, name, value, 2) as [number, number];
    if (both.some((n) => !Number.isInteger(n) || n < least))
      throw new RangeError(`${op}(): ${name} must be integers of at least ${least}, got [${both.join(', ')}]`);
    return both;
  };
  return {
    kernel: pair('kernelSize', kernelSize, 1),
    dilation: pair('dilation', given.dilation, 1),
    padding: pair('padding', given.padding, 0),
    stride: pair('stride', given.stride, 1),
    size,
  };
}

/** How many blocks there are along height and width. */
function blocksOf(op: string, { kernel, dilation, padding, stride, size }: PatchSpec): Pair {
  const along = (d: 0 | 1): number =>
    Math.floor((size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  const blocks: Pair = [along(0), along(1)];
  if (blocks[0] < 1 || blocks[1] < 1) {
    throw new ShapeError(
      `${op}(): no block of ${formatShape(kernel)} with dilation ${formatShape(dilation)} fits into an image of ${formatShape(size)} with padding ${formatShape(padding)}`,
    );
  }
  return blocks;
}

/** The blocks of a padded image [N, C, H, W] as a view [N, C, kh, kw, blocks down, blocks across]; elements repeat. */
function windows(padded: Tensor, { kernel, dilation, stride }: PatchSpec, blocks: Pair): Tensor {
  const [n, c, h, w] = padded.strides as [number, number, number, number];
  const shape = [padded.shape[0]!, padded.shape[1]!, ...kernel, ...blocks];
  return viewOf(padded, shape, [n, c, h * dilation[0], w * dilation[1], h * stride[0], w * stride[1]], padded.offset);
}

/** Columns [N, C·kh·kw, blocks] of an image [N, C, H, W]. */
export function im2col(image: Tensor, spec: PatchSpec): Tensor {
  const [ph, pw] = spec.padding;
  const [n, c] = image.shape as [number, number];
  const blocks = blocksOf('unfold', spec);
  const out = untracked(() => {
    const padded = ph > 0 || pw > 0 ? constantPad(image, [pw, pw, ph, ph], 0) : image;
    return windows(padded, spec, blocks)
      .clone()
      .view([n, c * spec.kernel[0] * spec.kernel[1], blocks[0] * blocks[1]]);
  });
  return record('im2col', [image], out, spec);
}

/** The image [N, C, H, W] in which columns [N, C·kh·kw, blocks] are added up where they overlap. */
export function col2im(columns: Tensor, spec: PatchSpec): Tensor {
  const [kh, kw] = spec.kernel;
  const [ph, pw] = spec.padding;
  const [h, w] = spec.size;
  const blocks = blocksOf('fold', spec);
  const [n, channels] = [columns.shape[0]!, columns.shape[1]! / (kh * kw)];
  const out = untracked(() => {
    const source = columns.reshape([n, channels, kh, kw, ...blocks]);
    const padded = columns.newZeros([n, channels, h + 2 * ph, w + 2 * pw]);
    const target = windows(padded, spec, blocks);
    // Within one place of the kernel no two blocks overlap.
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++) target.select(2, i).select(2, j).add_(source.select(2, i).select(2, j));
    return ph > 0 || pw > 0 ? padded.narrow(2, ph, h).narrow(3, pw, w).contiguous() : padded;
  });
  return record('col2im', [columns], out, spec);
}

/**
 * The sliding blocks of images as columns, in the order of rows.
 * @param input [N, C, H, W] or [C, H, W]
 * @returns [N, C·kh·kw, blocks] or [C·kh·kw, blocks]
 * @throws ShapeError when no block fits.
 */
export function unfold(input: Tensor, kernelSize: number | readonly number[], ...args: UnfoldArguments): Tensor {
  return temporaries(() => {
    if (input.ndim !== 3 && input.ndim !== 4)
      throw new ShapeError(`unfold(): input must be [N, C, H, W] or [C, H, W], got ${formatShape(input.shape)}`);
    const spec = specOf('unfold', input.shape.slice(-2) as [number, number], kernelSize, parseUnfold(args));
    return input.ndim === 4 ? im2col(input, spec) : im2col(input.unsqueeze(0), spec).squeeze(0);
  });
}

/**
 * Images made of sliding blocks, added up where they overlap.
 * @param input [N, C·kh·kw, blocks] or [C·kh·kw, blocks]
 * @param outputSize height and width
 * @returns [N, C, H, W] or [C, H, W]
 * @throws ShapeError when the columns do not fit `outputSize`.
 */
export function fold(
  input: Tensor,
  outputSize: number | readonly number[],
  kernelSize: number | readonly number[],
  ...args: UnfoldArguments
): Tensor {
  return temporaries(() => {
    if (input.ndim !== 2 && input.ndim !== 3)
      throw new ShapeError(`fold(): input must be [N, C·kh·kw, blocks] or without N, got ${formatShape(input.shape)}`);
    const size = perDimension('fold', 'outputSize', outputSize, 2) as [number, number];
    const spec = specOf('fold', size, kernelSize, parseFold(args));
    const [down, across] = blocksOf('fold', spec);
    const [rows, columns] = input.shape.slice(-2) as [number, number];
    const area = spec.kernel[0] * spec.kernel[1];
    if (rows % area !== 0 || columns !== down * across) {
      throw new ShapeError(
        `fold(): input ${formatShape(input.shape)} does not fit: expected a multiple of ${area} rows and ${down * across} blocks for an image of ${formatShape(size)}`,
      );
    }
    return input.ndim === 3 ? col2im(input, spec) : col2im(input.unsqueeze(0), spec).squeeze(0);
  });
}
