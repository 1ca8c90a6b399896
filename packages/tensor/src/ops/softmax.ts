/** @file softmax and its logarithm. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { type DType, type DTypeAlias, isFloating, toDType } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { record } from '../record.ts';
import { wrapDim } from '../shape.ts';
import { backendFor } from '../state.ts';
import type { Tensor } from '../tensor.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface SoftmaxOps {
  softmax: { readonly dim: number };
  logSoftmax: { readonly dim: number };
}

export interface SoftmaxOptions {
  /** Converts first; also the result's dtype. */
  dtype?: DType | DTypeAlias | undefined;
}

type SoftmaxArguments = Trailing<[dim: number], SoftmaxOptions & { dim?: number | undefined }>;

function normalize(op: 'softmax' | 'logSoftmax', self: Tensor, args: readonly unknown[]): Tensor {
  const { dim: asked, dtype } = parsers[op](args);
  const dim = wrapDim(op, asked, self.ndim);
  const x = dtype === undefined ? self : self.to(toDType(dtype));
  if (!isFloating(x.dtype))
    throw new DTypeError(
      `${op}(): needs a floating point tensor, got ${x.dtype}; pass { dtype: 'float32' } or convert with .to('float32')`,
    );
  const log = op === 'logSoftmax';
  return record(
    op,
    [x],
    untracked(() => fused(x, dim, log) ?? composed(x, dim, log)),
    { dim },
  );
}

/** @throws TypeError for a missing dim. */
const parser = (op: string): ((args: readonly unknown[]) => { dim: number; dtype: DType | undefined }) =>
  signature<{ dim: number; dtype: DType | undefined }>(op, ['dim'], { dtype: undefined });
const parsers = { softmax: parser('softmax'), logSoftmax: parser('logSoftmax') };

function fused(x: Tensor, dim: number, log: boolean): Tensor | undefined {
  const { fused } = backendFor(x.device);
  if (fused.softmax === undefined || x.ndim === 0) return undefined;
  const out = allocateLike(x);
  if (fused.softmax(x, dim, log, out)) return out;
  out.dispose();
  return undefined;
}

/** @internal The gradient by x where the device has a kernel for it, of the result `y` and without history; else null. */
export function softmaxGradient(grad: Tensor, y: Tensor, dim: number, log: boolean): Tensor | null {
  const { fused } = backendFor(y.device);
  if (fused.softmaxBackward === undefined || y.ndim === 0 || y.elementCount === 0) return null;
  const gradX = allocateLike(y);
  if (fused.softmaxBackward(grad, y, dim, log, gradX)) return gradX;
  gradX.dispose();
  return null;
}

/** The greatest element is subtracted first, so that no exponential overflows. */
function composed(x: Tensor, dim: number, log: boolean): Tensor {
  if (x.elementCount === 0) return x.clone();
  const shifted = x.sub(x.amax(dim, true));
  const powers = shifted.exp();
  const total = powers.sum(dim, true);
  return log ? shifted.sub(total.log()) : powers.div(total);
}

/**
 * exp(x) / Σ exp(x) along `dim`: positive numbers that sum to 1.
 *
 * ```ts
 * tensor([0, Math.log(3)]).softmax(0); // tensor([0.2500, 0.7500])
 * ```
 * @throws DTypeError for integers unless `dtype` is given.
 */
export function softmax(self: Tensor, ...args: SoftmaxArguments): Tensor {
  return normalize('softmax', self, args);
}

/** log(softmax(x)) along `dim`, without underflow: x − log Σ exp(x). */
export function logSoftmax(self: Tensor, ...args: SoftmaxArguments): Tensor {
  return normalize('logSoftmax', self, args);
}
