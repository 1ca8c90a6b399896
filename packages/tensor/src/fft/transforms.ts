/** @file The three recorded transforms that all others are made of: complex to complex, real to half, and half to real. */
import { allocateTensor } from '../creation.ts';
import { realDType } from '../dtype.ts';
import { DeviceError } from '../errors.ts';
import { copyOf } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { cat } from '../ops/join.ts';
import { toComplex } from '../promotion.ts';
import { record } from '../record.ts';
import { backendFor } from '../state.ts';
import type { Tensor } from '../tensor.ts';

/** Attributes of the recorded transforms. `dims`: sorted as asked for; the last one is the halved one. */
export interface FftOps {
  fftC2c: { readonly dims: readonly number[]; readonly inverse: boolean; readonly scale: number };
  fftR2c: { readonly dims: readonly number[]; readonly scale: number };
  fftC2r: { readonly dims: readonly number[]; readonly scale: number; readonly size: number };
}

/** The backend's transform, without history. @throws DeviceError where the device has none. */
function transform(
  x: Tensor,
  dims: readonly number[],
  inverse: boolean,
  scale: number,
  dtype = toComplex(x.dtype),
): Tensor {
  const routine = backendFor(x.device).routines.fft;
  if (routine === undefined)
    throw new DeviceError(`fft: device '${x.device}' cannot compute it; use \`await x.cpu()\` first`);
  const out = allocateTensor('fft', x.shape, dtype, x.device);
  routine(x, dims, inverse, scale, out);
  return out;
}

/** scale · Σ x[j] e^(∓2πi jk/n) over `dims` of a real or complex tensor, with + for the inverse. */
export function fftC2c(x: Tensor, dims: readonly number[], inverse: boolean, scale: number): Tensor {
  return record('fftC2c', [x], transform(x, dims, inverse, scale), { dims, inverse, scale });
}

/** The same of a real tensor, forward, with the half of the last of `dims` that tells the rest. */
export function fftR2c(x: Tensor, dims: readonly number[], scale: number): Tensor {
  const last = dims.at(-1)!;
  const others = dims.slice(0, -1);
  const half = untracked(() => {
    // Along the other dimensions only the half is transformed.
    const alone = others.length === 0;
    const lines = transform(x, [last], false, alone ? scale : 1, alone ? undefined : 'complex128');
    const kept = lines.narrow(last, 0, Math.floor(x.shape[last]! / 2) + 1);
    return alone ? copyOf(kept) : transform(kept, others, false, scale, toComplex(x.dtype));
  });
  return record('fftR2c', [x], half, { dims, scale });
}

/** The real tensor, `size` long in the last of `dims`, that the inverse transform makes of such a half. */
export function fftC2r(x: Tensor, dims: readonly number[], scale: number, size: number): Tensor {
  const last = dims.at(-1)!;
  const out = untracked(() => {
    const lines = transform(x.detach(), dims.slice(0, -1), true, 1, 'complex128');
    // Negative frequencies are conjugates of positive ones.
    const missing = size - lines.shape[last]!;
    const negative = lines.narrow(last, 1, Math.max(missing, 0)).flip(last).conj();
    const whole = transform(missing > 0 ? cat([lines, negative], last) : lines, [last], true, scale);
    return copyOf(whole.real).to(realDType(toComplex(x.dtype)));
  });
  return record('fftC2r', [x], out, { dims, scale, size });
}
