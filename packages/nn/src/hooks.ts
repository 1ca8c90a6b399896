/** @file Hooks around a module's forward and backward pass. */
import { Function as AutogradFunction, type FunctionContext } from '@flambeau/autograd';
import { isTensor, type Tensor } from '@flambeau/tensor';
import type { Module } from './module.ts';

export type Gradients = readonly (Tensor | null)[];

export type ForwardPreHook<M = Module> = (module: M, inputs: readonly unknown[]) => unknown;
export type ForwardHook<M = Module> = (module: M, inputs: readonly unknown[], output: unknown) => unknown;
export type BackwardHook<M = Module> = (module: M, gradInput: Gradients, gradOutput: Gradients) => unknown;

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
  backward: BackwardHook;
  statePre: StateDictPreHook;
  state: StateDictHook;
  loadPre: LoadStateDictPreHook;
  loadPost: LoadStateDictPostHook;
}

/** The hooks of one module, called in order of registration. */
export class Hooks {
  readonly pre = new Set<{ hook: ForwardPreHook }>();
  readonly forward = new Set<{ hook: ForwardHook }>();
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

  /** The same hooks for a copy of the module, to be removed on their own. */
  copy(): Hooks {
    const copy = new Hooks();
    for (const kind of Object.keys(this) as (keyof HookKinds)[])
      for (const { hook } of this[kind]) copy.add(kind, hook as never);
    return copy;
  }
}

/** Runs a module with its hooks. */
export function callHooked(module: Module, hooks: Hooks, given: readonly unknown[]): unknown {
  let inputs = given;
  for (const { hook } of hooks.pre) {
    const result = hook(module, inputs);
    if (result !== undefined && result !== null) inputs = Array.isArray(result) ? result : [result];
  }
  const watch =
    hooks.backward.size > 0
      ? new BackwardWatch(
          module,
          [...hooks.backward].map(({ hook }) => hook),
        )
      : null;
  if (watch !== null) inputs = watch.inputs(inputs);
  let output = module.forward(...(inputs as never[]));
  for (const { hook } of hooks.forward) {
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
  readonly #hooks: readonly BackwardHook[];
  #gradOutput: Gradients = [];
  #hasInputs = false;
  #inputCount = 0;

  constructor(module: Module, hooks: readonly BackwardHook[]) {
    this.#module = module;
    this.#hooks = hooks;
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
      this.#gradOutput = gradOutput;
      // Without differentiable inputs there is nothing to wait for.
      if (!this.#hasInputs) this.#run(new Array<null>(this.#inputCount).fill(null));
      return grads;
    });
    return Array.isArray(output) ? passed : passed[0];
  }

  #run(gradInput: Gradients): Gradients {
    let current = gradInput;
    for (const hook of this.#hooks) {
      const result = hook(this.#module, current, this.#gradOutput);
      if (!Array.isArray(result)) continue;
      if (result.length !== gradInput.length) {
        throw new TypeError(
          `full backward hook of ${this.#module.constructor.name}: returned ${result.length} gradients for ${gradInput.length} inputs`,
        );
      }
      current = result as Gradients;
    }
    return current;
  }
}
