/** @file Fourier transforms over several dimensions. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { ShapeError } from '../errors.ts';
import { intoOut } from '../inplace.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import {
  checkSize,
  type FftNorm,
  type FftnOptions,
  flipped,
  gridOf,
  promoted,
  promotedComplex,
  promotedReal,
  resized,
  scaleOf,
} from './arguments.ts';
import { fftC2c, fftC2r, fftR2c } from './transforms.ts';

type Dimensions = number | readonly number[] | null;
type GridArguments = Trailing<[s: Dimensions, dim: Dimensions, norm: FftNorm | null], FftnOptions>;
type GridFunction = (input: Tensor, ...args: GridArguments) => Tensor;

interface GridCall {
  s: Dimensions;
  dim: Dimensions;
  norm: FftNorm | null;
  out: Tensor | undefined;
}

type Run = (op: string, input: Tensor, s: Dimensions, dim: Dimensions, norm: FftNorm | null | undefined) => Tensor;

/** Makes the public form of a transform over `dim`: by default over all dimensions, or the last two. */
function overGrid(op: string, dim: Dimensions, run: Run): GridFunction {
  const parse = signature<GridCall>(op, ['s', 'dim', 'norm'], { s: null, dim, norm: null, out: undefined });
  const transform: GridFunction = (input, ...args) => {
    if (state.autocasting) return withAutocast(op, transform, input, ...args);
    const call = parse(args);
    return intoOut(op, call.out, [input], () => run(op, input, call.s, call.dim, call.norm));
  };
  return transform;
}

const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);

const full =
  (inverse: boolean): Run =>
  (op, input, s, dim, norm) => {
    const { dims, sizes } = gridOf(op, input, s, dim);
    const x = resized(op, promoted(op, input), dims, sizes);
    return fftC2c(x, dims, inverse, scaleOf(op, norm, product(sizes), inverse));
  };

/** @throws ShapeError for no dimensions: there is none to halve. */
function checkHalved(op: string, dims: readonly number[]): void {
  if (dims.length === 0) throw new ShapeError(`${op}(): needs at least one dimension to transform`);
}

const realToHalf: Run = (op, input, s, dim, norm) => {
  const { dims, sizes } = gridOf(op, input, s, dim);
  checkHalved(op, dims);
  const x = resized(op, promotedReal(op, input), dims, sizes);
  return fftR2c(x, dims, scaleOf(op, norm, product(sizes), false));
};

const halfToReal: Run = (op, input, s, dim, norm) => {
  const { dims, sizes } = gridOf(op, input, s, dim);
  checkHalved(op, dims);
  const last = dims.length - 1;
  const given = s === null ? -1 : typeof s === 'number' ? s : s[last]!;
  const size = checkSize(op, given === -1 ? 2 * (input.shape[dims[last]!]! - 1) : given);
  const x = resized(op, promotedComplex(op, input), dims, sizes.with(last, Math.floor(size / 2) + 1));
  return fftC2r(x, dims, scaleOf(op, norm, product(sizes.with(last, size)), true), size);
};

const hermitianToReal: Run = (op, input, s, dim, norm) => halfToReal(op, input.conj(), s, dim, flipped(norm));
const realToHermitian: Run = (op, input, s, dim, norm) => realToHalf(op, input, s, dim, flipped(norm)).conj();

const lastTwo: Dimensions = [-2, -1];

/** The transform {@link fft} over the last two dimensions. */
export const fft2: GridFunction = overGrid('fft.fft2', lastTwo, full(false));
/** The inverse of {@link fft2}. */
export const ifft2: GridFunction = overGrid('fft.ifft2', lastTwo, full(true));
/**
 * The transform over several dimensions, by default all.
 *
 * ```ts
 * fft.fftn(ones(2, 2)); // tensor([[4.+0.j, 0.+0.j], [0.+0.j, 0.+0.j]])
 * fft.fftn(x, { s: [8, 8], dim: [0, 1] });
 * ```
 * @throws ShapeError where `s` and `dim` do not fit each other or the tensor, IndexError for a dim out of range.
 */
export const fftn: GridFunction = overGrid('fft.fftn', null, full(false));
/** The inverse of {@link fftn}. */
export const ifftn: GridFunction = overGrid('fft.ifftn', null, full(true));

/** The transform of a real tensor over the last two dimensions, with half of the last. */
export const rfft2: GridFunction = overGrid('fft.rfft2', lastTwo, realToHalf);
/** The inverse of {@link rfft2}: real. */
export const irfft2: GridFunction = overGrid('fft.irfft2', lastTwo, halfToReal);
/** The transform of a real tensor over several dimensions, with half of the last of them. */
export const rfftn: GridFunction = overGrid('fft.rfftn', null, realToHalf);
/** The inverse of {@link rfftn}: real. Name the last size in `s` where it is odd. */
export const irfftn: GridFunction = overGrid('fft.irfftn', null, halfToReal);

/** The transform, real, over the last two dimensions of a signal that its conjugates complete. */
export const hfft2: GridFunction = overGrid('fft.hfft2', lastTwo, hermitianToReal);
/** The inverse of {@link hfft2}. */
export const ihfft2: GridFunction = overGrid('fft.ihfft2', lastTwo, realToHermitian);
/** The transform, real, over several dimensions of a signal that its conjugates complete. */
export const hfftn: GridFunction = overGrid('fft.hfftn', null, hermitianToReal);
/** The inverse of {@link hfftn}. */
export const ihfftn: GridFunction = overGrid('fft.ihfftn', null, realToHermitian);
