/**
 * @file Ends a run in which one case hangs: a loop that never ends blocks this thread, so another one watches. It reads
 * the name of the running case from shared memory.
 */
import { Worker } from 'node:worker_threads';

/** A case that takes longer than this is taken to hang. The slowest ones need well under a second. */
const patience = 120_000;

const nameBytes = 512;

/** What the watching thread runs: no case may stay the same for two looks in a row. */
const watch = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const count = new Int32Array(workerData.memory, 0, 1);
const name = Buffer.from(workerData.memory, 4);
let before = -1;
setInterval(() => {
  const now = Atomics.load(count, 0);
  if (now === before) {
    const text = name.subarray(0, name.indexOf(0)).toString();
    writeSync(2, '\\n' + text + ' has been running for ' + workerData.patience / 1000 + ' s; the run ends here.\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  before = now;
}, workerData.patience);
`;

export interface Watchdog {
  /** Says that another case begins. */
  next(name: string): void;
  stop(): Promise<void>;
}

export function startWatchdog(): Watchdog {
  const memory = new SharedArrayBuffer(4 + nameBytes);
  const count = new Int32Array(memory, 0, 1);
  const bytes = Buffer.from(memory, 4);
  const worker = new Worker(watch, { eval: true, workerData: { memory, patience } });
  worker.unref();
  return {
    next(name) {
      const end = bytes.write(name, 0, nameBytes - 1);
      bytes[end] = 0;
      Atomics.add(count, 0, 1);
    },
    async stop() {
      await worker.terminate();
    },
  };
}
