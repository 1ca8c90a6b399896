/** @file How a pruning method is applied to a module's parameter, and how its mask is kept. */
import { isTensor, ShapeError, type Tensor } from '@flambeau/tensor';
import { sameShape, untracked } from '@flambeau/tensor/internal';
import type { Module } from '../module.ts';
import { type Computation, computationOf, computeBeforeCalls, stopComputing } from './computed.ts';
import { dropField, frontDim, ownTensor } from './fields.ts';
import type { BasePruningMethod } from './prune-methods.ts';

export const kind = 'pruning';

/** Applies a method to what is kept so far. */
export function maskAmongKept(method: BasePruningMethod, t: Tensor, mask: Tensor): Tensor {
  if (method.type === 'unstructured') {
    const places = mask.flatten().nonzero().squeeze(1);
    const chosen = method.computeMask(t.flatten().indexSelect(0, places), mask.flatten().indexSelect(0, places));
    return mask
      .flatten()
      .indexCopy(0, places, chosen)
      .view([...mask.shape]);
  }
  if (method.type === 'structured') {
    const dim = frontDim(method.constructor.name, t, method.dim);
    const others = mask.shape.flatMap((_, d) => (d === dim ? [] : [d]));
    const places = (others.length === 0 ? mask : mask.sum(others)).nonzero().squeeze(1);
    const chosen = method.computeMask(t.indexSelect(dim, places), mask.indexSelect(dim, places));
    return mask.indexCopy(dim, places, chosen);
  }
  return method.computeMask(t, mask);
}

export interface Pruning extends Computation {
  readonly methods: readonly BasePruningMethod[];
}

/**
 * Prunes a parameter by a method, on top of what is pruned already.
 * @param scores stand in place of the values when the method ranks elements.
 */
export function applyPruning<M extends Module>(
  op: string,
  module: M,
  name: string,
  method: BasePruningMethod,
  scores?: Tensor | null,
): M {
  const before = computationOf(module, kind, name) as Pruning | undefined;
  const tensor = before === undefined ? ownTensor(op, module, name) : module.getParameter(`${name}_orig`);
  if (isTensor(scores) && !sameShape(scores.shape, tensor.shape)) {
    throw new ShapeError(
      `${op}(): importanceScores have shape [${scores.shape.join(', ')}], the parameter [${tensor.shape.join(', ')}]`,
    );
  }
  const mask = untracked(() => {
    const t = (scores ?? tensor).detach();
    // Everything is kept so far: no need to read which elements, which on some devices takes an await.
    if (before === undefined) return method.computeMask(t, tensor.detach().newOnes([...tensor.shape]));
    return maskAmongKept(method, t, module.getBuffer(`${name}_mask`).detach());
  });
  const methods = [...(before?.methods ?? []), method];
  if (before === undefined) {
    dropField(module, name);
    module.setOwned(`${name}_orig`, tensor);
  } else stopComputing(op, module, kind, name);
  module.registerBuffer(`${name}_mask`, mask);
  const pruning: Pruning = {
    kind,
    name,
    methods,
    compute: (owner) => owner.getParameter(`${name}_orig`).mul(owner.getBuffer(`${name}_mask`)),
  };
  computeBeforeCalls(module, pruning);
  return module;
}
