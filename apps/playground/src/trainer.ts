/** @file The page's end of the worker. */
import type { Reply, Request } from './protocol.ts';

type Handlers = { readonly [Type in Reply['type']]: (reply: Extract<Reply, { type: Type }>) => void };

export interface Trainer {
  ask(request: Exclude<Request, { type: 'classify' }>): void;
  /** Asks for the probabilities of a drawing. Of those that come while one is being classified only the last counts. */
  classify(pixels: Float32Array): void;
}

export function openTrainer(handlers: Handlers): Trainer {
  const worker = new Worker(new URL('./worker/main.ts', import.meta.url), { type: 'module' });
  let classifying = false;
  let next: Float32Array | null = null;

  const ask = (request: Request): void => worker.postMessage(request);
  const classify = (pixels: Float32Array): void => {
    if (classifying) next = pixels;
    else {
      classifying = true;
      ask({ type: 'classify', pixels });
    }
  };

  worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
    if (data.type === 'probabilities' || data.type === 'failure') {
      classifying = false;
      const waiting = next;
      next = null;
      if (waiting !== null) classify(waiting);
    }
    const handle = handlers[data.type] as (reply: Reply) => void;
    handle(data);
  });
  worker.addEventListener('error', (event) => {
    handlers.failure({ type: 'failure', message: event.message || 'The worker could not be started.' });
  });
  return { ask, classify };
}
