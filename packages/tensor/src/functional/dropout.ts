/**
 * @file Dropout: random zeros while training. Masks are PyTorch's for the same seed; the gradient passes through the
 * same mask.
 */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { draw } from '../random/draw.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

export interface DropoutOptions {
  /** Probability of a zero, in [0, 1]. Default 0.5. */
  p?: number | undefined;
  /** When false the input is returned as it is. Default true; false for the alpha forms, as in PyTorch. */
  training?: boolean | undefined;
  /** Overwrites the input. */
  inplace?: boolean | undefined;
}

type DropoutArguments = Trailing<[p: number, training: boolean, inplace: boolean], DropoutOptions>;

interface Parsed {
  readonly p: number;
  readonly training: boolean;
  readonly inplace: boolean;
}

/** Parses the arguments. @throws RangeError for p outside [0, 1]. */
function parser(op: string, training = true): (args: readonly unknown[]) => Parsed {
  const parse = signature<Parsed>(op, ['p', 'training', 'inplace'], { p: 0.5, training, inplace: false });
  return (args) => {
    const parsed = parse(args);
    if (!(parsed.p >= 0 && parsed.p <= 1)) throw new RangeError(`${op}(): p must be in [0, 1], got ${parsed.p}`);
    return parsed;
  };
}

/** Shape of a mask with one draw for each channel of each sample: [N, C, 1, …]. @throws ShapeError for fewer than 2-d. */
function channelShape(op: string, { shape }: Tensor): number[] {
  if (shape.length < 2)
    throw new ShapeError(`${op}(): expects samples and channels, [N, C, ...], got shape ${formatShape(shape)}`);
  return shape.map((size, d) => (d < 2 ? size : 1));
}

/** 1 where an element is kept, with probability 1 − p, else 0. */
function keepMask(op: string, input: Tensor, p: number, channels: boolean): Tensor {
  if (!isFloating(input.dtype)) {
    throw new DTypeError(`${op}(): needs a floating point tensor, got ${input.dtype}; convert with .to('float32')`);
  }
  const mask = channels ? input.newEmpty(channelShape(op, input)) : allocateLike(input);
  return draw(mask, { kind: 'bernoulli', p: 1 - p }, null);
}

const times = (input: Tensor, factor: Tensor | number, inplace: boolean): Tensor =>
  inplace ? input.mul_(factor) : input.mul(factor);

/** What all forms do alike: no draw where the result is certain. */
function drop(op: string, input: Tensor, { p, training, inplace }: Parsed, channels: boolean, alpha: boolean): Tensor {
  return temporaries(() => {
    if (p === 0 || !training || input.elementCount === 0) return input;
    if (p === 1) return times(input, 0, inplace);
    const mask = keepMask(op, input, p, channels);
    if (!alpha)
      return times(
        input,
        untracked(() => mask.div_(1 - p)),
        inplace,
      );
    const [scale, shift] = untracked(() => alphaFactors(mask, p));
    return times(input, scale, inplace).add_(shift);
  });
}

// −scale · alpha of selu: what it comes to for large negative inputs.
const saturation = 1.7580993408473766;

/** Factor and summand that set dropped elements to selu's saturation and keep mean and variance (Klambauer et al., 2017). */
function alphaFactors(mask: Tensor, p: number): [scale: Tensor, shift: Tensor] {
  const a = 1 / Math.sqrt((saturation * saturation * p + 1) * (1 - p));
  const shift = mask
    .add(-1)
    .mul_(saturation * a)
    .add_(saturation * a * p);
  return [mask.mul_(a), shift];
}

const parseDropout = parser('dropout');

/**
 * Zeros each element with probability `p` and divides the others by 1 − p, while training.
 *
 * ```ts
 * F.dropout(ones(4)); // about half of it zeros, the others 2
 * F.dropout(x, 0.2, net.training);
 * ```
 * @throws RangeError for p outside [0, 1], DTypeError for integers.
 */
export function dropout(input: Tensor, ...args: DropoutArguments): Tensor {
  return drop('dropout', input, parseDropout(args), false, false);
}

/** Drops channels of a batch, or of a single sample: an input of fewer than `dims` dimensions. */
function dropChannels(op: string, input: Tensor, dims: number, parsed: Parsed): Tensor {
  if (input.ndim >= dims) return drop(op, input, parsed, true, false);
  const result = drop(op, input.unsqueeze(0), parsed, true, false);
  return parsed.inplace ? input : result.squeeze(0);
}

const parseDropout1d = parser('dropout1d');

/** Zeros whole channels of [N, C, L] or [C, L]. @throws ShapeError for other inputs. */
export function dropout1d(input: Tensor, ...args: DropoutArguments): Tensor {
  if (input.ndim !== 2 && input.ndim !== 3) {
    throw new ShapeError(
      `dropout1d(): expects [N, C, L] or [C, L], got shape ${formatShape(input.shape)}; use dropout for single elements`,
    );
  }
  return dropChannels('dropout1d', input, 3, parseDropout1d(args));
}

const parseDropout2d = parser('dropout2d');

/**
 * Zeros whole channels of [N, C, H, W]. As in PyTorch a 3-d input counts as [N, C, L]; the first two dimensions are
 * samples and channels in any case. @throws ShapeError for fewer than two dimensions.
 */
export function dropout2d(input: Tensor, ...args: DropoutArguments): Tensor {
  return drop('dropout2d', input, parseDropout2d(args), true, false);
}

const parseDropout3d = parser('dropout3d');

/** Zeros whole channels of [N, C, D, H, W] or [C, D, H, W]. @throws ShapeError for fewer than two dimensions. */
export function dropout3d(input: Tensor, ...args: DropoutArguments): Tensor {
  return dropChannels('dropout3d', input, 5, parseDropout3d(args));
}

const parseAlpha = parser('alphaDropout', false);

/**
 * Dropout for selu: sets elements to its saturation value, and scales and moves all so that mean 0 and variance 1 stay.
 * `training` is false by default.
 */
export function alphaDropout(input: Tensor, ...args: DropoutArguments): Tensor {
  return drop('alphaDropout', input, parseAlpha(args), false, true);
}

const parseFeatureAlpha = parser('featureAlphaDropout', false);

/** `alphaDropout` of whole channels of [N, C, ...]. `training` is false by default. */
export function featureAlphaDropout(input: Tensor, ...args: DropoutArguments): Tensor {
  return drop('featureAlphaDropout', input, parseFeatureAlpha(args), true, true);
}
