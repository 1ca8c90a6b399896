/**
 * @file torch.nn.utils.prune: setting part of a parameter to zero. The parameter lives on as `weight_orig`, the choice as
 * the buffer `weight_mask`, and `weight` is their product, computed before every call.
 */
import { cat, type Tensor } from '@flambeau/tensor';
import { signature, untracked } from '@flambeau/tensor/internal';
import type { Module } from '../module.ts';
import { computationOf, stopComputing } from './computed.ts';
import { dropField, fieldsOf, ownTensor } from './fields.ts';
import { applyPruning as apply, kind, maskAmongKept, type Pruning } from './prune-apply.ts';
import {
  CustomFromMask,
  Identity,
  L1Unstructured,
  LnStructured,
  type PruningAmount,
  PruningContainer,
  RandomStructured,
  RandomUnstructured,
} from './prune-methods.ts';

export * from './prune-methods.ts';

/** Adds a pseudo-pruning that prunes nothing, so that the names are there. */
export function identity<M extends Module>(module: M, name: string): M {
  return apply('identity', module, name, new Identity());
}

/**
 * Prunes elements at random.
 *
 * ```ts
 * prune.randomUnstructured(layer, 'weight', 0.3); // three tenths of the elements are 0
 * ```
 * @throws TypeError when there is no such parameter, RangeError for an amount out of range.
 */
export function randomUnstructured<M extends Module>(module: M, name: string, amount: PruningAmount): M {
  return apply('randomUnstructured', module, name, new RandomUnstructured(amount));
}

interface ScoreOptions {
  /** Of the parameter's shape; elements with the smallest are pruned. */
  importanceScores?: Tensor | null | undefined;
}

/**
 * Prunes the elements with the smallest absolute values (or importance scores).
 *
 * ```ts
 * prune.l1Unstructured(layer, 'weight', 0.3);
 * [...layer.stateDict().keys()]; // ['bias', 'weight_orig', 'weight_mask']
 * ```
 * @throws TypeError when there is no such parameter, RangeError for an amount out of range.
 */
export function l1Unstructured<M extends Module>(
  module: M,
  name: string,
  amount: PruningAmount,
  options: ScoreOptions = {},
): M {
  return apply('l1Unstructured', module, name, new L1Unstructured(amount), options.importanceScores);
}

/** Prunes slices along `dim` (channels) at random. */
export function randomStructured<M extends Module>(module: M, name: string, amount: PruningAmount, dim: number): M {
  return apply('randomStructured', module, name, new RandomStructured(amount, dim));
}

/**
 * Prunes the slices along `dim` (channels) with the smallest norm of order `n`.
 *
 * ```ts
 * prune.lnStructured(new Conv2d(3, 16, 3), 'weight', 0.5, 2, 0); // eight of the output channels
 * ```
 */
export function lnStructured<M extends Module>(
  module: M,
  name: string,
  amount: PruningAmount,
  n: number,
  dim: number,
  options: ScoreOptions = {},
): M {
  return apply('lnStructured', module, name, new LnStructured(amount, n, dim), options.importanceScores);
}

/** Prunes what a mask of the parameter's shape has as 0. */
export function customFromMask<M extends Module>(module: M, name: string, mask: Tensor): M {
  return apply('customFromMask', module, name, new CustomFromMask(mask));
}

/** The parameter of a name, or what it was before it was pruned. */
function currentTensor(op: string, module: Module, name: string): Tensor {
  return computationOf(module, kind, name) === undefined
    ? ownTensor(op, module, name)
    : module.getParameter(`${name}_orig`);
}

export interface GlobalPruning {
  /** What ranks elements: the smallest absolute values go first, or chance decides. */
  pruningMethod?: 'l1' | 'random' | undefined;
  amount: PruningAmount;
  /** Scores of some of the parameters, in the parameters' place. */
  importanceScores?: ReadonlyMap<readonly [Module, string], Tensor> | undefined;
}

const parseGlobal = signature<Required<Pick<GlobalPruning, 'pruningMethod' | 'amount'>> & GlobalPruning>(
  'globalUnstructured',
  [],
  { pruningMethod: 'l1', amount: undefined as unknown as number, importanceScores: undefined },
);

/**
 * Prunes several parameters as if they were one: layers keep different shares.
 *
 * ```ts
 * prune.globalUnstructured([[net.fc1, 'weight'], [net.fc2, 'weight']], { amount: 0.2 });
 * ```
 */
export function globalUnstructured(parameters: readonly (readonly [Module, string])[], options: GlobalPruning): void {
  const op = 'globalUnstructured';
  const { pruningMethod, amount, importanceScores } = parseGlobal([options]);
  if (parameters.length === 0) throw new TypeError(`${op}(): the list of parameters is empty`);
  const masks = untracked(() => {
    const values = parameters.map(
      (entry) => importanceScores?.get(entry) ?? currentTensor(op, entry[0], entry[1]).detach(),
    );
    const kept = parameters.map(([module, name], i) =>
      computationOf(module, kind, name) === undefined
        ? values[i]!.newOnes([...values[i]!.shape])
        : module.getBuffer(`${name}_mask`).detach(),
    );
    const method = pruningMethod === 'random' ? new RandomUnstructured(amount) : new L1Unstructured(amount);
    const [t, mask] = [cat(values.map((x) => x.flatten())), cat(kept.map((x) => x.flatten()))];
    const fresh = parameters.every(([module, name]) => computationOf(module, kind, name) === undefined);
    const all = fresh ? method.computeMask(t, mask) : maskAmongKept(method, t, mask);
    return all.split(values.map((t) => t.elementCount)).map((part, i) => part.view([...values[i]!.shape]));
  });
  for (const [i, [module, name]] of parameters.entries()) apply(op, module, name, new CustomFromMask(masks[i]!));
}

/**
 * Makes pruning permanent: the parameter is what it is now, with its zeros, and trains freely.
 * @throws TypeError when the parameter is not pruned.
 */
export function remove<M extends Module>(module: M, name: string): M {
  const { compute } = stopComputing('remove', module, kind, name);
  const value = untracked(() => compute(module));
  const original = module.getParameter(`${name}_orig`);
  for (const suffix of ['orig', 'mask']) dropField(module, `${name}_${suffix}`);
  dropField(module, name);
  // The same object, which an optimizer may hold.
  original.data = value;
  fieldsOf(module)[name] = original;
  return module;
}

/** Whether the module, or one below it, has a pruned parameter. */
export function isPruned(module: Module): boolean {
  return module.modules().some((owner) => computationOf(owner, kind) !== undefined);
}

/** The methods that a parameter was pruned by, or null when it is not pruned. */
export function pruningOf(module: Module, name: string): PruningContainer | null {
  const found = computationOf(module, kind, name) as Pruning | undefined;
  return found === undefined ? null : new PruningContainer(found.methods);
}
