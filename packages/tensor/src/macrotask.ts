/** @file A turn of the event loop. */

/**
 * Resolves when everything that waits for the event loop has run once: messages, timers, finalizers. Promises alone come
 * before all of these. Browsers stretch timers, so that a message stands in for setImmediate there.
 */
export function macrotask(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
