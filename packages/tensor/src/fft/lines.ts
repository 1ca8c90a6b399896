/** @file Fourier transforms along one dimension. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { intoOut } from '../inplace.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import {
  checkSize,
  type FftNorm,
  type FftOptions,
  flipped,
  lineDim,
  promoted,
  promotedComplex,
  promotedReal,
  resized,
  scaleOf,
} from './arguments.ts';
import { fftC2c, fftC2r, fftR2c } from './transforms.ts';

type LineArguments = Trailing<[n: number | null, dim: number, norm: FftNorm | null], FftOptions>;
type LineFunction = (input: Tensor, ...args: LineArguments) => Tensor;

interface LineCall {
  n: number | null;
  dim: number;
  norm: FftNorm | null;
  out: Tensor | undefined;
}

/** Makes the public form of a transform of `input` along a dimension. */
function alongLine(
  op: string,
  run: (input: Tensor, n: number | null, dim: number, norm: FftNorm | null | undefined) => Tensor,
): LineFunction {
  const parse = signature<LineCall>(op, ['n', 'dim', 'norm'], { n: null, dim: -1, norm: null, out: undefined });
  const transform: LineFunction = (input, ...args) => {
    if (state.autocasting) return withAutocast(op, transform, input, ...args);
    const { n, dim, norm, out } = parse(args);
    const along = lineDim(op, input, dim);
    return intoOut(op, out, [input], () => run(input, n, along, norm));
  };
  return transform;
}

const full = (op: string, inverse: boolean): LineFunction =>
  alongLine(op, (input, n, dim, norm) => {
    const size = n ?? input.shape[dim]!;
    const x = resized(op, promoted(op, input), [dim], [size]);
    return fftC2c(x, [dim], inverse, scaleOf(op, norm, size, inverse));
  });

/** Real to half. */
function realToHalf(
  op: string,
  input: Tensor,
  n: number | null,
  dim: number,
  norm: FftNorm | null | undefined,
): Tensor {
  const size = n ?? input.shape[dim]!;
  const x = resized(op, promotedReal(op, input), [dim], [size]);
  return fftR2c(x, [dim], scaleOf(op, norm, size, false));
}

/** Half to real. */
function halfToReal(
  op: string,
  input: Tensor,
  n: number | null,
  dim: number,
  norm: FftNorm | null | undefined,
): Tensor {
  const size = checkSize(op, n ?? 2 * (input.shape[dim]! - 1));
  const x = resized(op, promotedComplex(op, input), [dim], [Math.floor(size / 2) + 1]);
  return fftC2r(x, [dim], scaleOf(op, norm, size, true), size);
}

/**
 * The discrete Fourier transform X[k] = Σ x[j] e^(−2πi jk/n) along a dimension, of any length in O(n log n). Complex.
 *
 * ```ts
 * fft.fft(tensor([1, 0, 0, 0])); // tensor([1.+0.j, 1.+0.j, 1.+0.j, 1.+0.j])
 * fft.fft(x, { n: 256, dim: 0, norm: 'ortho' });
 * ```
 * @throws ShapeError for a 0-d tensor or n below 1, DTypeError for 16-bit floats, RangeError for an unknown norm.
 */
export const fft: LineFunction = full('fft.fft', false);

/** The inverse transform x[j] = Σ X[k] e^(2πi jk/n) / n. Complex. */
export const ifft: LineFunction = full('fft.ifft', true);

/** The first n/2 + 1 elements of the transform of a real tensor; the others are conjugates of these. */
export const rfft: LineFunction = alongLine('fft.rfft', (input, n, dim, norm) =>
  realToHalf('fft.rfft', input, n, dim, norm),
);

/** The inverse of {@link rfft}: real. `n`: number of results, by default the even 2 · (m − 1). */
export const irfft: LineFunction = alongLine('fft.irfft', (input, n, dim, norm) =>
  halfToReal('fft.irfft', input, n, dim, norm),
);

/** The transform, real, of a signal of which half is given because its second half conjugates the first. */
export const hfft: LineFunction = alongLine('fft.hfft', (input, n, dim, norm) =>
  halfToReal('fft.hfft', input.conj(), n, dim, flipped(norm)),
);

/** The inverse of {@link hfft}: half a signal, complex, from a real transform. */
export const ihfft: LineFunction = alongLine('fft.ihfft', (input, n, dim, norm) =>
  realToHalf('fft.ihfft', input, n, dim, flipped(norm)).conj(),
);
