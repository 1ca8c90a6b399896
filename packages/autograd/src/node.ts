/** @file The recorded graph: nodes, the edges between them, and what they save. */
import { AutogradError, copyOf, type GradHook, type GraphNode, Tensor } from '@flambeau/tensor';
import { type Storage, state } from '@flambeau/tensor/internal';
import { Slot } from './slot.ts';

/** One output of a node, where a gradient goes. */
export interface Edge {
  readonly node: Node;
  readonly index: number;
}

let count = 0;

/** The next number in order of creation. A node is always younger than the nodes its edges lead to. */
export const nextSequence = (): number => count++;

/** What happens to the gradient of one output of a node before the node uses it. */
export type TensorHook = GradHook;

/**
 * A recorded op. `next` has an edge for each input, null where no gradient is wanted. Gradients of the outputs come in
 * by `apply`, gradients of the inputs go out.
 */
export abstract class Node implements GraphNode {
  abstract readonly name: string;
  readonly next: readonly (Edge | null)[];
  readonly outputs: number;
  readonly sequence: number;
  /** Hooks on the tensors this node made, by output. */
  hooks: Map<number, Set<TensorHook>> | null = null;

  constructor(next: readonly (Edge | null)[], outputs: number, sequence = nextSequence()) {
    this.next = next;
    this.outputs = outputs;
    this.sequence = sequence;
  }

  /** Whether it runs code of the user's, which may keep the tensors that it sees. */
  get foreign(): boolean {
    return false;
  }

  abstract apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null | undefined)[];

  /** Drops what was saved: after a backward pass that does not retain the graph. */
  release(): void {}

  get nextFunctions(): readonly (readonly [GraphNode | null, number])[] {
    return this.next.filter((edge) => edge !== null).map((edge) => [edge.node, edge.index] as const);
  }

  toString(): string {
    return `<${this.name}>`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  addHook(index: number, hook: TensorHook): void {
    this.hooks ??= new Map();
    let list = this.hooks.get(index);
    if (list === undefined) {
      list = new Set();
      this.hooks.set(index, list);
    }
    list.add(hook);
  }
}

/**
 * A tensor that a node needs in the backward pass. Holds the storage, not the user's handle, and the version it had:
 * values that were overwritten since are an error, never wrong gradients.
 */
export class SavedTensor {
  readonly #storage: Storage;
  readonly #version: number;
  readonly #tensor: Pick<Tensor, 'dtype' | 'shape' | 'strides' | 'offset'>;
  /** Where gradients of this value go, when a graph of the backward pass is built. */
  readonly #edge: Edge | null;

  constructor(tensor: Tensor, edge: Edge | null) {
    const kept = tensor.storage === state.overwriting ? copyOf(tensor) : tensor;
    this.#storage = kept.storage;
    this.#storage.root.users++;
    if (kept !== tensor) kept.dispose();
    this.#version = this.#storage.version;
    this.#tensor = { dtype: kept.dtype, shape: kept.shape, strides: kept.strides, offset: kept.offset };
    this.#edge = edge;
  }

  /** Lets go of the memory: the node will not run again. */
  release(): void {
    this.#storage.release();
  }

  /** The value as a tensor, connected to the graph when one is being built. @throws AutogradError when it was overwritten. */
  unpack(node: Node): Tensor {
    const { dtype, shape, strides, offset } = this.#tensor;
    if (this.#storage.version !== this.#version) {
      throw new AutogradError(
        `one of the tensors needed for the gradient computation of ${node.name} was changed by an in-place operation: ` +
          `a ${dtype} tensor of shape [${shape.join(', ')}] is at version ${this.#storage.version}; expected version ${this.#version}. ` +
          'Use the out-of-place form of that operation, or clone() the tensor first.',
      );
    }
    const tensor = new Tensor(this.#storage, dtype, shape, strides, offset);
    if (this.#edge !== null && state.gradEnabled) tensor.autograd = Slot.fromEdge(this.#edge);
    return tensor;
  }
}

/** Lets go of everything that a node has saved. */
export function releaseAll(saved: readonly unknown[]): void {
  for (const slot of saved) if (slot instanceof SavedTensor) slot.release();
}

/** @throws AutogradError for a second backward pass through a graph that was not retained. */
export function throwReleased(node: Node): never {
  throw new AutogradError(
    `${node.name}: the saved tensors of this graph were already freed by an earlier backward pass. ` +
      'Pass { retainGraph: true } to the first backward() (or autograd.grad()) to go through it again.',
  );
}
