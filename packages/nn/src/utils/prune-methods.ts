/** @file Ways to choose what of a parameter is pruned. */
import { randLike, randperm, ShapeError, type Tensor } from '@flambeau/tensor';
import { sameShape } from '@flambeau/tensor/internal';
import type { Module } from '../module.ts';
import { frontDim } from './fields.ts';
import { applyPruning, maskAmongKept } from './prune-apply.ts';

/** How many elements (or slices) to prune: an integer is their number (1 is a single one), anything else a share below 1. */
export type PruningAmount = number;

/** @throws RangeError for what is neither a share nor a number of elements. */
function checkedAmount(owner: string, amount: PruningAmount): PruningAmount {
  if (amount >= 0 && (amount <= 1 || Number.isInteger(amount))) return amount;
  throw new RangeError(`${owner}: amount must be a share between 0 and 1 or a number of elements, got ${amount}`);
}

/** Number of elements of `size` that an amount means. */
function countOf(owner: string, amount: PruningAmount, size: number): number {
  const count = Number.isInteger(amount) ? amount : roundHalfEven(amount * size);
  if (count > size) throw new RangeError(`${owner}: amount (${amount}) is greater than the ${size} elements to prune`);
  return count;
}

/** As Python rounds. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Drops the `count` smallest scores of a mask. */
function withoutSmallest(mask: Tensor, scores: Tensor, count: number): Tensor {
  if (count === 0) return mask.clone();
  const [, places] = scores.flatten().topk(count, { largest: false }) as unknown as [Tensor, Tensor];
  return mask
    .flatten()
    .indexFill(0, places, 0)
    .view([...mask.shape]);
}

/**
 * A way to choose what is pruned. A class of one's own says what its masks are about and computes them:
 *
 * ```ts
 * class EveryOther extends prune.BasePruningMethod {
 *   readonly type = 'unstructured';
 *   computeMask(_t: Tensor, mask: Tensor): Tensor {
 *     const flat = mask.flatten();
 *     return flat.mul(arange(flat.length).remainder(2)).view([...mask.shape]);
 *   }
 * }
 * EveryOther.apply(layer, 'weight');
 * ```
 */
export abstract class BasePruningMethod {
  /**
   * What a mask is about. Of `'unstructured'` methods `computeMask` sees a vector of the elements that are kept so far,
   * of `'structured'` ones the slices along `dim` with any, of `'global'` ones everything.
   */
  abstract readonly type: 'unstructured' | 'structured' | 'global';
  readonly dim: number = 0;

  /** The mask of what is kept of what `mask` keeps now. `t`: values or importance scores. */
  abstract computeMask(t: Tensor, mask: Tensor): Tensor;

  /** Prunes a parameter by a method of this class, which is made from `args`. */
  static apply<M extends Module, A extends unknown[]>(
    this: new (
      ...args: A
    ) => BasePruningMethod,
    module: M,
    name: string,
    ...args: A
  ): M {
    return applyPruning(this.name, module, name, new this(...args));
  }
}

/** Prunes nothing. */
export class Identity extends BasePruningMethod {
  readonly type = 'unstructured';

  computeMask(_t: Tensor, mask: Tensor): Tensor {
    return mask;
  }
}

abstract class Unstructured extends BasePruningMethod {
  readonly type = 'unstructured';
  readonly amount: PruningAmount;

  constructor(amount: PruningAmount) {
    super();
    this.amount = checkedAmount(new.target.name, amount);
  }

  /** What ranks elements: the smallest go first. */
  protected abstract scores(t: Tensor): Tensor;

  computeMask(t: Tensor, mask: Tensor): Tensor {
    return withoutSmallest(mask, this.scores(t), countOf(this.constructor.name, this.amount, t.elementCount));
  }
}

/** Prunes elements at random. */
export class RandomUnstructured extends Unstructured {
  protected scores(t: Tensor): Tensor {
    return randLike(t);
  }
}

/** Prunes the elements of the smallest absolute values. */
export class L1Unstructured extends Unstructured {
  protected scores(t: Tensor): Tensor {
    return t.abs();
  }
}

abstract class Structured extends BasePruningMethod {
  readonly type = 'structured';
  override readonly dim: number;
  readonly amount: PruningAmount;

  constructor(amount: PruningAmount, dim: number) {
    super();
    this.amount = checkedAmount(new.target.name, amount);
    this.dim = dim;
  }

  /** What ranks slices along `dim`: the smallest go first. */
  protected abstract scores(t: Tensor, dim: number): Tensor;

  computeMask(t: Tensor, mask: Tensor): Tensor {
    const owner = this.constructor.name;
    const dim = frontDim(owner, t, this.dim);
    const size = t.shape[dim]!;
    const kept = withoutSmallest(t.newOnes([size]), this.scores(t, dim), countOf(owner, this.amount, size));
    return mask.mul(kept.view(t.shape.map((n, d) => (d === dim ? n : 1))));
  }
}

/** Prunes slices along a dimension (channels) at random. */
export class RandomStructured extends Structured {
  protected scores(t: Tensor, dim: number): Tensor {
    return randperm(t.shape[dim]!, { device: 'cpu' }).to(t.device).to('float32');
  }
}

/** Prunes the slices along a dimension (channels) with the smallest norm of order `n`. */
export class LnStructured extends Structured {
  readonly n: number;

  constructor(amount: PruningAmount, n: number, dim: number) {
    super(amount, dim);
    this.n = n;
  }

  protected scores(t: Tensor, dim: number): Tensor {
    return t.ndim === 1 ? t.abs() : t.transpose(0, dim).flatten(1).norm(this.n, 1);
  }
}

/** Prunes everything that a given mask has as 0. */
export class CustomFromMask extends BasePruningMethod {
  readonly type = 'global';
  readonly mask: Tensor;

  constructor(mask: Tensor) {
    super();
    this.mask = mask;
  }

  computeMask(_t: Tensor, before: Tensor): Tensor {
    if (!sameShape(this.mask.shape, before.shape)) {
      throw new ShapeError(
        `CustomFromMask: the mask has shape [${this.mask.shape.join(', ')}], the parameter [${before.shape.join(', ')}]`,
      );
    }
    return before.mul(this.mask.to(before.dtype).to(before.device));
  }
}

/** Several pruning methods on one parameter, each of which chooses among what those before it have kept. */
export class PruningContainer extends BasePruningMethod {
  readonly type = 'global';
  readonly methods: BasePruningMethod[];

  constructor(methods: readonly BasePruningMethod[]) {
    super();
    this.methods = [...methods];
  }

  get length(): number {
    return this.methods.length;
  }

  [Symbol.iterator](): IterableIterator<BasePruningMethod> {
    return this.methods.values();
  }

  /** What the newest method keeps of `mask`. */
  computeMask(t: Tensor, mask: Tensor): Tensor {
    return maskAmongKept(this.methods.at(-1)!, t, mask);
  }
}
