/** @file The recorded graph: nodes and the edges between them. */
import type { GraphNode, NodeHook, NodePrehook, RemovableHandle, Tensor } from '@flambeau/tensor';
import { type Trace, traceHere } from './anomaly.ts';
import { Hooks } from './hooks.ts';

/** One output of a node, where a gradient goes. */
export interface Edge {
  readonly node: Node;
  readonly index: number;
}

interface Face {
  readonly name: string;
  readonly edges: readonly (Edge | null)[];
}

let count = 0;

/** The next number in order of creation. A node is always younger than the nodes its edges lead to. */
export const nextSequence = (): number => count++;

/**
 * A recorded op. `next` has an edge for each input, null where no gradient is wanted. Gradients of the outputs come in
 * by `apply`, gradients of the inputs go out.
 */
export abstract class Node implements GraphNode {
  abstract readonly ownName: string;
  /** What it shows itself as: the last node of a composition that is one node in PyTorch's graph. */
  face: Face | null = null;
  readonly next: readonly (Edge | null)[];
  readonly outputs: number;
  readonly sequence: number;
  /** Hooks on the node and on the tensors that it made; null until there is one. */
  hooks: Hooks | null = null;
  /** Where the op was called, in anomaly mode. */
  readonly trace: Trace | null;

  constructor(next: readonly (Edge | null)[], outputs: number, sequence = nextSequence()) {
    this.next = next;
    this.outputs = outputs;
    this.sequence = sequence;
    this.trace = traceHere();
  }

  /** Whether it runs code of the user's, which may keep the tensors that it sees. */
  get foreign(): boolean {
    return false;
  }

  abstract apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null | undefined)[];

  /** Drops what was saved: after a backward pass that does not retain the graph. */
  release(): void {}

  get name(): string {
    return this.face?.name ?? this.ownName;
  }

  /** The edges that PyTorch's node has: the differentiable inputs, null also where no gradient is wanted. */
  get shown(): readonly (Edge | null)[] {
    return this.next;
  }

  get nextFunctions(): readonly (readonly [GraphNode | null, number])[] {
    return (this.face?.edges ?? this.shown).map((edge) => (edge === null ? [null, 0] : [edge.node, edge.index]));
  }

  toString(): string {
    return `<${this.name}>`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  registerHook(hook: NodeHook): RemovableHandle {
    return this.hooked().onNode(hook);
  }

  registerPrehook(hook: NodePrehook): RemovableHandle {
    return this.hooked().beforeNode(hook);
  }

  /** The node's hooks, to add one. */
  hooked(): Hooks {
    this.hooks ??= new Hooks();
    return this.hooks;
  }
}
