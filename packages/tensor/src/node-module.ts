/** @file Node's own modules, for what reads and writes files. */
import { FlambeauError } from './errors.ts';

/**
 * One of Node's own modules, from the process at run time. Bundlers for browsers stop at an import that only Node can
 * resolve, also at one that never runs; this they do not see.
 *
 * ```ts
 * const { readFile } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
 * ```
 * @throws FlambeauError where there is no Node, as in browsers.
 */
export function nodeModule<Module>(name: `node:${string}`): Module {
  const found = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.(name);
  if (found !== undefined) return found as Module;
  throw new FlambeauError(
    `files need Node 20.16 or newer (its module ${name}); in a browser, fetch() the bytes or make the data in memory`,
  );
}
