/** @file Registers automatic differentiation with the tensor package. */
import {
  AutogradError,
  type BackwardOptions,
  type GradHook,
  type RemovableHandle,
  type Tensor,
} from '@flambeau/tensor';
import { type Recorder, signature, state, type Trailing } from '@flambeau/tensor/internal';
import { rootOf, runBackward } from './engine.ts';
import { adopt, checkInplace, edgeOf, gradFnOf, retainGrad, setGrad, setRequiresGrad, showAs } from './history.ts';
import type { Edge } from './node.ts';
import { recordPointwise, recordRule } from './recorded.ts';
import { slotOf } from './slot.ts';

function registerHook(self: Tensor, hook: GradHook): RemovableHandle {
  const edge = edgeOf(self);
  if (edge === null) throw new AutogradError('registerHook(): the tensor does not require grad');
  return edge.node.hooked().onTensor(edge.index, hook);
}

interface BackwardArguments {
  gradTensors: Tensor | readonly (Tensor | null | undefined)[] | null;
  retainGraph: boolean | null;
  createGraph: boolean;
  inputs: Tensor | readonly Tensor[] | null;
}

const backwardArguments = signature<BackwardArguments>(
  'backward',
  ['gradTensors', 'retainGraph', 'createGraph', 'inputs'],
  { gradTensors: null, retainGraph: null, createGraph: false, inputs: null },
);

const list = <T>(value: T | readonly T[] | null): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : value === null ? [] : [value as T];

/**
 * Computes gradients of several tensors at once and adds them to the leaves' `.grad`: `torch.autograd.backward`.
 * @param gradTensors of something by each tensor; null for those of one element (then 1).
 * @throws AutogradError when one of them has no history.
 */
export function backward(
  tensors: Tensor | readonly Tensor[],
  ...args: Trailing<
    [
      gradTensors: BackwardArguments['gradTensors'] | undefined,
      retainGraph: boolean | null | undefined,
      createGraph: boolean | undefined,
      inputs: BackwardArguments['inputs'] | undefined,
    ],
    BackwardOptions & { gradTensors?: BackwardArguments['gradTensors'] | undefined }
  >
): void {
  const { gradTensors, ...options } = backwardArguments(args);
  backwardFrom(list(tensors), list(gradTensors), options);
}

/** The same with its arguments read. */
function backwardFrom(
  tensors: readonly Tensor[],
  gradients: readonly (Tensor | null | undefined)[],
  { createGraph = false, retainGraph, inputs = null }: BackwardOptions,
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
  const wanted = inputs === null ? null : list(inputs).map(wantedEdge);
  runBackward(roots, { retainGraph: retainGraph ?? createGraph, createGraph, wanted, accumulate: true });
}

/** @throws AutogradError for an input that does not require grad. */
function wantedEdge(input: Tensor, i: number): Edge {
  const edge = edgeOf(input);
  if (edge === null) throw new AutogradError(`backward(): input ${i} does not require grad`);
  return edge;
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
  showAs,
  retainGrad,
  registerHook,
  backward: (self, gradient, options) => backwardFrom([self], [gradient], options),
};

state.recorder ??= recorder;
