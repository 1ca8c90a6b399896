/** @file State dicts: a module's parameters and buffers by name, and loading them back. */
import { Buffer, isTensor, noGrad, Parameter, SerializationError, type Tensor } from '@flambeau/tensor';
import { sameShape } from '@flambeau/tensor/internal';
import { moved } from './convert.ts';
import type { IncompatibleKeys } from './hooks.ts';
import { hooksOf, Module } from './module.ts';
import { isLazy } from './uninitialized.ts';

/**
 * Tensors by name, in PyTorch's order. Modules that define `getExtraState` have there whatever that gives, under
 * `_extra_state`.
 */
export type StateDict = Map<string, Tensor>;

/** What can be loaded: a Map, or a plain record of tensors. */
export type StateSource = ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>;

export interface LoadResult {
  /** Names of the module that the state dict lacked. */
  readonly missingKeys: readonly string[];
  /** Names of the state dict that the module does not have. */
  readonly unexpectedKeys: readonly string[];
  toString(): string;
}

interface Visitor {
  enter(module: Module, prefix: string): void;
  tensor(key: string, tensor: Parameter | Buffer): void;
  /** When the module's own tensors are through. */
  extra(key: string, module: Module): void;
  leave(module: Module, prefix: string): void;
}

/** Own parameters, own buffers, then the children's, as PyTorch orders them; shared ones under every name. */
function visit(module: Module, prefix: string, visitor: Visitor): void {
  visitor.enter(module, prefix);
  const entries = [...module.ownEntries()];
  for (const [name, value] of entries) if (value instanceof Parameter) visitor.tensor(prefix + name, value);
  for (const [name, value] of entries)
    if (value instanceof Buffer && value.persistent) visitor.tensor(prefix + name, value);
  visitor.extra(`${prefix}_extra_state`, module);
  for (const [name, value] of entries) if (value instanceof Module) visit(value, `${prefix}${name}.`, visitor);
  visitor.leave(module, prefix);
}

/** Whether a module's class overrides one of the methods that the base class has only to name them. */
const defines = (module: Module, method: 'getExtraState' | 'setExtraState'): boolean =>
  module[method] !== Module.prototype[method];

export function saveState(module: Module, prefix: string, keepVars: boolean): StateDict {
  const state: StateDict = new Map();
  visit(module, prefix, {
    enter: (owner, path) => {
      for (const { hook } of hooksOf(owner)?.statePre ?? []) hook(owner, path, keepVars);
    },
    tensor: (key, tensor) => state.set(key, keepVars || isLazy(tensor) ? tensor : tensor.detach()),
    extra: (key, owner) => {
      if (defines(owner, 'getExtraState')) state.set(key, owner.getExtraState() as Tensor);
    },
    leave: (owner, path) => {
      for (const { hook } of hooksOf(owner)?.state ?? []) hook(owner, state, path);
    },
  });
  return state;
}

const quoted = (keys: readonly string[]): string => keys.map((key) => `"${key}"`).join(', ');
const sizeText = (shape: readonly number[]): string => `torch.Size([${shape.join(', ')}])`;

export function loadState(module: Module, source: StateSource, strict: boolean): LoadResult {
  if (typeof source !== 'object' || source === null || isTensor(source) || Array.isArray(source)) {
    throw new TypeError(
      `loadStateDict(): expected a Map or record of tensors, got ${source === null ? 'null' : typeof source}`,
    );
  }
  const state = new Map<string, unknown>(source instanceof Map ? source : Object.entries(source));
  const [copies, missing, mismatches]: [(readonly [Tensor, Tensor])[], string[], string[]] = [[], [], []];
  const known = new Set<string>();
  const check = (key: string, target: Tensor): void => {
    known.add(key);
    const found = state.get(key);
    if (found === undefined) {
      missing.push(key);
      return;
    }
    if (!isTensor(found)) {
      mismatches.push(
        `While copying the parameter named "${key}", expected a tensor or Parameter from checkpoint but received ${typeof found}.`,
      );
      return;
    }
    if (isLazy(target)) {
      // What waits for its shape takes that of the value, and goes on waiting when that waits too.
      if (!isLazy(found) && !(found.ndim === 1 && found.elementCount === 0)) copies.push([target, found]);
      return;
    }
    // As PyTorch, which once saved scalars with one dimension.
    const value = target.ndim === 0 && found.ndim === 1 && found.shape[0] === 1 ? found.reshape([]) : found;
    if (sameShape(value.shape, target.shape)) copies.push([target, value]);
    else {
      mismatches.push(
        `size mismatch for ${key}: copying a param with shape ${sizeText(value.shape)} from checkpoint, the shape in current model is ${sizeText(target.shape)}.`,
      );
    }
  };
  const finished: Module[] = [];
  const extras: (() => void)[] = [];
  const extra = (key: string, owner: Module): void => {
    if (!defines(owner, 'setExtraState')) return;
    known.add(key);
    if (state.has(key)) extras.push(() => owner.setExtraState(state.get(key)));
    else missing.push(key);
  };
  const enter = (owner: Module, prefix: string): void => {
    for (const { hook } of hooksOf(owner)?.loadPre ?? []) hook(owner, state, prefix);
    owner.adaptState(state, prefix);
  };
  visit(module, '', { enter, tensor: check, extra, leave: (owner) => finished.push(owner) });
  const unexpected = [...state.keys()].filter((key) => !known.has(key));
  const keys: IncompatibleKeys = { missingKeys: missing, unexpectedKeys: unexpected };
  for (const owner of finished) for (const { hook } of hooksOf(owner)?.loadPost ?? []) hook(owner, keys);
  const problems = [...mismatches];
  if (strict && unexpected.length > 0) problems.unshift(`Unexpected key(s) in state_dict: ${quoted(unexpected)}. `);
  if (strict && missing.length > 0) problems.unshift(`Missing key(s) in state_dict: ${quoted(missing)}. `);
  if (problems.length > 0) {
    throw new SerializationError(
      `Error(s) in loading state_dict for ${module.constructor.name}:\n\t${problems.join('\n\t')}`,
    );
  }
  copyAll(copies, extras);
  return loadResult(missing, unexpected);
}

/** What may fail, conversions and then modules' own code, happens before the first value is written. */
function copyAll(copies: readonly (readonly [Tensor, Tensor])[], extras: readonly (() => void)[]): void {
  noGrad(() => {
    const ready = copies.map(([target, value]) => [target, moved(value, target.device)] as const);
    for (const set of extras) set();
    for (const [target, value] of ready) {
      if (isLazy(target)) target.materialize(value.shape);
      target.copy_(value);
    }
  });
}

function loadResult(missingKeys: readonly string[], unexpectedKeys: readonly string[]): LoadResult {
  const text = (): string => {
    if (missingKeys.length === 0 && unexpectedKeys.length === 0) return '<All keys matched successfully>';
    const list = (keys: readonly string[]): string => `[${keys.map((key) => `'${key}'`).join(', ')}]`;
    return `_IncompatibleKeys(missing_keys=${list(missingKeys)}, unexpected_keys=${list(unexpectedKeys)})`;
  };
  const result = { missingKeys, unexpectedKeys };
  for (const key of ['toString', Symbol.for('nodejs.util.inspect.custom')])
    Object.defineProperty(result, key, { value: text, enumerable: false });
  return result;
}
