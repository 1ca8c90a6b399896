/** @file In-place changes: who may be written, and how a recorded in-place op gets its history. */
import { AutogradError, DTypeError, ShapeError } from './errors.ts';
import { copyKernel } from './ir/copy.ts';
import { needsCopy, overlapsItself } from './overlap.ts';
import { mixedDevices } from './pointwise.ts';
import { canCast } from './promotion.ts';
import { tracks } from './record.ts';
import { formatShape, sameShape } from './shape.ts';
import { backendFor, state } from './state.ts';
import { Tensor } from './tensor.ts';

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

/** A fresh row-major tensor with the values of `x` and no history. */
export function copyOf(x: Tensor): Tensor {
  const out = new Tensor(backendFor(x.storage.device).allocate(x.dtype, x.elementCount), x.dtype, x.shape);
  copyValues(out, x);
  out.storage.version = 0;
  return out;
}

/** Copies the result of `op`, which has the same shape but may share memory. @throws when dtype or device do not fit. */
function replaceValues(op: string, out: Tensor, result: Tensor): void {
  if (result.device !== out.device) throw mixedDevices(op, result, out);
  if (!canCast(result.dtype, out.dtype)) {
    throw new DTypeError(
      `${op}(): the result is ${result.dtype} and cannot be stored in a tensor of dtype ${out.dtype}`,
    );
  }
  copyValues(out, needsCopy(result, out) ? copyOf(result) : result);
}

/**
 * The in-place form of any op: computes `result` out of place, writes it into `self`, and gives `self` the history of
 * `result`. Inputs on self's storage that the derivative needs are saved as copies meanwhile.
 * @throws ShapeError when the result has another shape than `self`, DTypeError when self's dtype cannot hold it; nothing
 *   is changed then.
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
  const recorded = state.gradEnabled && (result.requiresGrad || self.requiresGrad);
  if (recorded) state.recorder!.checkInplace(op, self);
  replaceValues(op, self, result);
  if (recorded) state.recorder!.adopt(self, result);
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
 *   AutogradError when gradients are recorded for `out` or one of `inputs`.
 */
export function intoOut(op: string, out: Tensor | undefined, inputs: readonly Tensor[], compute: () => Tensor): Tensor {
  if (out === undefined) return compute();
  checkWritable(op, out, state.gradEnabled && (tracks(out) || inputs.some(tracks)));
  const result = compute();
  if (!sameShape(result.shape, out.shape)) {
    throw new ShapeError(
      `${op}(): out has shape ${formatShape(out.shape)}, but the result has ${formatShape(result.shape)}; tensors are not resized`,
    );
  }
  replaceValues(op, out, result);
  return out;
}
