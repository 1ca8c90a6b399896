/** @file What autograd keeps with a tensor. */
import type { Tensor } from '@flambeau/tensor';
import { type AutogradSlot, keep } from '@flambeau/tensor/internal';
import { AccumulateGrad } from './accumulate.ts';
import type { Edge, Node } from './node.ts';

export class Slot implements AutogradSlot {
  requiresGrad: boolean;
  /** The node that made the tensor, and which of its outputs it is; null for leaves. */
  gradFn: Node | null;
  outputIndex: number;
  grad: Tensor | null = null;
  /** Whether `grad` was handed out, so that others may hold it. */
  gradShown = false;
  /** Leaves: the node that adds gradients to `grad`. */
  accumulator: Node | null = null;
  retainsGrad = false;
  /** Bumped whenever the history of a tensor with memory of its own changes; views compare it with `seenEpoch`. */
  epoch = 0;
  /** Views: the base's epoch when `gradFn` was made. */
  seenEpoch = 0;

  constructor(requiresGrad: boolean, gradFn: Node | null = null, outputIndex = 0) {
    this.requiresGrad = requiresGrad;
    this.gradFn = gradFn;
    this.outputIndex = outputIndex;
  }

  /** Makes a tensor that nobody else has seen the gradient. No memory scope takes it away. */
  keepGrad(grad: Tensor): void {
    this.replaceGrad(keep(grad), false);
  }

  /** Sets `grad`; the memory of the one before is given back when nobody else has seen it. */
  replaceGrad(grad: Tensor | null, shown: boolean): void {
    const { grad: before, gradShown } = this;
    this.grad = grad;
    this.gradShown = shown;
    if (before !== null && before !== grad && !gradShown) before.dispose();
  }

  /** The slot of a tensor whose gradient goes along `edge`. */
  static fromEdge(edge: Edge): Slot {
    if (!(edge.node instanceof AccumulateGrad)) return new Slot(true, edge.node, edge.index);
    const slot = new Slot(true);
    slot.accumulator = edge.node;
    return slot;
  }
}

/** A tensor's slot, made if need be. */
export function slotOf(tensor: Tensor): Slot {
  tensor.autograd ??= new Slot(false);
  return tensor.autograd as Slot;
}
