/** @file The leaves of the graph: gradients end here and are added to `.grad`. */
import type { Tensor } from '@flambeau/tensor';
import { state } from '@flambeau/tensor/internal';
import { Node } from './node.ts';
import { slotOf } from './slot.ts';

/** Adds the gradient of a leaf to its `.grad`. */
export class AccumulateGrad extends Node {
  readonly ownName = 'AccumulateGrad';
  readonly variable: Tensor;

  constructor(variable: Tensor) {
    super([], 1);
    this.variable = variable;
  }

  apply([grad]: readonly (Tensor | null)[]): readonly [] {
    if (grad !== null && grad !== undefined) accumulate(this.variable, grad);
    return [];
  }
}

function accumulate(variable: Tensor, grad: Tensor): void {
  const slot = slotOf(variable);
  if (slot.grad === null) slot.keepGrad(state.gradEnabled ? grad.clone() : takeOver(grad));
  else if (state.gradEnabled) slot.keepGrad(slot.grad.add(grad));
  else slot.grad.add_(grad);
}

/**
 * The gradient itself when nobody else can hold its memory, else a copy: a leaf's gradient is changed in place later,
 * and one gradient tensor may go to several leaves (a + b).
 */
function takeOver(grad: Tensor): Tensor {
  const { storage } = grad;
  const whole = storage.length === grad.elementCount && grad.isContiguous();
  const own = whole && !storage.claimed && !storage.external ? grad.detach() : grad.detach().clone();
  own.storage.claimed = true;
  return own;
}
