/** @file Modules whose parameters are not given first values. */
import { withoutFilling } from '../filling.ts';
import type { Module } from '../module.ts';

/**
 * Makes a module without drawing its parameters: for those that are loaded at once. Their values are arbitrary, and the
 * random generator stays as it is.
 *
 * ```ts
 * const layer = utils.skipInit(Linear, 4096, 4096);
 * layer.loadStateDict(state);
 * ```
 */
export function skipInit<A extends unknown[], M extends Module>(Class: new (...args: A) => M, ...args: A): M {
  return withoutFilling(() => new Class(...args));
}
