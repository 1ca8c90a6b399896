/** @file Hooks on graph nodes and on the tensors that they made. */

import type { Tensor } from '@flambeau/tensor';
import {
  AutogradError,
  type GradHook,
  isTensor,
  type NodeHook,
  type NodePrehook,
  type RemovableHandle,
} from '@flambeau/tensor';
import { formatShape, sameShape } from '@flambeau/tensor/internal';

type Gradients = readonly (Tensor | null)[];

/** A hook in a list of its own entries, so that one function may be registered twice. */
interface Entry<Hook> {
  readonly hook: Hook;
}

function add<Hook>(entries: Set<Entry<Hook>>, hook: Hook): RemovableHandle {
  const entry = { hook };
  entries.add(entry);
  return { remove: () => void entries.delete(entry) };
}

/** What a hook gives back in place of a gradient. @throws AutogradError when it does not fit. */
function replacement(what: string, before: Tensor, after: unknown): Tensor {
  if (!isTensor(after)) throw new AutogradError(`${what} must return a tensor or nothing, got ${typeof after}`);
  if (!sameShape(before.shape, after.shape) || before.dtype !== after.dtype || before.device !== after.device) {
    throw new AutogradError(
      `${what} changed the gradient from ${before.dtype} ${formatShape(before.shape)} on '${before.device}' ` +
        `to ${after.dtype} ${formatShape(after.shape)} on '${after.device}'; return one of the same kind`,
    );
  }
  return after;
}

/** The list that a hook on a node gives back in place of `before`. */
function replacements(what: string, before: Gradients, after: unknown): Gradients {
  if (after === undefined || after === null) return before;
  const list = (Array.isArray(after) ? after : [after]) as readonly (Tensor | null)[];
  if (list.length !== before.length) {
    throw new AutogradError(`${what} returned ${list.length} gradients for ${before.length}`);
  }
  return list.map((grad, i) => (isTensor(grad) && before[i] ? replacement(what, before[i], grad) : (grad ?? null)));
}

/**
 * The hooks of one node, in the order in which they run: those of the tensors that it made, in order of registration;
 * what keeps these tensors' gradients (`retainGrad`, always last, so that it keeps what the hooks made of them); the
 * node's own before it runs; and those after.
 */
export class Hooks {
  readonly #tensors = new Map<number, Set<Entry<GradHook>>>();
  readonly #keepers = new Map<number, (grad: Tensor) => void>();
  readonly #before = new Set<Entry<NodePrehook>>();
  readonly #after = new Set<Entry<NodeHook>>();

  /** Calls `hook` with the gradient of one output. */
  onTensor(index: number, hook: GradHook): RemovableHandle {
    let entries = this.#tensors.get(index);
    if (entries === undefined) {
      entries = new Set();
      this.#tensors.set(index, entries);
    }
    return add(entries, hook);
  }

  /** Shows `keeper` the gradient of one output after the hooks on it; null for nobody any more. */
  keep(index: number, keeper: ((grad: Tensor) => void) | null): void {
    if (keeper === null) this.#keepers.delete(index);
    else this.#keepers.set(index, keeper);
  }

  onNode(hook: NodeHook): RemovableHandle {
    return add(this.#after, hook);
  }

  beforeNode(hook: NodePrehook): RemovableHandle {
    return add(this.#before, hook);
  }

  /** The gradients of the node's outputs after the hooks on these tensors, in place. */
  tensors(name: string, grads: (Tensor | null)[]): void {
    for (const [index, entries] of this.#tensors) {
      for (const { hook } of entries) {
        const grad = grads[index];
        if (!grad) continue;
        const result = hook(grad);
        if (result) grads[index] = replacement(`a hook on a result of ${name}`, grad, result);
      }
    }
    for (const [index, keeper] of this.#keepers) if (grads[index]) keeper(grads[index]);
  }

  /** What the node gets instead of `gradOutputs`. */
  before(name: string, gradOutputs: Gradients): Gradients {
    let current = gradOutputs;
    for (const { hook } of this.#before) current = replacements(`a prehook on ${name}`, current, hook(current));
    return current;
  }

  /** What goes on instead of `gradInputs`. */
  after(name: string, gradInputs: Gradients, gradOutputs: Gradients): Gradients {
    let current = gradInputs;
    for (const { hook } of this.#after) {
      current = replacements(`a hook on ${name}`, current, hook(current, gradOutputs));
    }
    return current;
  }
}
