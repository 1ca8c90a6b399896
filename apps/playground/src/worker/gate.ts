/** @file Where the training waits: for its turn between messages, and while it is paused. */

/**
 * A gate that the training passes before each step. Passing it gives the worker's other messages their turn, which a
 * promise alone does not: promises come before all messages.
 */
export class Gate {
  #open = false;
  #closed = false;
  #resume: (() => void) | null = null;

  open(): void {
    this.#open = true;
    this.#resume?.();
  }

  hold(): void {
    this.#open = false;
  }

  /** For good: whoever waits goes on and learns that it is over. */
  close(): void {
    this.#closed = true;
    this.#resume?.();
  }

  /** Waits while the gate is held. @returns false when it was closed: the caller must stop. */
  async pass(): Promise<boolean> {
    await macrotask();
    while (!this.#open && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
      this.#resume = null;
    }
    return !this.#closed;
  }
}

/** Resolves after the events that wait already. A timer would do as well, but browsers stretch those to 4 ms. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
