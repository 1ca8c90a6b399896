/**
 * @file The gradients that a backward pass makes on its way: on devices that are not garbage-collected their memory is
 * given back as soon as the last node has used them.
 */
import type { Tensor } from '@flambeau/tensor';
import { temporaries } from '@flambeau/tensor/internal';
import type { Node } from './node.ts';

type Gradients = readonly (Tensor | null | undefined)[];

/** Counts in how many places of the pass each gradient that it made still waits. */
export class Intermediates {
  readonly #waiting = new Map<Tensor, number>();

  /** Runs a node; what it makes besides its results is given back at once. */
  apply(node: Node, grads: readonly (Tensor | null)[]): Gradients {
    if (node.foreign) {
      const results = node.apply(grads);
      this.expose(grads);
      this.expose(results);
      return results;
    }
    return temporaries(
      () => node.apply(grads),
      (results, made) => {
        for (const result of results) if (result && made.has(result)) this.own(result);
      },
    );
  }

  /** The sum of two gradients of one tensor, in place of the first. */
  sum(first: Tensor, second: Tensor): Tensor {
    const sum = first.add(second);
    this.own(sum);
    this.done([first]);
    return sum;
  }

  /** A gradient that the pass made itself. */
  own(grad: Tensor): void {
    this.#waiting.set(grad, 0);
  }

  /** Gradients wait in one more place each. */
  wait(grads: Gradients): void {
    this.#count(grads, 1);
  }

  /** Gradients were used in one place each; those that wait nowhere else are given back. */
  done(grads: Gradients): void {
    this.#count(grads, -1);
    for (const grad of grads) {
      if (!grad || this.#waiting.get(grad) !== 0) continue;
      this.#waiting.delete(grad);
      grad.dispose();
    }
  }

  #count(grads: Gradients, change: number): void {
    for (const grad of grads) {
      const count = grad ? this.#waiting.get(grad) : undefined;
      if (count !== undefined) this.#waiting.set(grad!, count + change);
    }
  }

  /** Somebody else has seen these gradients and may keep them. */
  expose(grads: Gradients): void {
    for (const grad of grads) if (grad) this.#waiting.delete(grad);
  }
}
