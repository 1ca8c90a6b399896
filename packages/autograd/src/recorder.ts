/** @file Registers automatic differentiation with the tensor package. */
import {
  AutogradError,
  type BackwardOptions,
  type GradHook,
  type RemovableHandle,
  type Tensor,
} from '@flambeau/tensor';
import { type Recorder, state } from '@flambeau/tensor/internal';
import { rootOf, runBackward } from './engine.ts';
import { adopt, checkInplace, edgeOf, gradFnOf, retainGrad, setGrad, setRequiresGrad } from './history.ts';
import { recordPointwise, recordRule } from './recorded.ts';
import { slotOf } from './slot.ts';

function registerHook(self: Tensor, hook: GradHook): RemovableHandle {
  const edge = edgeOf(self);
  if (edge === null) throw new AutogradError('registerHook(): the tensor does not require grad');
  return edge.node.hooked().onTensor(edge.index, hook);
}

/**
 * Computes gradients of several tensors at once and adds them to the leaves' `.grad`: `torch.autograd.backward`.
 * @throws AutogradError when one of them has no history.
 */
export function backward(
  tensors: readonly Tensor[],
  gradients: readonly (Tensor | null | undefined)[] = [],
  options: BackwardOptions = {},
): void {
  const roots = tensors.map((tensor, i) => {
    const edge = edgeOf(tensor);
    if (edge === null) {
      throw new AutogradError(
        `backward(): tensor ${i} does not require grad and has no gradFn; set requiresGrad on the leaves before computing`,
      );
    }
    return rootOf(tensor, edge, gradients[i]);
  });
  const { createGraph = false, retainGraph = createGraph, inputs } = options;
  const wanted = inputs === undefined ? null : inputs.map((input) => edgeOf(input)!).filter(Boolean);
  runBackward(roots, { retainGraph, createGraph, wanted, accumulate: true });
}

const recorder: Recorder = {
  record: recordRule,
  recordPointwise,
  adopt,
  checkInplace,
  setRequiresGrad,
  grad(self) {
    const slot = slotOf(self);
    slot.gradShown = true;
    return slot.grad;
  },
  peekGrad: (self) => slotOf(self).grad,
  setGrad,
  gradFn: gradFnOf,
  retainGrad,
  registerHook,
  backward: (self, gradient, options) => backward([self], [gradient], options),
};

state.recorder ??= recorder;
