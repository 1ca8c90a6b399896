/** @file Transforms of a signal window by window, and back: stft and istft. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { pairsAsComplex, viewAsReal } from '../complex-parts.ts';
import { integersFrom, ones, zeros } from '../creation.ts';
import { realDType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { fftC2c, fftC2r, fftR2c } from '../fft/transforms.ts';
import { type PadMode, pad } from '../functional/padding.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';

interface WindowOptions {
  /** Samples between windows. Default: a quarter of nFft. */
  hopLength?: number | null | undefined;
  /** Length of the window function, in the middle of nFft samples. Default: nFft. */
  winLength?: number | null | undefined;
  /** Weights of the samples. Default: ones. */
  window?: Tensor | null | undefined;
  /** Whether windows are centered at their places, with the signal padded by nFft / 2. Default true. */
  center?: boolean | undefined;
  /** Whether transforms are scaled by 1/√nFft. Default false. */
  normalized?: boolean | undefined;
}

export interface StftOptions extends WindowOptions {
  nFft?: number | undefined;
  /** How the signal is padded. Default 'reflect'. */
  padMode?: PadMode | undefined;
  /** Whether only the half of the frequencies is given that tells the rest. Default: for real signals. */
  onesided?: boolean | null | undefined;
  /** A complex result rather than its parts along a last dimension. Default: for complex signals. */
  returnComplex?: boolean | null | undefined;
}

export interface IstftOptions extends WindowOptions {
  nFft?: number | undefined;
  /** Whether only half of the frequencies is given. Default: where there are not nFft. */
  onesided?: boolean | null | undefined;
  /** Number of samples. Default: as many as the windows tell. */
  length?: number | null | undefined;
  /** Whether the signal is complex. Default false. */
  returnComplex?: boolean | undefined;
}

type Hops = [hopLength: number | null, winLength: number | null, window: Tensor | null, center: boolean];
type StftArguments =
  | [
      nFft: number,
      ...rest: Trailing<
        [...Hops, padMode: PadMode, normalized: boolean, onesided: boolean | null, returnComplex: boolean | null],
        StftOptions
      >,
    ]
  | [options: StftOptions & { nFft: number }];
type IstftArguments =
  | [
      nFft: number,
      ...rest: Trailing<
        [...Hops, normalized: boolean, onesided: boolean | null, length: number | null, returnComplex: boolean],
        IstftOptions
      >,
    ]
  | [options: IstftOptions & { nFft: number }];

interface WindowCall {
  nFft: number;
  hopLength: number | null;
  winLength: number | null;
  window: Tensor | null;
  center: boolean;
  normalized: boolean;
  onesided: boolean | null;
}

type StftCall = WindowCall & { padMode: PadMode; returnComplex: boolean | null };
type IstftCall = WindowCall & { length: number | null; returnComplex: boolean };

const windowDefaults = {
  hopLength: null,
  winLength: null,
  window: null,
  center: true,
  normalized: false,
  onesided: null,
};

const parseStft = signature<StftCall>(
  'stft',
  ['nFft', 'hopLength', 'winLength', 'window', 'center', 'padMode', 'normalized', 'onesided', 'returnComplex'],
  { ...windowDefaults, padMode: 'reflect', returnComplex: null },
);
const parseIstft = signature<IstftCall>(
  'istft',
  ['nFft', 'hopLength', 'winLength', 'window', 'center', 'normalized', 'onesided', 'length', 'returnComplex'],
  { ...windowDefaults, length: null, returnComplex: false },
);

/** The step and the window function, filled up with zeros on both sides. @throws RangeError and ShapeError. */
function windowOf(
  op: string,
  x: Tensor,
  { nFft, hopLength, winLength, window }: WindowCall,
): { hop: number; weights: Tensor } {
  const hop = hopLength ?? Math.floor(nFft / 4);
  const width = winLength ?? nFft;
  if (!Number.isInteger(nFft) || nFft < 1)
    throw new RangeError(`${op}(): nFft must be a positive integer, got ${nFft}`);
  if (!Number.isInteger(hop) || hop < 1)
    throw new RangeError(`${op}(): hopLength must be a positive integer, got ${hop}`);
  if (!Number.isInteger(width) || width < 1 || width > nFft)
    throw new RangeError(`${op}(): winLength must lie between 1 and nFft ${nFft}, got ${width}`);
  if (window !== null && (window.ndim !== 1 || window.shape[0] !== width))
    throw new ShapeError(
      `${op}(): the window must be a vector of ${width} elements, got shape ${formatShape(window.shape)}`,
    );
  const before = Math.floor((nFft - width) / 2);
  const given = window ?? ones([width], { dtype: realDType(x.dtype), device: x.device });
  return { hop, weights: width === nFft ? given : pad(given, [before, nFft - width - before]) };
}

const scaleOf = ({ nFft, normalized }: WindowCall, inverse: boolean): number =>
  normalized ? 1 / Math.sqrt(nFft) : inverse ? 1 / nFft : 1;

/** The signal padded at both ends, whatever the number of its dimensions. */
function padded(x: Tensor, count: number, mode: PadMode): Tensor {
  return pad(x.reshape([1, x.ndim > 1 ? x.shape[0]! : 1, x.shape.at(-1)!]), [count, count], { mode }).reshape([
    ...x.shape.slice(0, -1),
    x.shape.at(-1)! + 2 * count,
  ]);
}

/**
 * The short-time Fourier transform: transforms of windows of a signal [T] or [B, T], as [B, frequencies, windows].
 *
 * ```ts
 * const spectrum = stft(signal, 400, { hopLength: 160, window: hann, returnComplex: true });
 * ```
 * @throws ShapeError for another number of dimensions or a signal shorter than a window, RangeError for sizes that do not
 *   fit, DTypeError for `onesided` of complex numbers.
 */
export function stft(self: Tensor, ...args: StftArguments): Tensor {
  if (state.autocasting) return withAutocast('stft', stft, self, ...args);
  const call = parseStft(args);
  const { nFft, center, padMode } = call;
  if (!self.isFloatingPoint() && !self.isComplex())
    throw new DTypeError(
      `stft(): needs a floating point or complex signal, got ${self.dtype}; convert with .to('float32')`,
    );
  if (self.ndim !== 1 && self.ndim !== 2)
    throw new ShapeError(`stft(): needs a signal of shape [T] or [B, T], got ${formatShape(self.shape)}`);
  const { hop, weights } = windowOf('stft', self, call);
  const signal = center ? padded(self, Math.floor(nFft / 2), padMode) : self;
  const length = signal.shape.at(-1)!;
  if (nFft > length) throw new ShapeError(`stft(): nFft ${nFft} is more than the ${length} samples of the signal`);
  const frames = signal.unfold(-1, nFft, hop).mul(weights);
  const dim = frames.ndim - 1;
  const complex = frames.isComplex();
  const onesided = call.onesided ?? !complex;
  if (onesided && complex)
    throw new DTypeError('stft(): complex signals have no half of frequencies; leave out onesided');
  const scale = scaleOf(call, false);
  const spectrum = (onesided ? fftR2c(frames, [dim], scale) : fftC2c(frames, [dim], false, scale)).transpose(-2, -1);
  return (call.returnComplex ?? self.isComplex()) ? spectrum : viewAsReal(spectrum);
}

/** Windows [B, count, size] added up at their places, `hop` apart. */
function overlapAdd(frames: Tensor, hop: number): Tensor {
  const [batch, count, size] = frames.shape as [number, number, number];
  const places = Array.from({ length: count * size }, (_, i) => Math.floor(i / size) * hop + (i % size));
  const { dtype, device } = frames;
  return zeros([batch, size + hop * (count - 1)], { dtype, device }).indexAdd(
    1,
    integersFrom(places, [places.length], { device }),
    frames.reshape([batch, count * size]),
  );
}

/**
 * The signal of a short-time Fourier transform [B, frequencies, windows], complex or with parts along a last dimension:
 * the inverse of {@link stft}, by least squares.
 * @throws ShapeError for another shape, RangeError where the windows leave a sample without weight.
 */
export function istft(self: Tensor, ...args: IstftArguments): Tensor {
  const call = parseIstft(args);
  const { nFft, center, returnComplex } = call;
  const given = self.isComplex() ? self : pairsAsComplex(self);
  if (given.ndim !== 2 && given.ndim !== 3)
    throw new ShapeError(`istft(): needs shape [B, frequencies, windows], got ${formatShape(given.shape)}`);
  if (given.elementCount === 0) throw new ShapeError('istft(): the transform has no elements');
  const spectrum = given.ndim === 2 ? given.unsqueeze(0) : given;
  const { hop, weights } = windowOf('istft', given, call);
  const onesided = call.onesided ?? spectrum.shape[1] !== nFft;
  const expected = onesided ? Math.floor(nFft / 2) + 1 : nFft;
  if (spectrum.shape[1] !== expected)
    throw new ShapeError(
      `istft(): needs ${expected} frequencies for nFft ${nFft}, got shape ${formatShape(given.shape)}`,
    );
  if (returnComplex && onesided)
    throw new DTypeError('istft(): a complex signal needs all frequencies; set onesided to false');
  const lines = spectrum.transpose(1, 2);
  const scale = scaleOf(call, true);
  const frames = returnComplex
    ? fftC2c(lines, [2], true, scale)
    : fftC2r(onesided ? lines : lines.narrow(2, 0, Math.floor(nFft / 2) + 1), [2], scale, nFft);
  const total = overlapAdd(frames.mul(weights), hop);
  const weight = overlapAdd(weights.mul(weights).expand(1, lines.shape[1]!, nFft), hop);
  const start = center ? Math.floor(nFft / 2) : 0;
  const end = call.length === null ? total.shape[1]! - start : start + call.length;
  const count = Math.max(0, Math.min(end, total.shape[1]!) - start);
  const used = weight.narrow(1, start, count);
  checkWeights(used);
  const signal = total.narrow(1, start, count).div(used);
  const full = end > total.shape[1]! ? pad(signal, [0, end - total.shape[1]!]) : signal;
  return given.ndim === 2 ? full.squeeze(0) : full;
}

/** @throws RangeError where a sample is in no window, or only at zeros of the window. Devices that cannot tell at once are trusted. */
function checkWeights(weight: Tensor): void {
  if (weight.device !== 'cpu' || weight.elementCount === 0) return;
  const least = weight.detach().abs().min();
  if (isTensor(least) && least.itemSync() > 1e-11) return;
  throw new RangeError('istft(): some samples are in no window; use a smaller hopLength, or center windows');
}
