/** @file Copies: clone, contiguous, copy_, fill_, zero_. */
import { checkOptions, isPlainObject } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { checkWritable, copyOf, copyValues, overwrite } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { needsCopy } from '../overlap.ts';
import { callPointwise, callPointwiseInto, type PointwiseFunction, pointwise } from '../pointwise.ts';
import { record } from '../record.ts';
import { broadcastShapes, formatShape, sameShape } from '../shape.ts';
import { state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';

export { copyOf } from '../inplace.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface CopyOps {
  clone: object;
  /** What `copy_` makes of the tensor it overwrites (of which nothing is left) and its source. */
  copy: object;
}

/** A copy with memory of its own. Gradients flow through. */
export function clone(self: Tensor): Tensor {
  return record('clone', [self], copyOf(self), {});
}

/** The tensor itself if its elements lie row-major without gaps, else a copy that does. */
export function contiguous(self: Tensor): Tensor {
  return self.isContiguous() ? self : clone(self);
}

/** Every element becomes the second argument; its own value does not matter, so none flows back to it. */
export const fillOp = pointwise(2, (_x, value) => value, {
  name: 'fill',
  promotion: 'promote',
  parameters: 1,
  derivative: (grad) => [grad.mul(0), grad],
});

/** A tensor of self's shape filled with `value`, a number or a 0-d tensor. `x.fill_(value)` in place. */
export const fill: PointwiseFunction<[value: Value | Tensor] | [options: { value: Value | Tensor }]> = Object.assign(
  (self: Tensor, given: FillArgument): Tensor => callPointwise(fillOp, [self, fillValue(given)]),
  {
    inplace: (self: Tensor, given: FillArgument): Tensor =>
      callPointwiseInto(fillOp, [self, fillValue(given)], self, true),
  },
);

type FillArgument = Value | Tensor | { value: Value | Tensor };

function fillValue(given: FillArgument): Value | Tensor {
  if (isPlainObject(given)) checkOptions('fill', given, ['value']);
  const value = isPlainObject(given) ? (given as { value: Value | Tensor }).value : given;
  if (isTensor(value) && value.shape.length > 0) {
    throw new ShapeError(`fill(): the value must be a number or a 0-d tensor, got shape ${formatShape(value.shape)}`);
  }
  return value;
}

/** Sets every element to 0, in place. */
export function zero_(self: Tensor): Tensor {
  return fill.inplace(self, 0);
}

/**
 * Copies `source`, which may lie on another device, into self, broadcasting and casting; in place, returns self.
 * @throws ShapeError when `source` does not broadcast to self's shape, DeviceError when its device is only read
 *   asynchronously and self is on another one: `x.copy_(await source.cpu())`.
 */
export function copy_(self: Tensor, source: Tensor): Tensor {
  if (!sameShape(broadcastShapes('copy_', self.shape, source.shape), self.shape)) {
    throw new ShapeError(
      `copy_(): shape ${formatShape(source.shape)} does not broadcast to ${formatShape(self.shape)}`,
    );
  }
  if (source.device !== self.device) return copy_(self, source.to(self.device, self.dtype));
  if (state.gradEnabled && (self.requiresGrad || source.requiresGrad)) {
    return overwrite('copy_', self, () => {
      const values = untracked(() => copyOf(source.expand(self.shape)).to(self.dtype));
      return record('copy', [null, source], values, {});
    });
  }
  checkWritable('copy_', self);
  copyValues(self, needsCopy(source, self) ? copyOf(source) : source);
  return self;
}
