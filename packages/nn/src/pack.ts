/** @file Whole modules as plain data and back: what a file of a whole model holds. */
import { functional, isTensor, registerClass, registeredClass, registeredName, type Tensor } from '@flambeau/tensor';
import { isPlainObject } from '@flambeau/tensor/internal';
import { withoutConstructor } from './clone.ts';
import { Module } from './module.ts';

/** A module as the name of its class and its fields. `hidden` ones do not show when fields are listed. */
export interface PackedModule {
  readonly module: string;
  readonly fields: readonly { readonly name: string; readonly value: Packed; readonly hidden: boolean }[];
}

/** A function of `nn.functional`, by name. */
export interface PackedFunction {
  readonly functional: string;
}

/** A module that stands at several places is packed once; the others are its number in order of appearance. */
export interface PackedReference {
  readonly reference: number;
}

/** What fields may hold. Plain objects are lists of entries, as Maps are. */
export type Packed =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Tensor
  | PackedModule
  | PackedFunction
  | PackedReference
  | readonly Packed[]
  | { readonly entries: readonly (readonly [Packed, Packed])[]; readonly map: boolean };

class Packer {
  readonly #seen = new Map<Module, number>();

  module(module: Module, path: string): PackedModule | PackedReference {
    const number = this.#seen.get(module);
    if (number !== undefined) return { reference: number };
    this.#seen.set(module, this.#seen.size);
    const name = registeredName(module.constructor as typeof Module);
    if (name === undefined) {
      const { name: type } = module.constructor;
      throw new TypeError(
        `packModule(): ${path} is of the class ${type}, which is not registered; registerClass(${type}) first, here and where it is unpacked`,
      );
    }
    const fields = Object.entries(Object.getOwnPropertyDescriptors(module)).map(([key, { value, enumerable }]) => ({
      name: key,
      value: this.value(value, `${path}.${key}`),
      hidden: enumerable !== true,
    }));
    return { module: name, fields };
  }

  value(value: unknown, path: string): Packed {
    if (value instanceof Module) return this.module(value, path);
    if (typeof value === 'function') return packFunction(value, path);
    if (typeof value !== 'object' || value === null) return value as Packed;
    if (isTensor(value)) return value;
    if (Array.isArray(value)) return value.map((item, i) => this.value(item, `${path}[${i}]`));
    if (value instanceof Map || isPlainObject(value)) {
      const entries = value instanceof Map ? [...value] : Object.entries(value);
      return {
        map: value instanceof Map,
        entries: entries.map(([k, v]) => [this.value(k, path), this.value(v, `${path}.${String(k)}`)] as const),
      };
    }
    throw new TypeError(`packModule(): ${path} holds a ${value.constructor?.name ?? 'object'}, which cannot be packed`);
  }
}

function packFunction(fn: unknown, path: string): PackedFunction {
  const name = Object.entries(functional).find(([, candidate]) => candidate === fn)?.[0];
  if (name !== undefined) return { functional: name };
  throw new TypeError(`packModule(): ${path} holds a function that is none of nn.functional; make it a method instead`);
}

class Unpacker {
  readonly #made: Module[] = [];

  module({ module: name, fields }: PackedModule): Module {
    const type = registeredClass(name);
    if (type === undefined)
      throw new TypeError(`unpackModule(): no class is registered as '${name}'; registerClass(${name}) first`);
    if (!(type.prototype instanceof Module))
      throw new TypeError(`unpackModule(): the class registered as '${name}' is no Module`);
    const made = withoutConstructor(type as unknown as new () => Module);
    this.#made.push(made);
    for (const { name: key, value, hidden } of fields)
      Object.defineProperty(made, key, {
        value: this.value(value),
        writable: true,
        enumerable: !hidden,
        configurable: true,
      });
    return made;
  }

  value(value: Packed): unknown {
    if (typeof value !== 'object' || value === null || isTensor(value)) return value;
    if (Array.isArray(value)) return value.map((item: Packed) => this.value(item));
    if ('module' in value) return this.module(value);
    if ('reference' in value) return this.#made[value.reference];
    if ('functional' in value) return (functional as Record<string, unknown>)[value.functional];
    const { entries, map } = value as Extract<Packed, { map: boolean }>;
    const made = entries.map(([k, v]) => [this.value(k), this.value(v)] as const);
    return map ? new Map(made) : Object.fromEntries(made as [string, unknown][]);
  }
}

/**
 * A whole module taken apart: class names, plain values, and its own tensors (not copies). Its class and those of all
 * modules in it must be registered: the layers by `registerModules(nn)`, which is not done by itself because bundlers
 * could then leave none of them out. Hooks are not packed.
 *
 * ```ts
 * nn.registerModules(nn);
 * registerClass(Net);
 * const copy = nn.unpackModule(nn.packModule(net)); // prints and computes as net does
 * ```
 * @throws TypeError naming the place of what cannot be packed: an unregistered class, a function that is none of
 *   nn.functional, an object of another class.
 */
export const packModule = (module: Module): PackedModule =>
  new Packer().module(module, module.constructor.name) as PackedModule;

/**
 * The module that was packed. Constructors do not run: nothing is drawn at random, and nothing but fields is set.
 * @throws TypeError naming a class that is not registered.
 */
export const unpackModule = (packed: PackedModule): Module => new Unpacker().module(packed);

/** Registers all classes of modules in `exports`, a namespace such as `nn`, under their own names. */
export function registerModules(exports: Readonly<Record<string, unknown>>): void {
  for (const type of Object.values(exports))
    if (typeof type === 'function' && type.prototype instanceof Module) registerClass(type as typeof Module);
}
