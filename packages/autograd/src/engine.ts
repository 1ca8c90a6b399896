/**
 * @file The backward pass. Nodes run in the opposite order of their creation: all users of a tensor are younger than
 * the node that made it, so when a node's turn comes its gradients are complete.
 */
import { AutogradError, ones, type Tensor } from '@flambeau/tensor';
import { mixedDevices, openMode, state } from '@flambeau/tensor/internal';
import { AccumulateGrad } from './accumulate.ts';
import { isAnomalyEnabled, watched } from './anomaly.ts';
import { Intermediates } from './intermediates.ts';
import type { Edge, Node } from './node.ts';

export interface RunOptions {
  readonly retainGraph: boolean;
  readonly createGraph: boolean;
  /** Only gradients of these are wanted; everything that does not lead to them is left out. Null: all leaves. */
  readonly wanted: readonly Edge[] | null;
  /** Wanted leaves get their gradient in `.grad` (backward with `inputs`) rather than in the result (grad()). */
  readonly accumulate: boolean;
}

/** The mode of a pass for some gradients only, for those who would run a pass of their own inside. */
export const partialPass = 'partial backward pass';

/** A max-heap of nodes by sequence number. */
class Queue {
  readonly #heap: Node[] = [];

  get size(): number {
    return this.#heap.length;
  }

  push(node: Node): void {
    const heap = this.#heap;
    let i = heap.push(node) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.sequence >= node.sequence) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = node;
  }

  pop(): Node {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.sequence > heap[child]!.sequence) child++;
      if (heap[child]!.sequence <= last.sequence) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

/** The nodes from which some wanted node can be reached. */
function leadingTo(roots: readonly Root[], wanted: readonly Edge[]): Set<Node> {
  const targets = new Set(wanted.map((edge) => edge.node));
  const leads = new Map<Node, boolean>();
  const stack = roots.map(({ edge }) => edge.node);
  // Post-order without recursion: a node is decided when all nodes behind it are.
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    if (leads.has(node)) {
      stack.pop();
      continue;
    }
    const open = node.next.filter((edge) => edge !== null && !leads.has(edge.node));
    if (open.length > 0) stack.push(...open.map((edge) => edge!.node));
    else {
      leads.set(node, targets.has(node) || node.next.some((edge) => edge !== null && leads.get(edge.node)));
      stack.pop();
    }
  }
  return new Set([...leads].filter(([, yes]) => yes).map(([node]) => node));
}

/**
 * Runs the backward pass from `roots`.
 * @returns the gradients of the wanted edges, null where none arrived.
 */
export function runBackward(roots: readonly Root[], options: RunOptions): (Tensor | null)[] {
  const { wanted } = options;
  const useful = wanted === null ? null : leadingTo(roots, wanted);
  const captured: (Tensor | null)[] = wanted === null ? [] : wanted.map(() => null);
  const pending = new Map<Node, (Tensor | null)[]>();
  const queue = new Queue();
  const intermediates = state.reclaims ? new Intermediates() : null;

  const send = (edge: Edge, grad: Tensor): void => {
    if (useful !== null && !useful.has(edge.node)) return;
    let grads = pending.get(edge.node);
    if (grads === undefined) {
      grads = new Array<Tensor | null>(edge.node.outputs).fill(null);
      pending.set(edge.node, grads);
      queue.push(edge.node);
    }
    const before = grads[edge.index]!;
    const total = before === null ? grad : (intermediates?.sum(before, grad) ?? before.add(grad));
    intermediates?.wait([total]);
    grads[edge.index] = total;
  };

  /** Whether a node has nothing to do: a wanted one that leads nowhere further wanted, a leaf when only values are wanted. */
  const idle = (node: Node): boolean =>
    node instanceof AccumulateGrad
      ? wanted !== null && !options.accumulate
      : useful !== null && !node.next.some((edge) => edge !== null && useful.has(edge.node));

  const anomalous = isAnomalyEnabled();
  const evaluate = (node: Node, grads: readonly (Tensor | null)[]): readonly (Tensor | null | undefined)[] =>
    intermediates === null || node instanceof AccumulateGrad ? node.apply(grads) : intermediates.apply(node, grads);

  const run = (node: Node, given: readonly (Tensor | null)[]): void => {
    const { hooks } = node;
    const grads = hooks === null ? given : hooks.before(node.name, given);
    let results = anomalous ? watched(node, () => evaluate(node, grads)) : evaluate(node, grads);
    if (hooks !== null) {
      intermediates?.expose(results);
      results = hooks.after(
        node.name,
        results.map((grad) => grad ?? null),
        grads,
      );
    }
    // One gradient may go several ways: it must not be given back between them.
    intermediates?.wait(results);
    for (let i = 0; i < node.next.length; i++) {
      const edge = node.next[i]!;
      const grad = results[i];
      if (edge !== null && grad) send(edge, grad);
    }
    intermediates?.done(results);
    if (!options.retainGraph) node.release();
  };

  const modes = [openMode('grad', options.createGraph)];
  if (wanted !== null) modes.push(openMode(partialPass, true));
  try {
    for (const { edge, gradient, implicit } of roots) {
      if (implicit) intermediates?.own(gradient);
      send(edge, gradient);
    }
    while (queue.size > 0) {
      const node = queue.pop();
      const grads = pending.get(node)!;
      pending.delete(node);
      if (node.hooks !== null) {
        intermediates?.expose(grads);
        node.hooks.tensors(node.name, grads);
      }
      wanted?.forEach((edge, i) => {
        if (edge.node !== node) return;
        captured[i] = grads[edge.index] ?? null;
        intermediates?.expose([captured[i]!]);
      });
      if (!idle(node)) run(node, grads);
      intermediates?.done(grads);
    }
  } finally {
    for (const mode of modes) mode.close();
  }
  return captured;
}

/** A tensor that a backward pass starts from. */
export interface Root {
  readonly edge: Edge;
  readonly gradient: Tensor;
  /** Whether nobody but the pass knows the gradient. */
  readonly implicit: boolean;
}

/** The start at `output`, whose gradient goes along `edge`: the given one, checked, or 1 for a single element. */
export function rootOf(output: Tensor, edge: Edge, gradient: Tensor | null | undefined): Root {
  const { shape, dtype, device } = output;
  if (gradient === null || gradient === undefined) {
    if (output.elementCount !== 1) {
      throw new AutogradError(
        `a gradient is made implicitly only for outputs of one element, this one has shape [${shape.join(', ')}]; pass backward(gradient)`,
      );
    }
    return { edge, gradient: ones(shape, { dtype, device }), implicit: true };
  }
  if (gradient.shape.join() !== shape.join()) {
    throw new AutogradError(
      `the gradient has shape [${gradient.shape.join(', ')}], the output [${shape.join(', ')}]; they must be equal`,
    );
  }
  if (gradient.device !== output.device) throw mixedDevices('backward', output, gradient);
  // The user's gradient is never taken over as a leaf's own.
  gradient.storage.claimed = true;
  return { edge, gradient: gradient.dtype === dtype ? gradient : gradient.to(dtype), implicit: false };
}
