/** @file Optimizer: parameter groups, state and the step that all optimizers have in common. */
import { AutogradError, enableGrad, isTensor, type Tensor } from '@flambeau/tensor';
import {
  clearGradients,
  gradOf,
  isPlainObject,
  keep,
  nearest,
  state,
  temporaries,
  untracked,
} from '@flambeau/tensor/internal';
import { describeGroups } from './describe.ts';
import { type OptimizerState, packState, unpackState } from './state-dict.ts';

/** Parameters that share options, and further numbers that schedulers keep with them. */
export type ParamGroup<O extends object = object> = O & { params: Tensor[]; lr: number; initialLr?: number };

/** What an optimizer takes: parameters, or groups with options of their own. */
export type Params<O extends object = object> =
  | Iterable<Tensor>
  | Iterable<{ params: Iterable<Tensor> | Tensor } & Partial<O>>;

/** What an optimizer keeps for one parameter, under PyTorch's names. */
export type ParameterState = Record<string, Tensor | number | null | readonly (Tensor | number | null)[]>;

/**
 * Base class of all optimizers. A subclass names its options' defaults and updates one parameter at a time.
 *
 * ```ts
 * const optimizer = new SGD(net.parameters(), { lr: 0.01 });
 * optimizer.zeroGrad();
 * loss.backward();
 * optimizer.step();
 * ```
 */
export abstract class Optimizer<O extends { lr: number } = { lr: number }> {
  /** The options of groups that do not give their own. */
  readonly defaults: Readonly<Partial<O>>;
  readonly paramGroups: ParamGroup<O>[] = [];
  /** What is kept for each parameter; empty until its first step. */
  readonly state = new Map<Tensor, ParameterState>();

  /** @throws TypeError for anything that is no list of tensors or groups, AutogradError for tensors that are no leaves. */
  constructor(params: Params<O>, defaults: Readonly<Partial<O>>) {
    this.defaults = defaults;
    for (const group of groupsOf(new.target.name, params))
      this.addParamGroup(group as { params: Iterable<Tensor> } & Partial<O>);
  }

  /** @throws RangeError naming an option of a group that is out of range. */
  protected abstract check(options: O): void;

  /** One step for one parameter that has a gradient. Runs without recording. */
  protected abstract update(parameter: Tensor, grad: Tensor, group: ParamGroup<O>): void;

  /** Names of numbers in a parameter's state that PyTorch keeps as 0-d float32 tensors. */
  protected get tensorNumbers(): readonly string[] {
    return ['step'];
  }

  /**
   * One step for all parameters that have gradients.
   * @param closure computes the loss anew and runs backward; it may be asynchronous, and then so is the step.
   * @returns what the closure returns.
   */
  step(): undefined;
  step<T>(closure: () => T): T;
  step<T>(closure?: () => T): T | undefined {
    if (closure === undefined) {
      this.updateAll();
      return undefined;
    }
    const result = enableGrad(closure);
    if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') {
      return (result as unknown as Promise<unknown>).then((value) => {
        this.updateAll();
        return value;
      }) as T;
    }
    this.updateAll();
    return result;
  }

  /** Updates every parameter that has a gradient. */
  protected updateAll(): void {
    temporaries(() => {
      untracked(() => {
        for (const group of this.paramGroups) {
          this.check(group);
          for (const parameter of group.params) {
            const grad = gradOf(parameter);
            if (grad !== null) this.update(parameter, grad.requiresGrad ? grad.detach() : grad, group);
          }
        }
      });
      this.keepState();
    });
  }

  /** Protects the state from the memory scopes that are open. */
  protected keepState(): void {
    if (state.scope !== null) for (const kept of this.state.values()) keepTensors(Object.values(kept));
  }

  /** The state of a parameter, made by `start` on its first step. */
  protected stateOf<S extends ParameterState>(parameter: Tensor, start: () => S): S {
    let kept = this.state.get(parameter) as S | undefined;
    if (kept === undefined) {
      kept = start();
      this.state.set(parameter, kept);
    }
    return kept;
  }

  /** Drops the gradients of all parameters, or fills them with zeros with `{ setToNone: false }`. */
  zeroGrad(options: { setToNone?: boolean | undefined } = {}): void {
    for (const { params } of this.paramGroups) clearGradients(params, options);
  }

  /**
   * Adds parameters with options of their own.
   * @throws TypeError for an unknown or missing option, RangeError for one out of range, AutogradError for tensors that
   *   are no leaves or already belong to the optimizer; nothing is added then.
   */
  addParamGroup(group: { params: Iterable<Tensor> | Tensor } & Partial<O>): void {
    const owner = this.constructor.name;
    const { params, ...options } = group;
    const list = isTensor(params) ? [params] : [...(params as Iterable<Tensor>)];
    const known = Object.keys(this.defaults);
    for (const key of Object.keys(options)) {
      if (known.includes(key) || key === 'initialLr') continue;
      const suggestion = nearest(key, known);
      throw new TypeError(`${owner}: unknown option '${key}'; did you mean '${suggestion}'?`);
    }
    const defined = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const made = { params: list, ...this.defaults, ...defined } as unknown as ParamGroup<O>;
    const missing = known.find((key) => (made as Record<string, unknown>)[key] === undefined);
    if (missing !== undefined)
      throw new TypeError(`${owner}: a parameter group has no value for the required option '${missing}'`);
    checkParameters(owner, list, this.paramGroups);
    this.check(made);
    this.paramGroups.push(made);
  }

  /** State and options in PyTorch's form and names, parameters numbered in order. */
  stateDict(): OptimizerState {
    return packState(this.paramGroups, this.state, this.tensorNumbers);
  }

  /**
   * Takes over state and options as `stateDict()` or PyTorch gives them; tensors are copied to the parameters' dtypes
   * and devices.
   * @throws SerializationError when groups or their sizes do not fit; nothing is changed then.
   */
  loadStateDict(saved: unknown): void {
    const { groups, states } = unpackState(saved, this.paramGroups);
    this.state.clear();
    for (const [parameter, kept] of states) this.state.set(parameter, kept);
    this.keepState();
    groups.forEach((options, i) => {
      Object.assign(this.paramGroups[i]!, options);
    });
  }

  /** The options of all groups as PyTorch prints them. */
  toString(): string {
    return describeGroups(this.constructor.name, this.paramGroups);
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Keeps all tensors of a parameter's state. */
function keepTensors(values: readonly ParameterState[string][]): void {
  for (const value of values) {
    if (isTensor(value)) keep(value);
    else if (Array.isArray(value)) keepTensors(value);
  }
}

function groupsOf(owner: string, params: Params): { params: Iterable<Tensor> | Tensor }[] {
  if (isTensor(params) || typeof (params as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== 'function') {
    throw new TypeError(`${owner}: expected a list of tensors or of parameter groups, e.g. net.parameters()`);
  }
  const list = [...(params as Iterable<unknown>)];
  if (list.length === 0) throw new TypeError(`${owner}: the list of parameters is empty`);
  if (isPlainObject(list[0])) {
    for (const group of list)
      if (!isPlainObject(group) || group.params === undefined)
        throw new TypeError(`${owner}: a parameter group needs 'params'`);
    return list as { params: Iterable<Tensor> }[];
  }
  return [{ params: list as Tensor[] }];
}

function checkParameters(owner: string, list: readonly unknown[], groups: readonly ParamGroup[]): void {
  const seen = new Set<unknown>(groups.flatMap(({ params }) => params));
  for (const parameter of list) {
    if (!isTensor(parameter))
      throw new TypeError(
        `${owner}: parameters must be tensors, got ${parameter === null ? 'null' : typeof parameter}`,
      );
    if (!parameter.isLeaf)
      throw new AutogradError(
        `${owner}: cannot optimize a tensor that was computed from others (it is no leaf); detach() it first`,
      );
    if (seen.has(parameter)) throw new TypeError(`${owner}: a parameter was given twice`);
    seen.add(parameter);
  }
}
