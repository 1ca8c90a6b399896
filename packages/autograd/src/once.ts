/** @file Results that cannot be differentiated again: an error for whoever tries, not a wrong number. */
import { AutogradError, type Tensor } from '@flambeau/tensor';
import { state } from '@flambeau/tensor/internal';
import { edgesOf } from './history.ts';
import { Node } from './node.ts';
import { Slot } from './slot.ts';

class Once extends Node {
  /** PyTorch's name of such a node. */
  readonly ownName = 'Error';
  readonly message: string;

  constructor(message: string, sources: readonly unknown[], outputs: number) {
    super(edgesOf(sources), outputs);
    this.message = message;
  }

  apply(): never {
    throw new AutogradError(this.message);
  }
}

/** `results`, which were computed from `sources` without being recorded, so that a gradient by these is an AutogradError with `message`. */
export function refusingGradients(
  message: string,
  sources: readonly unknown[],
  results: readonly (Tensor | null | undefined)[],
): (Tensor | null)[] {
  const plain = results.map((result) => result ?? null);
  if (!state.gradEnabled || edgesOf(sources).every((edge) => edge === null)) return plain;
  const node = new Once(message, sources, results.length);
  return plain.map((result, i) => {
    if (result === null) return null;
    const out = result.detach();
    out.autograd = new Slot(true, node, i);
    return out;
  });
}
