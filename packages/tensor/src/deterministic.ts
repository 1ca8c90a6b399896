/** @file Whether ops must give the same bits in every run. */
import { checkOptions } from './args.ts';
import { state } from './state.ts';

export interface DeterministicOptions {
  /** Accepted for PyTorch's sake: no op lacks a deterministic form. */
  warnOnly?: boolean | undefined;
}

/**
 * Makes ops give the same bits in every run on the same device. On the CPU they always do. On WebGPU several floats that
 * go to one place (`scatterAdd`, `indexAdd`, `indexPut` with `accumulate`, gradients of indexing and of embeddings) are
 * otherwise summed in any order, and of several that are assigned to one place any may stay; with this they are taken in
 * the order of the index, which is slower.
 *
 * ```ts
 * useDeterministicAlgorithms(true);
 * areDeterministicAlgorithmsEnabled(); // true
 * ```
 */
export function useDeterministicAlgorithms(mode: boolean, options: DeterministicOptions = {}): void {
  checkOptions('useDeterministicAlgorithms', options, ['warnOnly']);
  if (typeof mode !== 'boolean')
    throw new TypeError(`useDeterministicAlgorithms(): the mode must be true or false, got ${String(mode)}`);
  state.deterministic = mode;
}

/** What `useDeterministicAlgorithms` was last told; false before. */
export function areDeterministicAlgorithmsEnabled(): boolean {
  return state.deterministic;
}
