/** @file In-place changes: who may be written, and how a recorded in-place op gets its history. */
import { AutogradError, DTypeError, ShapeError } from './errors.ts';
import { copyKernel } from './ir/copy.ts';
import { overlapsItself } from './overlap.ts';
import { canCast } from './promotion.ts';
import { tracks } from './record.ts';
import { formatShape, sameShape } from './shape.ts';
import { backendFor, state } from './state.ts';
import type { Tensor } from './tensor.ts';

/** @throws when `out` may not be written by `op`: expanded memory, or an `out` argument while gradients are recorded. */
export function checkWritable(op: string, out: Tensor, recordedOut = false): void {
  if (overlapsItself(out)) {
    throw new ShapeError(
      `${op}(): several elements of the tensor written to share one place in memory (expand()); clone() it first`,
    );
  }
  if (recordedOut || (state.gradEnabled && out.requiresGrad)) state.recorder?.checkInplace(op, out);
  if (recordedOut) {
    throw new AutogradError(
      `${op}(): functions with { out } do not support automatic differentiation, but an argument requires grad; leave out away or use noGrad`,
    );
  }
}

/** Copies values between views of one shape, casting; no history, no checks. Bumps the version of `out`'s storage. */
export function copyValues(out: Tensor, source: Tensor): void {
  backendFor(out.storage.device).map(copyKernel(source.dtype, out.dtype), [source], [out]);
  out.storage.version++;
}

/**
 * The in-place form of any op: computes `result` out of place, writes it into `self`, and gives `self` the history of
 * `result`. Inputs on self's storage that the derivative needs are saved as copies meanwhile.
 * @throws ShapeError when the result has another shape than `self`; nothing is changed then.
 */
export function overwrite(op: string, self: Tensor, compute: () => Tensor): Tensor {
  checkWritable(op, self);
  const before = state.overwriting;
  state.overwriting = self.storage;
  let result: Tensor;
  try {
    result = compute();
  } finally {
    state.overwriting = before;
  }
  if (!sameShape(result.shape, self.shape)) {
    throw new ShapeError(
      `${op}(): the result has shape ${formatShape(result.shape)}, which does not fit this tensor's ${formatShape(self.shape)}`,
    );
  }
  copyValues(self, result);
  if (state.gradEnabled && (result.requiresGrad || self.requiresGrad)) state.recorder!.adopt(self, result);
  return self;
}

/** The in-place form, `f_(self, …)`, of an op that has no kernel of its own for it. */
export function inplaceOf<Args extends unknown[]>(
  op: string,
  compute: (self: Tensor, ...args: Args) => Tensor,
): (self: Tensor, ...args: Args) => Tensor {
  return (self, ...args) => overwrite(`${op}_`, self, () => compute(self, ...args));
}

/**
 * The `{ out }` form of an op that is no pointwise one: computes, and where `out` is given copies the result into it.
 * @throws ShapeError when `out` has another shape than the result, DTypeError when its dtype cannot hold it,
 *   AutogradError when gradients are recorded for one of `inputs`.
 */
export function intoOut(op: string, out: Tensor | undefined, inputs: readonly Tensor[], compute: () => Tensor): Tensor {
  if (out === undefined) return compute();
  checkWritable(op, out, state.gradEnabled && inputs.some(tracks));
  const result = compute();
  if (!sameShape(result.shape, out.shape)) {
    throw new ShapeError(
      `${op}(): out has shape ${formatShape(out.shape)}, but the result has ${formatShape(result.shape)}; tensors are not resized`,
    );
  }
  if (!canCast(result.dtype, out.dtype)) {
    throw new DTypeError(`${op}(): the result is ${result.dtype} and cannot be stored in an out of dtype ${out.dtype}`);
  }
  copyValues(out, result);
  return out;
}
