/** @file Module: what has parameters, buffers and submodules, and is called like a function. */
import { Buffer, type DType, type DTypeAlias, isTensor, Parameter, type Tensor } from '@flambeau/tensor';
import { clearGradients, signature, type Trailing } from '@flambeau/tensor/internal';
import { cloneModule } from './clone.ts';
import { type ConversionTarget, castModule, convertModule, emptyModule, moveToCpu, targetOf } from './convert.ts';
import {
  type BackwardHook,
  type BackwardPreHook,
  callHooked,
  type ForwardHook,
  type ForwardPreHook,
  globalHooks,
  type HookHandle,
  Hooks,
  type LoadStateDictPostHook,
  type LoadStateDictPreHook,
  type StateDictHook,
  type StateDictPreHook,
} from './hooks.ts';
import { describeModule } from './python.ts';
import { type LoadResult, loadState, type StateDict, type StateSource, saveState } from './state-dict.ts';
import { modulesIn, tensorsIn } from './tree.ts';

/** What a module may own under a name. */
export type Owned = Parameter | Buffer | Module;

export interface NamedOptions {
  /** Put before every name, with a dot. */
  prefix?: string | undefined;
  /** Whether to descend into submodules. */
  recurse?: boolean | undefined;
}

export interface StateDictOptions {
  prefix?: string | undefined;
  /** Gives the parameters themselves instead of detached tensors that share their memory. */
  keepVars?: boolean | undefined;
}

/** The function that calls a module; set by Module itself, which alone reaches its hooks. */
let call: (module: Module, input: readonly unknown[]) => unknown;
/** A module's hooks, null when it never had any. */
export let hooksOf: (module: Module) => Hooks | null;
/** Gives a module hooks; for copies. */
export let setHooks: (module: Module, hooks: Hooks | null) => void;

/** Makes instances callable: `new` gives a function whose prototype is the class. */
class Callable {
  constructor() {
    const instance = (...input: unknown[]): unknown => call(instance as unknown as Module, input);
    // A function's own fields, which would shadow a subclass's fields and methods of these names.
    for (const name of ['name', 'length']) delete (instance as unknown as Record<string, unknown>)[name];
    // biome-ignore lint/correctness/noConstructorReturn: instances are callable.
    return Object.setPrototypeOf(instance, new.target.prototype) as this;
  }
}

export interface Module {
  /** Calling a module runs `forward` and the hooks around it. */
  // biome-ignore lint/style/useShorthandFunctionType: the interface merges with the class.
  (...input: Parameters<this['forward']>): ReturnType<this['forward']>;
}

const parseNamed = signature<{ prefix: string; recurse: boolean }>('namedParameters', ['prefix', 'recurse'], {
  prefix: '',
  recurse: true,
});

const isInternal = (name: string): boolean => name === 'training';

/**
 * Base class of all neural network modules. Parameters, buffers and modules in own fields are found by themselves; a
 * plain tensor in a field is not part of the module's state (use `new Parameter(t)`, `new Buffer(t)`).
 *
 * ```ts
 * class Net extends Module {
 *   fc1 = new Linear(784, 100);
 *   fc2 = new Linear(100, 10);
 *   forward(x: Tensor): Tensor {
 *     return this.fc2(F.relu(this.fc1(x)));
 *   }
 * }
 * const net = new Net();
 * const scores = net(images); // [N, 784] → [N, 10]
 * ```
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the base class's constructor returns a function, which the interface types.
export abstract class Module extends Callable {
  /** Whether the module is in training mode, which dropout and batch normalization ask. Set by `train()` and `eval()`. */
  training = true;
  #hooks: Hooks | null = null;

  static {
    call = (module, input) =>
      module.#hooks === null && globalHooks === null
        ? module.forward(...(input as never[]))
        : callHooked(module, module.#hooks, input);
    hooksOf = (module) => module.#hooks;
    setHooks = (module, hooks) => {
      module.#hooks = hooks;
    };
  }

  /** What calling the module computes. Every subclass defines it; call the module itself, not this, so that hooks run. */
  abstract forward(...input: never[]): unknown;

  /** Own parameters, buffers and modules in order of their fields. Containers add theirs. */
  *ownEntries(): IterableIterator<[name: string, value: Owned]> {
    for (const name of Object.keys(this)) {
      if (isInternal(name)) continue;
      const value = (this as unknown as Record<string, unknown>)[name];
      if (value instanceof Parameter || value instanceof Buffer || value instanceof Module) yield [name, value];
    }
  }

  /** Replaces what is owned under `name`. */
  setOwned(name: string, value: Owned | null): void {
    (this as unknown as Record<string, unknown>)[name] = value;
  }

  /** The direct submodules, each once, with their names. */
  namedChildren(): [name: string, module: Module][] {
    const seen = new Set<Module>();
    const found: [string, Module][] = [];
    for (const [name, value] of this.ownEntries()) {
      if (!(value instanceof Module) || seen.has(value)) continue;
      seen.add(value);
      found.push([name, value]);
    }
    return found;
  }

  /** The direct submodules, each once. */
  children(): Module[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module (under the name `''`) and all below it, depth first, each once. */
  namedModules(
    options: { prefix?: string | undefined; removeDuplicate?: boolean | undefined } = {},
  ): [name: string, module: Module][] {
    return modulesIn(this, options.prefix ?? '', options.removeDuplicate ?? true);
  }

  /** This module and all below it, depth first, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** All parameters with their names: own ones first, then those of submodules. A shared one comes once. */
  namedParameters(
    ...args: Trailing<[prefix: string, recurse: boolean], NamedOptions>
  ): [name: string, parameter: Parameter][] {
    return tensorsIn(this, Parameter, parseNamed(args));
  }

  /** All parameters, a shared one once: what an optimizer takes. */
  parameters(recurse = true): Parameter[] {
    return tensorsIn(this, Parameter, { prefix: '', recurse }).map(([, parameter]) => parameter);
  }

  /** All buffers with their names. */
  namedBuffers(...args: Trailing<[prefix: string, recurse: boolean], NamedOptions>): [name: string, buffer: Buffer][] {
    return tensorsIn(this, Buffer, parseNamed(args));
  }

  /** All buffers, a shared one once. */
  buffers(recurse = true): Buffer[] {
    return tensorsIn(this, Buffer, { prefix: '', recurse }).map(([, buffer]) => buffer);
  }

  /** Adds a tensor to the module's state that is not trained; the same as a field with `new Buffer(tensor)`. */
  registerBuffer(
    name: string,
    tensor: Tensor | null,
    ...args: Trailing<[persistent: boolean], { persistent?: boolean | undefined }>
  ): void {
    checkName('registerBuffer', name);
    if (tensor !== null && !isTensor(tensor))
      throw new TypeError(`registerBuffer(): '${name}' must be a tensor or null, got ${typeof tensor}`);
    const { persistent } = parseBuffer(args);
    this.setOwned(name, tensor === null ? null : new Buffer(tensor, { persistent }));
  }

  /** Adds a parameter; the same as a field. `null` keeps the place for one that is absent. */
  registerParameter(name: string, parameter: Parameter | null): void {
    checkName('registerParameter', name);
    if (parameter !== null && !(parameter instanceof Parameter)) {
      throw new TypeError(
        `registerParameter(): '${name}' must be a Parameter or null; wrap the tensor in new Parameter(…)`,
      );
    }
    if (parameter?.gradFn)
      throw new TypeError(`registerParameter(): '${name}' must be a leaf, but it was computed from other tensors`);
    this.setOwned(name, parameter);
  }

  /** Adds a submodule; the same as a field. */
  registerModule(name: string, module: Module | null): void {
    checkName('registerModule', name);
    if (module !== null && !(module instanceof Module))
      throw new TypeError(`registerModule(): '${name}' must be a Module or null`);
    this.setOwned(name, module);
  }

  /** Another name of {@link registerModule}. */
  addModule(name: string, module: Module | null): void {
    this.registerModule(name, module);
  }

  /** The submodule at a path such as `'layer1.0.conv1'`; `''` is the module itself. @throws TypeError when there is none. */
  getSubmodule(target: string): Module {
    let module: Module = this;
    for (const name of target === '' ? [] : target.split('.')) {
      const found = module.#owned(name);
      if (!(found instanceof Module))
        throw new TypeError(`getSubmodule('${target}'): ${module.constructor.name} has no submodule '${name}'`);
      module = found;
    }
    return module;
  }

  /** The parameter at a path such as `'layer1.0.conv1.weight'`. @throws TypeError when there is none. */
  getParameter(target: string): Parameter {
    const found = this.#at(target);
    if (!(found instanceof Parameter)) throw new TypeError(`getParameter('${target}'): there is no such parameter`);
    return found;
  }

  /** The buffer at a path such as `'bn1.running_mean'`. @throws TypeError when there is none. */
  getBuffer(target: string): Buffer {
    const found = this.#at(target);
    if (!(found instanceof Buffer)) throw new TypeError(`getBuffer('${target}'): there is no such buffer`);
    return found;
  }

  #at(target: string): Owned | undefined {
    const dot = target.lastIndexOf('.');
    return this.getSubmodule(target.slice(0, Math.max(dot, 0))).#owned(target.slice(dot + 1));
  }

  #owned(name: string): Owned | undefined {
    for (const [key, value] of this.ownEntries()) if (key === name) return value;
    return undefined;
  }

  /** Switches training mode on or off, here and in all submodules. */
  train(mode = true): this {
    if (typeof mode !== 'boolean') throw new TypeError(`train(): mode must be a boolean, got ${String(mode)}`);
    this.training = mode;
    for (const child of this.children()) child.train(mode);
    return this;
  }

  /** Switches to evaluation mode: `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Sets `requiresGrad` of all parameters. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = requiresGrad;
    return this;
  }

  /** Drops the gradients of all parameters, or fills them with zeros with `{ setToNone: false }`. */
  zeroGrad(options: { setToNone?: boolean | undefined } = {}): void {
    clearGradients(this.parameters(), options);
  }

  /** Calls `fn` with every submodule, then with this module; e.g. to initialise weights. */
  apply(fn: (module: Module) => void): this {
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  /**
   * Converts parameters and buffers: `net.to('float64')`, `net.to('webgpu')`, `net.to('webgpu', 'float16')`,
   * `net.to(tensor)`. Integer buffers keep their dtype. The Parameter objects stay the same and take new memory, so
   * optimizers made before go on working; what an optimizer has already accumulated stays where it was made.
   * @throws TypeError for a dtype that is not floating or complex; nothing is changed then.
   */
  to(...target: ConversionTarget): this {
    convertModule(this, targetOf(target));
    return this;
  }

  /**
   * A copy with parameters and buffers of its own: Python's `copy.deepcopy(module)`. What the module shares within
   * itself (tied weights) the copy shares too. Hooks are the same functions, which are given the copy. Fields are copied
   * without running constructors, so classes with `#private` fields of their own cannot be copied: TypeScript's `private` will do.
   */
  clone(): this {
    return cloneModule(this);
  }

  /** Brings parameters and buffers to the CPU, from every device. */
  async cpu(): Promise<this> {
    await moveToCpu(this);
    return this;
  }

  /**
   * Converts all parameters and buffers, integer ones too: `to` leaves those.
   * @throws DTypeError for a dtype without gradients while a parameter requires them; nothing is changed then.
   */
  type(dstType: DType | DTypeAlias): this {
    castModule(this, dstType);
    return this;
  }

  /** Moves the module to a device without its values: parameters and buffers have arbitrary ones afterwards. */
  toEmpty(device: string | { device: string }): this {
    emptyModule(this, typeof device === 'string' ? device : device.device);
    return this;
  }

  float(): this {
    return this.to('float32');
  }
  double(): this {
    return this.to('float64');
  }
  half(): this {
    return this.to('float16');
  }
  bfloat16(): this {
    return this.to('bfloat16');
  }

  /** All parameters and persistent buffers by name, as detached tensors that share memory with the module. */
  stateDict(options: StateDictOptions = {}): StateDict {
    return saveState(this, options.prefix ?? '', options.keepVars ?? false);
  }

  /**
   * Copies values into parameters and buffers by name.
   * @param state a Map as `stateDict()` gives it, or a plain record.
   * @returns which names of the module were not in `state`, and which of `state` the module does not have.
   * @throws SerializationError with PyTorch's text when names (unless `strict` is false) or shapes do not fit; nothing
   *   is changed then.
   */
  loadStateDict(
    state: StateSource,
    ...args: Trailing<[strict: boolean], { strict?: boolean | undefined }>
  ): LoadResult {
    return loadState(this, state, parseStrict(args).strict);
  }

  /**
   * A chance to bring a state dict of an older form up to date before it is loaded: `state` is a copy whose keys of this
   * module start with `prefix`.
   */
  adaptState(_state: Map<string, unknown>, _prefix: string): void {}

  /**
   * What else than tensors belongs into the state dict, under `_extra_state`, of a class that defines this. Define
   * `setExtraState` with it. Files of tensors alone, as safetensors, take only a tensor.
   */
  getExtraState(): unknown {
    throw new TypeError(`${this.constructor.name} has no extra state: it does not define getExtraState()`);
  }

  /**
   * Takes back what `getExtraState` gave, when it is known that the state dict fits and before tensors are copied: one
   * that throws leaves these as they were.
   */
  setExtraState(_state: unknown): void {
    throw new TypeError(`${this.constructor.name} has no extra state: it does not define setExtraState()`);
  }

  /** Calls `hook(module, inputs)` before forward; what it returns (a list, or one value) replaces the inputs. */
  registerForwardPreHook(hook: ForwardPreHook<this>): HookHandle {
    return this.#addHook('pre', hook as never);
  }

  /** Calls `hook(module, inputs, output)` after forward; what it returns replaces the output. */
  registerForwardHook(hook: ForwardHook<this>): HookHandle {
    return this.#addHook('forward', hook as never);
  }

  /**
   * Calls `hook(module, gradInput, gradOutput)` when the gradients by the module's inputs have been computed; the list
   * it returns replaces them. Inputs that no gradient flows to have null there.
   */
  registerFullBackwardHook(hook: BackwardHook<this>): HookHandle {
    return this.#addHook('backward', hook as never);
  }

  /**
   * Calls `hook(module, gradOutput)` when the gradients by the module's outputs have arrived, before they go through the
   * module; the list it returns replaces them. From PyTorch 2.
   */
  registerFullBackwardPreHook(hook: BackwardPreHook<this>): HookHandle {
    return this.#addHook('backwardPre', hook as never);
  }

  /** Calls `hook(module, prefix, keepVars)` before the module's part of a state dict is made. */
  registerStateDictPreHook(hook: StateDictPreHook<this>): HookHandle {
    return this.#addHook('statePre', hook as never);
  }

  /** Calls `hook(module, stateDict, prefix)` when the module's part of a state dict has been made; it may change it. */
  registerStateDictHook(hook: StateDictHook<this>): HookHandle {
    return this.#addHook('state', hook as never);
  }

  /**
   * Calls `hook(module, stateDict, prefix)` before the module's part of a state dict is loaded, with a copy that it may
   * change, e.g. to bring names of older models up to date.
   */
  registerLoadStateDictPreHook(hook: LoadStateDictPreHook<this>): HookHandle {
    return this.#addHook('loadPre', hook as never);
  }

  /**
   * Calls `hook(module, { missingKeys, unexpectedKeys })` when it is known what of a state dict fits; names that it takes
   * out of the lists are no error. Values are copied afterwards, when all hooks have agreed.
   */
  registerLoadStateDictPostHook(hook: LoadStateDictPostHook<this>): HookHandle {
    return this.#addHook('loadPost', hook as never);
  }

  #addHook(kind: Parameters<Hooks['add']>[0], hook: never): HookHandle {
    this.#hooks ??= new Hooks();
    return this.#hooks.add(kind, hook);
  }

  /** The settings that printing shows between the parentheses, in PyTorch's notation. */
  extraRepr(): string {
    return '';
  }

  /** The module as PyTorch prints it. */
  override toString(): string {
    return describeModule(this.constructor.name, this.extraRepr(), this.#printed());
  }

  #printed(): [string, string][] {
    return [...this.ownEntries()].flatMap(([name, value]) =>
      value instanceof Module ? [[name, value.toString()] as [string, string]] : [],
    );
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

const parseBuffer = signature<{ persistent: boolean }>('registerBuffer', ['persistent'], { persistent: true });
const parseStrict = signature<{ strict: boolean }>('loadStateDict', ['strict'], { strict: true });

function checkName(op: string, name: string): void {
  if (typeof name !== 'string' || name === '' || name.includes('.')) {
    throw new TypeError(
      `${op}(): a name must be a string that is not empty and has no dots, got ${JSON.stringify(name)}`,
    );
  }
}
