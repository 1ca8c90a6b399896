/** @file Modules and their tensors by path, in PyTorch's order. */
import type { Tensor } from '@flambeau/tensor';
import { Module } from './module.ts';

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** A module (under the name `prefix`) and all below it, depth first; each once, or under every name. */
export function modulesIn(root: Module, prefix: string, once: boolean): [name: string, module: Module][] {
  const seen = new Set<Module>();
  const found: [string, Module][] = [];
  const visit = (module: Module, path: string): void => {
    if (once && seen.has(module)) return;
    seen.add(module);
    found.push([path, module]);
    for (const [name, value] of module.ownEntries()) if (value instanceof Module) visit(value, join(path, name));
  };
  visit(root, prefix);
  return found;
}

/** Tensors of a kind in a module, and below it where `recurse`; a shared one once. */
export function tensorsIn<T extends Tensor>(
  root: Module,
  kind: abstract new (...args: never[]) => T,
  { prefix, recurse }: { prefix: string; recurse: boolean },
): [name: string, tensor: T][] {
  const seen = new Set<T>();
  const found: [string, T][] = [];
  for (const [path, module] of recurse ? modulesIn(root, prefix, true) : [[prefix, root] as const]) {
    for (const [name, value] of module.ownEntries()) {
      if (!(value instanceof kind) || seen.has(value)) continue;
      seen.add(value);
      found.push([join(path, name), value]);
    }
  }
  return found;
}
