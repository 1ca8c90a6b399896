/** @file torch.nn.utils.parametrize: parameters that are functions of other parameters. */
import { Buffer, isTensor, type ModeGuard, Parameter, type Tensor } from '@flambeau/tensor';
import { currentMode, sameShape, signature, type Trailing, untracked, withMode } from '@flambeau/tensor/internal';
import { ListContainer, ModuleDict } from '../containers.ts';
import type { Identity } from '../linear.ts';
import type { Module } from '../module.ts';
import { dropField, fieldsOf, ownTensor } from './fields.ts';

/**
 * A module that computes a tensor from the unconstrained one (or ones); `rightInverse` finds such for a given tensor, or
 * gives null where it cannot.
 */
export interface Parametrization extends Module {
  forward(...originals: Tensor[]): Tensor;
  rightInverse?(value: Tensor): Tensor | readonly Tensor[] | null;
}

type Cache = Map<ParametrizationList, Tensor>;

/**
 * The parametrizations of one tensor, the first of them first, with what they start from: `original`, or `original0`,
 * `original1` … where the first one takes several.
 */
export class ParametrizationList extends ListContainer<Parametrization> {
  declare original?: Parameter | Buffer;
  /** Whether results are not checked. */
  unsafe: boolean;
  /** Number of originals when there are several. */
  readonly originals: number | null;

  constructor(parametrizations: Iterable<Parametrization>, tensor: Parameter | Buffer, unsafe: boolean) {
    super();
    this.extend(parametrizations);
    this.unsafe = unsafe;
    const start = untracked(() => this.invert(tensor.detach(), false));
    if (isTensor(start)) {
      if (start.dtype !== tensor.dtype) {
        throw new TypeError(
          `registerParametrization(): rightInverse changed the dtype from ${tensor.dtype} to ${start.dtype}`,
        );
      }
      this.originals = null;
      // The same object, which an optimizer may hold, with other values.
      if (start.storage !== tensor.storage) tensor.data = start;
      this.setOwned('original', tensor);
    } else {
      this.originals = start.length;
      for (const [i, part] of start.entries()) this.setOwned(`original${i}`, likeTensor(part, tensor));
    }
  }

  /** What the parametrizations start from. */
  parts(): (Parameter | Buffer)[] {
    const fields = fieldsOf(this);
    const names =
      this.originals === null ? ['original'] : Array.from({ length: this.originals }, (_, i) => `original${i}`);
    return names.map((name) => fields[name] as Parameter | Buffer);
  }

  /** Goes back from `value`; where a parametrization has no inverse it stays as it is, or with `strict` is refused. */
  private invert(value: Tensor, strict: boolean): Tensor | readonly Tensor[] {
    let current: Tensor | readonly Tensor[] = value;
    for (const parametrization of [...this].reverse()) {
      if (!isTensor(current))
        throw new TypeError('only the first parametrization of a tensor may start from several tensors');
      const before: Tensor | readonly Tensor[] | null = parametrization.rightInverse?.(current) ?? null;
      if (before !== null) current = before;
      else if (strict)
        throw new TypeError(
          `${parametrization.constructor.name} has no rightInverse(), so that the parametrized tensor cannot be set`,
        );
    }
    return current;
  }

  /** Sets the originals so that the parametrized tensor becomes (nearly) `value`. */
  assign(value: Tensor): void {
    untracked(() => {
      const start = this.invert(value.detach(), true);
      const list = isTensor(start) ? [start] : start;
      for (const [i, part] of this.parts().entries()) part.copy_(list[i]!);
    });
    currentMode<Cache | null>(cacheKind, null)?.delete(this);
  }

  forward(): Tensor {
    let value: Tensor | null = null;
    for (const parametrization of this) {
      value = value === null ? parametrization(...this.parts()) : parametrization(value);
    }
    return value!;
  }

  /** The tensor, computed once while `cached` is open. */
  value(): Tensor {
    const cache = currentMode<Cache | null>(cacheKind, null);
    // Called, not forwarded, so that hooks run; within a class TypeScript does not know its forward's arguments.
    const compute = this as unknown as () => Tensor;
    if (cache === null) return compute();
    const known = cache.get(this);
    if (known !== undefined) return known;
    const value = compute();
    cache.set(this, value);
    return value;
  }
}

const likeTensor = (part: Tensor, tensor: Parameter | Buffer): Parameter | Buffer =>
  tensor instanceof Parameter
    ? new Parameter(part.detach(), { requiresGrad: tensor.requiresGrad })
    : new Buffer(part.detach());

const cacheKind = 'parametrize-cache';

/**
 * Computes every parametrized tensor once only: within `fn` (also an asynchronous one), or until the guard is closed.
 *
 * ```ts
 * parametrize.cached(() => rnn(x)); // the weight is computed once for all steps
 * ```
 */
export function cached(): ModeGuard;
export function cached<T>(fn: () => T): T;
export function cached<T>(fn?: () => T): T | ModeGuard {
  return withMode(cacheKind, new Map() satisfies Cache, fn);
}

const listsOf = (module: Module): ModuleDict<ParametrizationList> | null => {
  const { parametrizations } = fieldsOf(module);
  return parametrizations instanceof ModuleDict ? (parametrizations as ModuleDict<ParametrizationList>) : null;
};

/** Whether a tensor of the module is parametrized: the named one, or any. */
export function isParametrized(module: Module, tensorName?: string): boolean {
  const lists = listsOf(module);
  if (lists === null) return false;
  return tensorName === undefined ? lists.length > 0 : lists.has(tensorName);
}

type ModuleClass = abstract new (...args: never[]) => Module;

/** Original classes of those that parametrizing makes. */
const originalClasses = new WeakMap<object, ModuleClass>();

/** The module's class without parametrizations. */
export function typeBeforeParametrizations(module: Module): ModuleClass {
  return originalClasses.get(module.constructor) ?? (module.constructor as unknown as ModuleClass);
}

/**
 * Gives the module a class of its own whose fields of these names are computed, or its first class back. Never changes
 * such a class: copies of the module have it too.
 */
function computeFields(module: Module, names: readonly string[]): void {
  const Original = typeBeforeParametrizations(module);
  if (names.length === 0) {
    Object.setPrototypeOf(module, Original.prototype);
    return;
  }
  // Identity stands for any class that is not abstract, which alone TypeScript lets be extended.
  const name = `Parametrized${Original.name}`;
  const Made = { [name]: class extends (Original as typeof Identity) {} }[name]!;
  originalClasses.set(Made, Original);
  for (const field of names) {
    Object.defineProperty(Made.prototype, field, {
      configurable: true,
      get(this: Module) {
        return listsOf(this)!.get(field).value();
      },
      set(this: Module, value: Tensor) {
        listsOf(this)!.get(field).assign(value);
      },
    });
  }
  Object.setPrototypeOf(module, Made.prototype);
}

/** @throws TypeError unless the result is a tensor like the one that it stands for. */
function checkResult(owner: string, got: unknown, wanted: Tensor): void {
  if (isTensor(got) && got.dtype === wanted.dtype && sameShape(got.shape, wanted.shape)) return;
  const text = (x: unknown): string =>
    isTensor(x) ? `a ${x.dtype} tensor of shape [${x.shape.join(', ')}]` : typeof x;
  throw new TypeError(
    `registerParametrization(): ${owner} must give ${text(wanted)}, but gave ${text(got)}; pass { unsafe: true } if that is meant`,
  );
}

const parseRegister = signature<{ unsafe: boolean }>('registerParametrization', ['unsafe'], { unsafe: false });

/**
 * Makes a parameter or buffer a function of another one: reading `module[tensorName]` computes it, and what is trained is
 * `module.parametrizations[tensorName].original`. Several on one tensor are applied one after the other. The tensor may
 * be set when the parametrizations have a `rightInverse`.
 *
 * ```ts
 * class Symmetric extends Module {
 *   forward(x: Tensor): Tensor {
 *     return x.triu().add(x.triu(1).transpose(-1, -2));
 *   }
 * }
 * const layer = new Linear(4, 4);
 * parametrize.registerParametrization(layer, 'weight', new Symmetric());
 * layer.weight.equalSync(layer.weight.t()); // true
 * ```
 * @throws TypeError when there is no such tensor or the result has another shape or dtype (unless `unsafe`); the module
 *   is as before then.
 */
export function registerParametrization<M extends Module>(
  module: M,
  tensorName: string,
  parametrization: Parametrization,
  ...args: Trailing<[unsafe: boolean], { unsafe?: boolean | undefined }>
): M {
  const { unsafe } = parseRegister(args);
  parametrization.train(module.training);
  const owner = parametrization.constructor.name;
  const lists = listsOf(module);
  if (lists?.has(tensorName)) {
    const list = lists.get(tensorName);
    if (!unsafe) {
      const before = untracked(() => list());
      checkResult(
        owner,
        untracked(() => parametrization(before)),
        before,
      );
    }
    list.append(parametrization);
    list.unsafe ||= unsafe;
    return module;
  }
  const tensor = ownTensor('registerParametrization', module, tensorName);
  const before = tensor.detach();
  const list = new ParametrizationList([parametrization], tensor, unsafe);
  list.train(module.training);
  if (!unsafe) {
    try {
      checkResult(
        owner,
        untracked(() => list()),
        before,
      );
    } catch (error) {
      tensor.data = before;
      throw error;
    }
  }
  dropField(module, tensorName);
  const all = lists ?? new ModuleDict<ParametrizationList>();
  all.set(tensorName, list);
  fieldsOf(module).parametrizations = all;
  computeFields(module, [...all.keys()]);
  return module;
}

const parseRemove = signature<{ leaveParametrized: boolean }>('removeParametrizations', ['leaveParametrized'], {
  leaveParametrized: true,
});

/**
 * Takes all parametrizations of a tensor away. It keeps its present value, or with `leaveParametrized: false` what it was
 * computed from.
 * @throws TypeError when the tensor has none, or was computed from several and cannot go back to them.
 */
export function removeParametrizations<M extends Module>(
  module: M,
  tensorName: string,
  ...args: Trailing<[leaveParametrized: boolean], { leaveParametrized?: boolean | undefined }>
): M {
  const { leaveParametrized } = parseRemove(args);
  const lists = listsOf(module);
  if (!lists?.has(tensorName)) {
    throw new TypeError(
      `removeParametrizations(): '${tensorName}' of ${module.constructor.name} has no parametrization`,
    );
  }
  const list = lists.get(tensorName);
  const [first] = list.parts();
  if (list.originals !== null && !leaveParametrized) {
    throw new TypeError(
      `removeParametrizations(): '${tensorName}' was computed from ${list.originals} tensors; only its present value can be left`,
    );
  }
  let left = first!;
  if (leaveParametrized) {
    const value = untracked(() => list().detach());
    if (list.originals !== null) left = likeTensor(value, left);
    else if (value.storage !== left.storage) left.data = value;
  }
  lists.pop(tensorName);
  computeFields(module, [...lists.keys()]);
  if (lists.length === 0) dropField(module, 'parametrizations');
  module.setOwned(tensorName, left);
  return module;
}
