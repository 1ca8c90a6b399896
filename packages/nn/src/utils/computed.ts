/**
 * @file Tensors of a module that are computed anew before every call from parameters that stand in their place: the
 * older mechanism (before `parametrize`) behind weightNorm, spectralNorm and prune.
 */
import type { Tensor } from '@flambeau/tensor';
import type { ForwardPreHook } from '../hooks.ts';
import { hooksOf, type Module } from '../module.ts';
import { fieldsOf } from './fields.ts';

export interface Computation {
  /** Which utility it belongs to. */
  readonly kind: string;
  /** The module's field that is computed. */
  readonly name: string;
  compute(module: Module): Tensor;
}

type ComputingHook = ForwardPreHook & { computation: Computation };

const isComputing = (hook: ForwardPreHook, kind: string, name?: string): hook is ComputingHook => {
  const { computation } = hook as Partial<ComputingHook>;
  return computation?.kind === kind && (name === undefined || computation.name === name);
};

/** Computes the field before every call from now on, and now unless its value is given. */
export function computeBeforeCalls(module: Module, computation: Computation, value?: Tensor): void {
  const refresh = (owner: Module): void => {
    fieldsOf(owner)[computation.name] = computation.compute(owner);
  };
  module.registerForwardPreHook(Object.assign(refresh as ForwardPreHook, { computation }));
  if (value === undefined) refresh(module);
  else fieldsOf(module)[computation.name] = value;
}

/** The computation of a kind, of one field or of any. */
export function computationOf(module: Module, kind: string, name?: string): Computation | undefined {
  for (const { hook } of hooksOf(module)?.pre ?? []) if (isComputing(hook, kind, name)) return hook.computation;
  return undefined;
}

/** Ends a computation and returns it. @throws TypeError when there is none of that kind. */
export function stopComputing(op: string, module: Module, kind: string, name: string): Computation {
  const hooks = hooksOf(module)?.pre ?? new Set();
  for (const entry of hooks) {
    const { hook } = entry;
    if (!isComputing(hook, kind, name)) continue;
    hooks.delete(entry);
    return hook.computation;
  }
  throw new TypeError(`${op}(): '${name}' of ${module.constructor.name} has no ${kind}`);
}
