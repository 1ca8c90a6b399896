/** @file Modules that hold a chain, a list or a dictionary of modules. Their order is their own. */
import { IndexError, type Tensor } from '@flambeau/tensor';
import { isPlainObject } from '@flambeau/tensor/internal';
import { Module, type Owned } from './module.ts';

/** Modules by name, in order: pairs, a Map, a record or another ModuleDict. */
export type NamedModules = Readonly<Record<string, Module>> | Iterable<readonly [name: string, module: Module]>;

type Input<M extends Module> = Parameters<M['forward']>;
type Output<M extends Module> = Awaited<ReturnType<M['forward']>>;

/** `L` itself when each module takes what the one before it gives; otherwise the first misfit becomes an unusable type. */
export type Chain<L extends readonly Module[]> = L extends readonly [
  infer A extends Module,
  infer B extends Module,
  ...infer Rest extends readonly Module[],
]
  ? [Output<A>] extends [Input<B>[0]]
    ? [A, ...Chain<[B, ...Rest]>]
    : [A, { takes: Input<B>[0]; butGets: Output<A> }, ...Rest]
  : L;

/** What a chain is called with: its first module's arguments. A chain of unknown length maps a tensor to a tensor. */
type ChainInput<L extends readonly Module[]> = L extends readonly [infer First extends Module, ...unknown[]]
  ? Input<First>
  : [input: Tensor];
type ChainOutput<L extends readonly Module[]> = L extends readonly [...unknown[], infer Last extends Module]
  ? ReturnType<Last['forward']>
  : Tensor;

/** The place that `index` means in a list of `length`; negative ones count from the end. @throws IndexError out of range. */
export function placeOf(owner: string, index: number, length: number): number {
  const place = index < 0 ? index + length : index;
  if (!Number.isInteger(index) || place < 0 || place >= length)
    throw new IndexError(`${owner}: index ${index} is out of range for ${length} modules`);
  return place;
}

function checkModule(owner: string, name: string, value: unknown): asserts value is Module {
  if (!(value instanceof Module))
    throw new TypeError(`${owner}: '${name}' is ${value === null ? 'null' : typeof value}, not a Module`);
}

export function checkKey(owner: string, key: string): void {
  if (key === '' || key.includes('.'))
    throw new TypeError(`${owner}: a name must not be empty or contain dots, got '${key}'`);
}

function pairsOf(owner: string, modules: NamedModules): [string, Module][] {
  const pairs = (
    Symbol.iterator in modules ? [...(modules as Iterable<readonly [string, Module]>)] : Object.entries(modules)
  ) as [string, Module][];
  for (const [name, module] of pairs) {
    checkKey(owner, name);
    checkModule(owner, name, module);
  }
  return pairs;
}

/** What containers have in common: modules by name, in an order of their own. */
abstract class Container extends Module {
  protected readonly items = new Map<string, Module>();

  constructor() {
    super();
    // The map is not part of what printing and copying see as fields.
    Object.defineProperty(this, 'items', { enumerable: false });
  }

  override *ownEntries(): IterableIterator<[string, Owned]> {
    yield* super.ownEntries();
    yield* this.items;
  }

  override setOwned(name: string, value: Owned | null): void {
    if (value instanceof Module) this.items.set(name, value);
    else if (value === null && this.items.has(name)) this.items.delete(name);
    else super.setOwned(name, value);
  }

  /** Number of modules. */
  override get length(): number {
    return this.items.size;
  }
}

/** Modules by position. */
export abstract class ListContainer<M extends Module> extends Container {
  /** The module at a place; -1 is the last. @throws IndexError out of range. */
  at(index: number): M {
    return [...this.items.values()][placeOf(this.constructor.name, index, this.items.size)] as M;
  }

  /** Puts another module at a place. @throws IndexError out of range. */
  set(index: number, module: M): this {
    checkModule(this.constructor.name, String(index), module);
    const key = [...this.items.keys()][placeOf(this.constructor.name, index, this.items.size)]!;
    this.items.set(key, module);
    return this;
  }

  /** Adds a module at the end. */
  append(module: M): this {
    const name = String(this.items.size);
    checkModule(this.constructor.name, name, module);
    this.items.set(name, module);
    return this;
  }

  /** Adds modules at the end. */
  extend(modules: Iterable<M>): this {
    for (const module of [...modules]) this.append(module);
    return this;
  }

  /** Adds a module before a place; those behind it move up by one. */
  insert(index: number, module: M): this {
    checkModule(this.constructor.name, String(index), module);
    const list = [...this];
    list.splice(index, 0, module);
    return this.renumber(list);
  }

  /** Takes a module out and returns it. @throws IndexError out of range. */
  pop(index = -1): M {
    const list = [...this];
    const [module] = list.splice(placeOf(this.constructor.name, index, list.length), 1);
    this.renumber(list);
    return module!;
  }

  private renumber(list: readonly M[]): this {
    this.items.clear();
    for (const [i, module] of list.entries()) this.items.set(String(i), module);
    return this;
  }

  [Symbol.iterator](): IterableIterator<M> {
    return this.items.values() as IterableIterator<M>;
  }
}

/**
 * Calls modules one after the other, each with the result of the one before it. TypeScript checks that they fit.
 *
 * ```ts
 * const net = new Sequential(new Linear(784, 100), new ReLU(), new Linear(100, 10));
 * const scores = net(images); // [N, 784] → [N, 10]
 * new Sequential({ conv: new Conv2d(1, 8, 3), act: new ReLU() }); // with names
 * ```
 */
export class Sequential<const L extends readonly Module[] = readonly Module[]> extends ListContainer<L[number]> {
  constructor(...layers: [...L] & Chain<L>);
  constructor(layers: NamedModules);
  constructor(...layers: readonly unknown[]) {
    super();
    const [first] = layers;
    if (layers.length === 1 && !(first instanceof Module) && (isPlainObject(first) || first instanceof Map)) {
      for (const [name, module] of pairsOf('Sequential', first as NamedModules)) this.items.set(name, module);
    } else this.extend(layers as L[number][]);
  }

  forward(...input: ChainInput<L>): ChainOutput<L> {
    let values: readonly unknown[] = input;
    let output: unknown = input[0];
    for (const layer of this.items.values()) {
      output = layer(...(values as never[]));
      values = [output];
    }
    return output as ChainOutput<L>;
  }

  /** A Sequential of the modules from `start` up to `end`, under their names; the modules are shared. */
  slice(start?: number, end?: number): Sequential {
    return new Sequential(new Map([...this.items].slice(start, end)));
  }
}

/**
 * A list of modules, whose parameters count as its own. It has no forward.
 *
 * ```ts
 * const layers = new ModuleList([new Linear(10, 10), new Linear(10, 10)]);
 * for (const layer of layers) x = layer(x);
 * ```
 */
export class ModuleList<M extends Module = Module> extends ListContainer<M> {
  constructor(modules: Iterable<M> = []) {
    super();
    if (typeof (modules as Partial<Iterable<M>> | null)?.[Symbol.iterator] !== 'function')
      throw new TypeError('ModuleList: expected a list of modules');
    this.extend(modules);
  }

  forward(..._input: never[]): never {
    throw new TypeError('a ModuleList cannot be called; call its modules, or use Sequential');
  }

  /** A ModuleList of the modules from `start` up to `end`; the modules are shared. */
  slice(start?: number, end?: number): ModuleList<M> {
    return new ModuleList([...this].slice(start, end));
  }

  map<T>(fn: (module: M, index: number) => T): T[] {
    return [...this].map(fn);
  }
}

/**
 * Modules by name, whose parameters count as its own. It has no forward.
 *
 * ```ts
 * const acts = new ModuleDict({ relu: new ReLU(), tanh: new Tanh() });
 * y = acts.get('relu')(x);
 * ```
 */
export class ModuleDict<M extends Module = Module> extends Container {
  constructor(modules: Readonly<Record<string, M>> | Iterable<readonly [name: string, module: M]> = []) {
    super();
    this.update(modules);
  }

  forward(..._input: never[]): never {
    throw new TypeError('a ModuleDict cannot be called; call its modules');
  }

  /** The module of a name. @throws IndexError when there is none. */
  get(name: string): M {
    const module = this.items.get(name);
    if (module === undefined)
      throw new IndexError(
        `ModuleDict: there is no module '${name}', only ${[...this.items.keys()].join(', ') || 'none'}`,
      );
    return module as M;
  }

  set(name: string, module: M): this {
    return this.update([[name, module]]);
  }

  has(name: string): boolean {
    return this.items.has(name);
  }

  /** Adds or replaces modules. */
  update(modules: Readonly<Record<string, M>> | Iterable<readonly [name: string, module: M]>): this {
    for (const [name, module] of pairsOf('ModuleDict', modules)) this.items.set(name, module);
    return this;
  }

  /** Takes a module out and returns it. @throws IndexError when there is none. */
  pop(name: string): M {
    const module = this.get(name);
    this.items.delete(name);
    return module;
  }

  clear(): void {
    this.items.clear();
  }

  keys(): IterableIterator<string> {
    return this.items.keys();
  }

  values(): IterableIterator<M> {
    return this.items.values() as IterableIterator<M>;
  }

  entries(): IterableIterator<[string, M]> {
    return this.items.entries() as IterableIterator<[string, M]>;
  }

  /** The pairs of name and module, as a Map iterates. */
  [Symbol.iterator](): IterableIterator<[string, M]> {
    return this.entries();
  }
}
