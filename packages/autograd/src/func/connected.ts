/** @file Results of transformed functions: with a history only where something of the caller's is behind it. */
import type { Tensor } from '@flambeau/tensor';
import { AccumulateGrad } from '../accumulate.ts';
import { edgeOf } from '../history.ts';
import type { Node } from '../node.ts';

/** Whether a tensor comes from other leaves than `own`. */
function reachesOthers(tensor: Tensor, own: ReadonlySet<Tensor>): boolean {
  const start = edgeOf(tensor)?.node;
  if (start === undefined) return false;
  const seen = new Set<Node>([start]);
  for (const node of seen) {
    if (node instanceof AccumulateGrad && !own.has(node.variable)) return true;
    for (const edge of node.next) if (edge !== null) seen.add(edge.node);
  }
  return false;
}

/** Entries of a function that is to be differentiated: leaves of its own, or what continues the history of an argument. */
export const entryOf = (x: Tensor): Tensor => (x.requiresGrad ? x.viewAs(x) : x.detach().requiresGrad_());

/**
 * The result as the caller gets it. Derivatives are always computed with a graph, since the function may use tensors of
 * an outer derivative; where nothing but the entries is behind them, that graph is of no use to anybody.
 */
export function released(result: Tensor, entries: readonly Tensor[]): Tensor {
  return result.requiresGrad && !reachesOthers(result, new Set(entries)) ? result.detach() : result;
}
