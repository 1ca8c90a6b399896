/** @file Deep copies of modules. */
import { Buffer, isTensor, Parameter, type Tensor } from '@flambeau/tensor';
import { untracked } from '@flambeau/tensor/internal';
import { hooksOf, Module, setHooks } from './module.ts';
import { UninitializedBuffer, UninitializedParameter } from './uninitialized.ts';

type Copies = Map<unknown, unknown>;

/** Memory of its own, the same values and role. */
function copyTensor(x: Tensor): Tensor {
  if (x instanceof UninitializedParameter) return new UninitializedParameter(x);
  if (x instanceof UninitializedBuffer) return new UninitializedBuffer(x);
  const data = untracked(() => x.detach().clone());
  if (x instanceof Parameter) return new Parameter(data, { requiresGrad: x.requiresGrad });
  if (x instanceof Buffer) return new Buffer(data, { persistent: x.persistent });
  return data.requiresGrad_(x.requiresGrad);
}

function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A copy of a field's value; what is no tensor, module or plain container is shared. */
function copyValue(value: unknown, copies: Copies): unknown {
  if (copies.has(value)) return copies.get(value);
  const remember = <T>(copy: T): T => {
    copies.set(value, copy);
    return copy;
  };
  if (value instanceof Module) return copyModule(value, copies);
  if (typeof value !== 'object' || value === null) return value;
  if (isTensor(value)) return remember(copyTensor(value));
  if (Array.isArray(value)) {
    const copy = remember<unknown[]>([]);
    for (const item of value) copy.push(copyValue(item, copies));
    return copy;
  }
  if (value instanceof Map) {
    const copy = remember(new Map<unknown, unknown>());
    for (const [key, item] of value) copy.set(key, copyValue(item, copies));
    return copy;
  }
  if (!isRecord(value)) return value;
  const copy = remember<Record<string, unknown>>({});
  for (const [key, item] of Object.entries(value)) copy[key] = copyValue(item, copies);
  return copy;
}

/** A module without fields. Of the constructors only Module's runs: others want arguments and draw random numbers. */
export const withoutConstructor = (type: new () => Module): Module =>
  Reflect.construct(Module as unknown as new () => Module, [], type) as Module;

function copyModule(module: Module, copies: Copies): Module {
  const copy = withoutConstructor(module.constructor as new () => Module);
  copies.set(module, copy);
  setHooks(copy, hooksOf(module)?.copy() ?? null);
  for (const key of Reflect.ownKeys(module)) {
    const descriptor = Object.getOwnPropertyDescriptor(module, key)!;
    if ('value' in descriptor) descriptor.value = copyValue(descriptor.value, copies);
    Object.defineProperty(copy, key, descriptor);
  }
  return copy;
}

/** What `Module.clone` does. */
export function cloneModule<M extends Module>(module: M): M {
  return copyModule(module, new Map()) as M;
}
