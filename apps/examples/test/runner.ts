/** @file Runs examples in their short form, in a folder of their own for each test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import type { Example } from '../src/example.ts';

export interface Runner {
  /** The folder that the present test's examples write to. */
  readonly out: string;
  /** Runs an example to its end. @returns what it printed */
  run(example: Example): Promise<string>;
}

/** A runner for the tests of a file, on a device. */
export function exampleRunner(device: string): Runner {
  let out = '';
  let printed: string[] = [];
  beforeEach(async () => {
    out = await mkdtemp(join(tmpdir(), 'flambeau-examples-'));
    printed = [];
    vi.spyOn(console, 'log').mockImplementation(
      (...parts: unknown[]) => void printed.push(parts.map(String).join(' ')),
    );
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(out, { recursive: true });
  });
  return {
    get out() {
      return out;
    },
    async run(example) {
      await example.run({ data: null, device, out, seed: 1, quick: true });
      return printed.join('\n');
    },
  };
}
