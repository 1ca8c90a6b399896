/** @file Hooks around a module's forward and backward pass. */
import { Function as AutogradFunction, type FunctionContext } from '@flambeau/autograd';
import { isTensor, type Tensor } from '@flambeau/tensor';
import type { Module } from './module.ts';

export type Gradients = readonly (Tensor | null)[];

export type ForwardPreHook<M = Module> = (module: M, inputs: readonly unknown[]) => unknown;
export type ForwardHook<M = Module> = (module: M, inputs: readonly unknown[], output: unknown) => unknown;
export type BackwardHook<M = Module> = (module: M, gradInput: Gradients, gradOutput: Gradients) => unknown;
export type BackwardPreHook<M = Module> = (module: M, gradOutput: Gradients) => unknown;

/** Sees a module before its state dict is made; `prefix` is what its names begin with. */
export type StateDictPreHook<M = Module> = (module: M, prefix: string, keepVars: boolean) => void;
/** Sees the state dict after a module (and all below it) has put its tensors there, and may change it. */
export type StateDictHook<M = Module> = (module: M, stateDict: Map<string, Tensor>, prefix: string) => void;
/** Sees a copy of the state dict that is to be loaded, and may change it. */
export type LoadStateDictPreHook<M = Module> = (module: M, stateDict: Map<string, unknown>, prefix: string) => void;
/** Sees which names did not fit, and may change the lists: what is left there is an error where loading is strict. */
export type LoadStateDictPostHook<M = Module> = (module: M, keys: IncompatibleKeys) => void;

export interface IncompatibleKeys {
  /** Names of the module that the state dict lacked. */
  readonly missingKeys: string[];
  /** Names of the state dict that the module does not have. */
  readonly unexpectedKeys: string[];
}

export interface HookHandle {
  /** Takes the hook away. */
  remove(): void;
}

interface HookKinds {
  pre: ForwardPreHook;
  forward: ForwardHook;
  backwardPre: BackwardPreHook;
  backward: BackwardHook;
  statePre: StateDictPreHook;
  state: StateDictHook;
  loadPre: LoadStateDictPreHook;
  loadPost: LoadStateDictPostHook;
}

/** The hooks of one module or of all, called in order of registration. */
export class Hooks {
  readonly pre = new Set<{ hook: ForwardPreHook }>();
  readonly forward = new Set<{ hook: ForwardHook }>();
  readonly backwardPre = new Set<{ hook: BackwardPreHook }>();
  readonly backward = new Set<{ hook: BackwardHook }>();
  readonly statePre = new Set<{ hook: StateDictPreHook }>();
  readonly state = new Set<{ hook: StateDictHook }>();
  readonly loadPre = new Set<{ hook: LoadStateDictPreHook }>();
  readonly loadPost = new Set<{ hook: LoadStateDictPostHook }>();

  add<Kind extends keyof HookKinds>(kind: Kind, hook: HookKinds[Kind]): HookHandle {
    const set = this[kind] as unknown as Set<{ hook: HookKinds[Kind] }>;
    // An entry of its own, so that one function may be registered twice.
    const entry = { hook };
    set.add(entry);
    return { remove: () => void set.delete(entry) };
  }

  get isEmpty(): boolean {
    return Object.values(this).every((set: ReadonlySet<unknown>) => set.size === 0);
  }

  /** The same hooks for a copy of the module, to be removed on their own. */
  copy(): Hooks {
    const copy = new Hooks();
    for (const kind of Object.keys(this) as (keyof HookKinds)[])
      for (const { hook } of this[kind]) copy.add(kind, hook as never);
    return copy;
  }
}

/** Hooks of all modules; null while there are none, so that a call need only ask for that. */
export let globalHooks: Hooks | null = null;

function addGlobalHook(kind: keyof HookKinds, hook: never): HookHandle {
  globalHooks ??= new Hooks();
  const handle = globalHooks.add(kind, hook);
  return {
    remove: () => {
      handle.remove();
      if (globalHooks?.isEmpty) globalHooks = null;
    },
  };
}

/**
 * Calls `hook(module, inputs)` before the forward of every module, ahead of the module's own hooks; what it returns (a
 * list, or one value) replaces the inputs. Global hooks are for debugging and profiling; remove them when that is done.
 */
export function registerModuleForwardPreHook(hook: ForwardPreHook): HookHandle {
  return addGlobalHook('pre', hook as never);
}

/**
 * Calls `hook(module, inputs, output)` after the forward of every module, ahead of the module's own hooks; what it
 * returns replaces the output.
 *
 * ```ts
 * const handle = registerModuleForwardHook((module, _inputs, output) => console.log(String(module), output));
 * net(x);
 * handle.remove();
 * ```
 */
export function registerModuleForwardHook(hook: ForwardHook): HookHandle {
  return addGlobalHook('forward', hook as never);
}

/** `registerFullBackwardPreHook` for all modules, ahead of their own. */
export function registerModuleFullBackwardPreHook(hook: BackwardPreHook): HookHandle {
  return addGlobalHook('backwardPre', hook as never);
}

/** `registerFullBackwardHook` for all modules, ahead of their own. */
export function registerModuleFullBackwardHook(hook: BackwardHook): HookHandle {
  return addGlobalHook('backward', hook as never);
}

/** Hooks of one kind as a call of a module begins with them: those of all modules, then its own. */
const hooksFor = <Kind extends keyof HookKinds>(kind: Kind, own: Hooks | null): HookKinds[Kind][] =>
  [...(globalHooks?.[kind] ?? []), ...(own?.[kind] ?? [])].map(({ hook }) => hook as HookKinds[Kind]);

/** Runs a module with the hooks of all modules and its own. */
export function callHooked(module: Module, own: Hooks | null, given: readonly unknown[]): unknown {
  let inputs = given;
  for (const hook of hooksFor('pre', own)) {
    const result = hook(module, inputs);
    if (result !== undefined && result !== null) inputs = Array.isArray(result) ? result : [result];
  }
  const [before, after] = [hooksFor('backwardPre', own), hooksFor('backward', own)];
  const watch = before.length + after.length > 0 ? new BackwardWatch(module, before, after) : null;
  if (watch !== null) inputs = watch.inputs(inputs);
  let output = module.forward(...(inputs as never[]));
  for (const hook of hooksFor('forward', own)) {
    const result = hook(module, inputs, output);
    if (result !== undefined && result !== null) output = result;
  }
  return watch === null ? output : watch.outputs(output);
}

type Seen = (grads: Gradients) => Gradients;

/** The identity, with a function that sees its gradients pass. Its name is that of PyTorch's graph node. */
class BackwardHookFunction extends AutogradFunction {
  static override forward(ctx: FunctionContext, seen: Seen, ...values: Tensor[]): Tensor[] {
    ctx.seen = seen;
    return values;
  }
  static override backward(ctx: FunctionContext, ...grads: Tensor[]): Gradients {
    return [null, ...(ctx.seen as Seen)(grads)];
  }
}

const passes = (value: unknown): value is Tensor => isTensor(value) && value.requiresGrad;

/** Sends those of `values` that require gradients through the identity. */
function pass(values: readonly unknown[], seen: Seen): unknown[] {
  const tensors = values.filter(passes);
  if (tensors.length === 0) return [...values];
  const passed = BackwardHookFunction.apply<readonly Tensor[]>(seen, ...tensors);
  let next = 0;
  return values.map((value) => (passes(value) ? passed[next++]! : value));
}

/** One call of a module with backward hooks: gradients of its outputs are kept until those of its inputs are there. */
class BackwardWatch {
  readonly #module: Module;
  readonly #before: readonly BackwardPreHook[];
  readonly #after: readonly BackwardHook[];
  #gradOutput: Gradients = [];
  #hasInputs = false;
  #inputCount = 0;

  constructor(module: Module, before: readonly BackwardPreHook[], after: readonly BackwardHook[]) {
    this.#module = module;
    this.#before = before;
    this.#after = after;
  }

  inputs(values: readonly unknown[]): unknown[] {
    const places = values.flatMap((value, i) => (passes(value) ? [i] : []));
    this.#hasInputs = places.length > 0;
    this.#inputCount = values.length;
    return pass(values, (grads) => {
      const gradInput: (Tensor | null)[] = values.map(() => null);
      places.forEach((place, i) => {
        gradInput[place] = grads[i]!;
      });
      const result = this.#run(gradInput);
      return places.map((place) => result[place] ?? null);
    });
  }

  outputs(output: unknown): unknown {
    const list = Array.isArray(output) ? (output as unknown[]) : [output];
    const places = list.flatMap((value, i) => (passes(value) ? [i] : []));
    const passed = pass(list, (grads) => {
      const gradOutput: (Tensor | null)[] = list.map(() => null);
      places.forEach((place, i) => {
        gradOutput[place] = grads[i]!;
      });
      this.#gradOutput = this.#replaced(gradOutput, 'backward pre-hook', 'outputs', this.#before, (hook, current) =>
        hook(this.#module, current),
      );
      // Without differentiable inputs there is nothing to wait for.
      if (!this.#hasInputs) this.#run(new Array<null>(this.#inputCount).fill(null));
      return places.map((place) => this.#gradOutput[place] ?? null);
    });
    return Array.isArray(output) ? passed : passed[0];
  }

  #run(gradInput: Gradients): Gradients {
    return this.#replaced(gradInput, 'backward hook', 'inputs', this.#after, (hook, current) =>
      hook(this.#module, current, this.#gradOutput),
    );
  }

  /** Gradients as hooks leave them: the list that one returns replaces what the next sees. */
  #replaced<Hook>(
    given: Gradients,
    kind: string,
    ends: string,
    hooks: readonly Hook[],
    run: (hook: Hook, current: Gradients) => unknown,
  ): Gradients {
    let current = given;
    for (const hook of hooks) {
      const result = run(hook, current);
      if (!Array.isArray(result)) continue;
      if (result.length !== given.length) {
        throw new TypeError(
          `full ${kind} of ${this.#module.constructor.name}: returned ${result.length} gradients for ${given.length} ${ends}`,
        );
      }
      current = result as Gradients;
    }
    return current;
  }
}
