/**
 * @file torch.nn.utils.prune: setting part of a parameter to zero. The parameter lives on as `weight_orig`, the choice as
 * the buffer `weight_mask`, and `weight` is their product, computed before every call.
 */
import { cat, isTensor, randLike, randperm, ShapeError, type Tensor } from '@flambeau/tensor';
import { sameShape, signature, untracked } from '@flambeau/tensor/internal';
import type { Module } from '../module.ts';
import { type Computation, computationOf, computeBeforeCalls, stopComputing } from './computed.ts';
import { dropField, fieldsOf, frontDim, ownTensor } from './fields.ts';

/** How many elements (or slices) to prune: an integer is their number (1 is a single one), anything else a share below 1. */
export type PruningAmount = number;

const kind = 'pruning';

/** Chooses what to keep. */
export interface PruningMethod {
  /** What a mask is about: single elements, slices along a dimension, or anything. */
  readonly type: 'unstructured' | 'structured' | 'global';
  readonly dim?: number;
  /** The mask of what is kept among the elements (or slices) that `mask` keeps now. `t`: values or importance scores. */
  computeMask(t: Tensor, mask: Tensor): Tensor;
}

/** @throws RangeError for what is neither a share nor a number of elements. */
function checkAmount(op: string, amount: number): void {
  if (!(amount >= 0) || (amount > 1 && !Number.isInteger(amount)))
    throw new RangeError(`${op}(): amount must be a share between 0 and 1 or a number of elements, got ${amount}`);
}

/** Number of elements of `size` that an amount means. Python's 1.0 (all) and 1 (a single one) are one in JavaScript: it is 1. */
function countOf(op: string, amount: PruningAmount, size: number): number {
  const count = Number.isInteger(amount) ? amount : roundHalfEven(amount * size);
  if (count > size) throw new RangeError(`${op}(): amount (${amount}) is greater than the ${size} elements to prune`);
  return count;
}

/** As Python rounds. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Drops the `count` smallest of a vector of scores. */
function withoutSmallest(mask: Tensor, scores: Tensor, count: number): Tensor {
  if (count === 0) return mask.clone();
  const [, places] = scores.flatten().topk(count, { largest: false }) as unknown as [Tensor, Tensor];
  return mask
    .flatten()
    .indexFill(0, places, 0)
    .view([...mask.shape]);
}

const unstructured = (op: string, amount: PruningAmount, scoresOf: (t: Tensor) => Tensor): PruningMethod => ({
  type: 'unstructured',
  computeMask: (t, mask) => withoutSmallest(mask, scoresOf(t), countOf(op, amount, t.elementCount)),
});

/** One value for each slice along `dim`, as a mask of all elements. */
function sliceMask(t: Tensor, dim: number, kept: Tensor): Tensor {
  const shape = t.shape.map((size, d) => (d === dim ? size : 1));
  return kept
    .view(shape)
    .expand([...t.shape])
    .contiguous();
}

const structured = (
  op: string,
  amount: PruningAmount,
  dim: number,
  scoresOf: (t: Tensor) => Tensor,
): PruningMethod => ({
  type: 'structured',
  dim,
  computeMask: (t, mask) => {
    const size = t.shape[dim]!;
    const kept = withoutSmallest(t.newOnes([size]), scoresOf(t), countOf(op, amount, size));
    return mask.mul(sliceMask(t, dim, kept));
  },
});

/** Prunes everything that a given mask has as 0. */
const custom = (mask: Tensor): PruningMethod => ({
  type: 'global',
  computeMask: (_t, before) => {
    if (!sameShape(mask.shape, before.shape)) {
      throw new ShapeError(
        `customFromMask(): the mask has shape [${mask.shape.join(', ')}], the parameter [${before.shape.join(', ')}]`,
      );
    }
    return before.mul(mask.to(before.dtype).to(before.device));
  },
});

/** Several pruning methods on one parameter, each of which chooses among what those before it have kept. */
export class PruningContainer implements PruningMethod {
  readonly type = 'global';
  readonly methods: PruningMethod[];

  constructor(methods: readonly PruningMethod[]) {
    this.methods = [...methods];
  }

  get length(): number {
    return this.methods.length;
  }

  [Symbol.iterator](): IterableIterator<PruningMethod> {
    return this.methods.values();
  }

  /** What the newest method keeps of `mask`. */
  computeMask(t: Tensor, mask: Tensor): Tensor {
    return maskAmongKept(this.methods.at(-1)!, t, mask);
  }
}

/** Applies a method to what is kept so far. */
function maskAmongKept(method: PruningMethod, t: Tensor, mask: Tensor): Tensor {
  if (method.type === 'unstructured') {
    const places = mask.flatten().nonzero().squeeze(1);
    const chosen = method.computeMask(t.flatten().indexSelect(0, places), mask.flatten().indexSelect(0, places));
    return mask
      .flatten()
      .indexCopy(0, places, chosen)
      .view([...mask.shape]);
  }
  if (method.type === 'structured') {
    const { dim = 0 } = method;
    const others = mask.shape.flatMap((_, d) => (d === dim ? [] : [d]));
    const places = (others.length === 0 ? mask : mask.sum(others)).nonzero().squeeze(1);
    const chosen = method.computeMask(t.indexSelect(dim, places), mask.indexSelect(dim, places));
    return mask.indexCopy(dim, places, chosen);
  }
  return method.computeMask(t, mask);
}

interface Pruning extends Computation {
  readonly methods: readonly PruningMethod[];
}

/**
 * Prunes a parameter by a method, on top of what is pruned already.
 * @param importanceScores stand in place of the values when the method ranks elements.
 */
function apply<M extends Module>(
  op: string,
  module: M,
  name: string,
  method: PruningMethod,
  scores?: Tensor | null,
): M {
  const before = computationOf(module, kind, name) as Pruning | undefined;
  const tensor = before === undefined ? ownTensor(op, module, name) : module.getParameter(`${name}_orig`);
  if (isTensor(scores) && !sameShape(scores.shape, tensor.shape)) {
    throw new ShapeError(
      `${op}(): importanceScores have shape [${scores.shape.join(', ')}], the parameter [${tensor.shape.join(', ')}]`,
    );
  }
  const mask = untracked(() => {
    const t = (scores ?? tensor).detach();
    // Everything is kept so far: no need to read which elements, which on some devices takes an await.
    if (before === undefined) return method.computeMask(t, tensor.detach().newOnes([...tensor.shape]));
    return maskAmongKept(method, t, module.getBuffer(`${name}_mask`).detach());
  });
  const methods = [...(before?.methods ?? []), method];
  if (before === undefined) {
    dropField(module, name);
    module.setOwned(`${name}_orig`, tensor);
  } else stopComputing(op, module, kind, name);
  module.registerBuffer(`${name}_mask`, mask);
  const pruning: Pruning = {
    kind,
    name,
    methods,
    compute: (owner) => owner.getParameter(`${name}_orig`).mul(owner.getBuffer(`${name}_mask`)),
  };
  computeBeforeCalls(module, pruning);
  return module;
}

/** Adds a pseudo-pruning that prunes nothing, so that the names are there. */
export function identity<M extends Module>(module: M, name: string): M {
  return apply('identity', module, name, { type: 'unstructured', computeMask: (_t, mask) => mask });
}

/**
 * Prunes elements at random.
 *
 * ```ts
 * prune.randomUnstructured(layer, 'weight', 0.3); // three tenths of the elements are 0
 * ```
 * @throws TypeError when there is no such parameter, RangeError for an amount out of range.
 */
export function randomUnstructured<M extends Module>(module: M, name: string, amount: PruningAmount): M {
  checkAmount('randomUnstructured', amount);
  return apply(
    'randomUnstructured',
    module,
    name,
    unstructured('randomUnstructured', amount, (t) => randLike(t)),
  );
}

interface ScoreOptions {
  /** Of the parameter's shape; elements with the smallest are pruned. */
  importanceScores?: Tensor | null | undefined;
}

/**
 * Prunes the elements with the smallest absolute values (or importance scores).
 *
 * ```ts
 * prune.l1Unstructured(layer, 'weight', 0.3);
 * [...layer.stateDict().keys()]; // ['bias', 'weight_orig', 'weight_mask']
 * ```
 * @throws TypeError when there is no such parameter, RangeError for an amount out of range.
 */
export function l1Unstructured<M extends Module>(
  module: M,
  name: string,
  amount: PruningAmount,
  options: ScoreOptions = {},
): M {
  checkAmount('l1Unstructured', amount);
  const method = unstructured('l1Unstructured', amount, (t) => t.abs());
  return apply('l1Unstructured', module, name, method, options.importanceScores);
}

/** Prunes slices along `dim` (channels) at random. */
export function randomStructured<M extends Module>(module: M, name: string, amount: PruningAmount, dim: number): M {
  checkAmount('randomStructured', amount);
  const place = frontDim('randomStructured', currentTensor('randomStructured', module, name), dim);
  const draw = (t: Tensor): Tensor => randperm(t.shape[place]!, { device: 'cpu' }).to(t.device).to('float32');
  return apply('randomStructured', module, name, structured('randomStructured', amount, place, draw));
}

/**
 * Prunes the slices along `dim` (channels) with the smallest norm of order `n`.
 *
 * ```ts
 * prune.lnStructured(new Conv2d(3, 16, 3), 'weight', 0.5, 2, 0); // eight of the output channels
 * ```
 */
export function lnStructured<M extends Module>(
  module: M,
  name: string,
  amount: PruningAmount,
  n: number,
  dim: number,
  options: ScoreOptions = {},
): M {
  checkAmount('lnStructured', amount);
  const place = frontDim('lnStructured', currentTensor('lnStructured', module, name), dim);
  const norms = (t: Tensor): Tensor => t.transpose(0, place).flatten(1).norm(n, 1);
  const vector = (t: Tensor): Tensor => (t.ndim === 1 ? t.abs() : norms(t));
  return apply(
    'lnStructured',
    module,
    name,
    structured('lnStructured', amount, place, vector),
    options.importanceScores,
  );
}

/** Prunes what a mask of the parameter's shape has as 0. */
export function customFromMask<M extends Module>(module: M, name: string, mask: Tensor): M {
  return apply('customFromMask', module, name, custom(mask));
}

/** The parameter of a name, or what it was before it was pruned. */
function currentTensor(op: string, module: Module, name: string): Tensor {
  return computationOf(module, kind, name) === undefined
    ? ownTensor(op, module, name)
    : module.getParameter(`${name}_orig`);
}

export interface GlobalPruning {
  /** What ranks elements: the smallest absolute values go first, or chance decides. */
  pruningMethod?: 'l1' | 'random' | undefined;
  amount: PruningAmount;
  /** Scores of some of the parameters, in the parameters' place. */
  importanceScores?: ReadonlyMap<readonly [Module, string], Tensor> | undefined;
}

const parseGlobal = signature<Required<Pick<GlobalPruning, 'pruningMethod' | 'amount'>> & GlobalPruning>(
  'globalUnstructured',
  [],
  { pruningMethod: 'l1', amount: undefined as unknown as number, importanceScores: undefined },
);

/**
 * Prunes several parameters as if they were one: layers keep different shares.
 *
 * ```ts
 * prune.globalUnstructured([[net.fc1, 'weight'], [net.fc2, 'weight']], { amount: 0.2 });
 * ```
 */
export function globalUnstructured(parameters: readonly (readonly [Module, string])[], options: GlobalPruning): void {
  const op = 'globalUnstructured';
  const { pruningMethod, amount, importanceScores } = parseGlobal([options]);
  checkAmount(op, amount);
  if (parameters.length === 0) throw new TypeError(`${op}(): the list of parameters is empty`);
  const masks = untracked(() => {
    const values = parameters.map(
      (entry) => importanceScores?.get(entry) ?? currentTensor(op, entry[0], entry[1]).detach(),
    );
    const kept = parameters.map(([module, name], i) =>
      computationOf(module, kind, name) === undefined
        ? values[i]!.newOnes([...values[i]!.shape])
        : module.getBuffer(`${name}_mask`).detach(),
    );
    const method = unstructured(op, amount, pruningMethod === 'random' ? (t) => randLike(t) : (t) => t.abs());
    const [t, mask] = [cat(values.map((x) => x.flatten())), cat(kept.map((x) => x.flatten()))];
    const fresh = parameters.every(([module, name]) => computationOf(module, kind, name) === undefined);
    const all = fresh ? method.computeMask(t, mask) : maskAmongKept(method, t, mask);
    return all.split(values.map((t) => t.elementCount)).map((part, i) => part.view([...values[i]!.shape]));
  });
  for (const [i, [module, name]] of parameters.entries()) apply(op, module, name, custom(masks[i]!));
}

/**
 * Makes pruning permanent: the parameter is what it is now, with its zeros, and trains freely.
 * @throws TypeError when the parameter is not pruned.
 */
export function remove<M extends Module>(module: M, name: string): M {
  const { compute } = stopComputing('remove', module, kind, name);
  const value = untracked(() => compute(module));
  const original = module.getParameter(`${name}_orig`);
  for (const suffix of ['orig', 'mask']) dropField(module, `${name}_${suffix}`);
  dropField(module, name);
  // The same object, which an optimizer may hold.
  original.data = value;
  fieldsOf(module)[name] = original;
  return module;
}

/** Whether the module, or one below it, has a pruned parameter. */
export function isPruned(module: Module): boolean {
  return module.modules().some((owner) => computationOf(owner, kind) !== undefined);
}

/** The methods that a parameter was pruned by, or null when it is not pruned. */
export function pruningOf(module: Module, name: string): PruningContainer | null {
  const found = computationOf(module, kind, name) as Pruning | undefined;
  return found === undefined ? null : new PruningContainer(found.methods);
}
