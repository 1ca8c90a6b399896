/** @file Writing elements by index tensors: the scatter and index families, and put. Each has an in-place form. */
import { checkOptions, signature } from '../args.ts';
import type { Positions, Scalar, ScatterMode } from '../backend.ts';
import { numberFor } from '../complex-scalar.ts';
import { DTypeError, IndexError, ShapeError } from '../errors.ts';
import type { PointwiseFunction } from '../pointwise.ts';
import { alongDim, asVector, checkGatherShape, checkVectorIndex, positionsOf, sameDevice } from '../positions.ts';
import { record } from '../record.ts';
import { formatShape, sameShape, wrapDim } from '../shape.ts';
import { backendFor } from '../state.ts';
import { isTensor, Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';
import { apart, type Writing, writingFunction } from '../writing.ts';
import { copyOf } from './copy.ts';
import { narrow, reshape } from './views.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. The index is an input too. */
export interface ScatterOps {
  scatter: { dim: number; value: boolean };
  scatterAdd: { dim: number };
  scatterReduce: { dim: number; reduce: ScatterReduction; includeSelf: boolean };
  indexAdd: { dim: number; alpha: number };
  indexCopy: { dim: number };
  indexFill: { dim: number };
  put: { accumulate: boolean };
}

/** How `scatterReduce` combines the values that go to one place. */
export type ScatterReduction = 'sum' | 'prod' | 'mean' | 'amax' | 'amin';

/** @throws DTypeError unless `src` has self's dtype. */
function checkSource(op: string, self: Tensor, src: Tensor): void {
  sameDevice(op, self, src);
  if (src.dtype !== self.dtype) {
    throw new DTypeError(
      `${op}(): the source is ${src.dtype} but the tensor ${self.dtype}; convert it with .to('${self.dtype}')`,
    );
  }
}

/** The leading part of `src` that an index of `shape` reaches, with history. */
function reached(src: Tensor, shape: readonly number[]): Tensor {
  let part = src;
  shape.forEach((n, d) => {
    if (part.shape[d] !== n) part = narrow(part, d, 0, n);
  });
  return part;
}

interface ScatterPlan {
  readonly dim: number;
  readonly at: Tensor;
  readonly positions: Positions<Tensor>;
  /** The part of the source that is used; null where the source is one value. */
  readonly src: Tensor | null;
}

/** Checks the arguments of the scatter family and finds the positions. */
function scatterPlan(op: string, self: Tensor, dim: number, index: Tensor, src: Tensor | null): ScatterPlan {
  sameDevice(op, self, index);
  const d = wrapDim(op, dim, self.ndim);
  const [x, at] = [asVector(self), asVector(index)];
  if (src !== null) checkSource(op, self, src);
  if (at.elementCount > 0) {
    checkGatherShape(op, at.shape, x.shape, d, 'a tensor');
    if (src !== null) checkGatherShape(op, at.shape, src.ndim === 0 ? [1] : src.shape, -1, 'a source');
  }
  const part = src === null || src.ndim === 0 || at.elementCount === 0 ? src : reached(src, at.shape);
  return { dim: d, at, positions: positionsOf(op, at, d, x.shape[d]!, { target: self }), src: part };
}

function runScatter(target: Tensor, plan: ScatterPlan, given: Tensor | Value, mode: ScatterMode): void {
  if (plan.at.elementCount === 0) return;
  const number = isTensor(given) ? null : numberFor('scatter', given, target.dtype);
  const src = isTensor(number) ? number.expand(plan.at.shape) : (number ?? (given as Tensor));
  const source = isTensor(src) ? asVector(apart(src, target)) : src;
  backendFor(target.device).scatter(asVector(target), plan.dim, plan.positions, source, mode);
}

export interface ScatterOptions {
  /** Combines with what is there instead of replacing it. No gradients then. */
  reduce?: 'add' | 'multiply' | null | undefined;
}

/**
 * Values written along a dimension: out[index[i][j]][j] = src[i][j] for dim 0. `src` may be a number. Where several go
 * to one place the last wins. `x.scatter_(…)` in place.
 *
 * ```ts
 * zeros(3).scatter(0, tensor([2, 0], { dtype: 'int32' }), tensor([5, 7])).toArraySync(); // [7, 0, 5]
 * ```
 */
export const scatter: PointwiseFunction<[dim: number, index: Tensor, src: Tensor | Value, options?: ScatterOptions]> =
  writingFunction(
    'scatter',
    (self: Tensor, dim: number, index: Tensor, src: Tensor | Value, options: ScatterOptions = {}): Writing => {
      checkOptions('scatter', options, ['reduce']);
      const { reduce = null } = options;
      if (reduce !== null && reduce !== 'add' && reduce !== 'multiply') {
        throw new TypeError(`scatter(): reduce must be 'add' or 'multiply', got ${JSON.stringify(reduce)}`);
      }
      const plan = scatterPlan('scatter', self, dim, index, isTensor(src) ? src : null);
      const mode = reduce === 'add' ? 'add' : reduce === 'multiply' ? 'mul' : 'assign';
      const source = plan.src ?? (src as Value);
      if (!isTensor(source)) numberFor('scatter', source, self.dtype);
      return {
        inputs: [plan.src],
        write: (target) => runScatter(target, plan, source, mode),
        record: (out) =>
          reduce === null
            ? record('scatter', [self, index, plan.src], out, { dim: plan.dim, value: plan.src === null })
            : out,
      };
    },
  );

/** `scatter` that adds to what is there: the opposite of `gather`. */
export const scatterAdd: PointwiseFunction<[dim: number, index: Tensor, src: Tensor]> = writingFunction(
  'scatterAdd',
  (self: Tensor, dim: number, index: Tensor, src: Tensor): Writing => {
    const plan = scatterPlan('scatterAdd', self, dim, index, src);
    return {
      inputs: [plan.src],
      write: (target) => runScatter(target, plan, plan.src!, 'add'),
      record: (out) => record('scatterAdd', [self, index, plan.src], out, { dim: plan.dim }),
    };
  },
);

const reductions: Record<ScatterReduction, ScatterMode> = {
  sum: 'add',
  mean: 'add',
  prod: 'mul',
  amax: 'max',
  amin: 'min',
};

function checkReduction(op: string, reduce: string): asserts reduce is ScatterReduction {
  if (Object.hasOwn(reductions, reduce)) return;
  throw new TypeError(
    `${op}(): reduce must be one of ${Object.keys(reductions).join(', ')}, got ${JSON.stringify(reduce)}`,
  );
}

/** What a place holds before the first value is combined, where its own value does not count. */
function identity(reduce: ScatterReduction, dtype: Tensor['dtype']): Scalar {
  if (reduce === 'sum' || reduce === 'mean') return 0;
  if (reduce === 'prod') return 1;
  const least = reduce === 'amax';
  const ranges: Partial<Record<Tensor['dtype'], readonly [Scalar, Scalar]>> = {
    bool: [false, true],
    uint8: [0, 255],
    int8: [-128, 127],
    int16: [-32768, 32767],
    int32: [-(2 ** 31), 2 ** 31 - 1],
    int64: [-(2n ** 63n), 2n ** 63n - 1n],
  };
  const [low, high] = ranges[dtype] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return least ? low : high;
}

export interface IncludeSelf {
  /** Whether self's own values are combined too. Default true. */
  includeSelf?: boolean | undefined;
}

/**
 * Values that go to one place combined by 'sum', 'prod', 'mean', 'amax' or 'amin', by default with the value that is there.
 *
 * ```ts
 * const index = tensor([0, 0, 1], { dtype: 'int32' });
 * zeros(2).scatterReduce(0, index, tensor([1, 5, 2]), 'amax').toArraySync(); // [5, 2]
 * ```
 */
export const scatterReduce: PointwiseFunction<
  [dim: number, index: Tensor, src: Tensor, reduce: ScatterReduction, options?: IncludeSelf]
> = writingFunction(
  'scatterReduce',
  (
    self: Tensor,
    dim: number,
    index: Tensor,
    src: Tensor,
    reduce: ScatterReduction,
    options: IncludeSelf = {},
  ): Writing => {
    checkOptions('scatterReduce', options, ['includeSelf']);
    checkReduction('scatterReduce', reduce);
    const { includeSelf = true } = options;
    const plan = scatterPlan('scatterReduce', self, dim, index, src);
    return {
      inputs: [plan.src],
      write: (target) => {
        const source = apart(plan.src!, target);
        if (!includeSelf) runScatter(target, plan, identity(reduce, self.dtype), 'assign');
        runScatter(target, plan, source, reductions[reduce]);
        if (reduce === 'mean') divideByCount(target, plan, includeSelf);
      },
      record: (out) => record('scatterReduce', [self, index, plan.src], out, { dim: plan.dim, reduce, includeSelf }),
    };
  },
);

/** Turns sums into means; integers round down. */
function divideByCount(target: Tensor, plan: ScatterPlan, includeSelf: boolean): void {
  const counts = copyOf(target).fill_(includeSelf ? 1 : 0);
  runScatter(counts, plan, 1, 'add');
  if (!includeSelf) counts.clamp_(1);
  target.div_(counts, { roundingMode: target.isFloatingPoint() ? null : 'floor' });
}

/** Checks the arguments of the index family; the source, if any, has the index's length in `dim` and self's other sizes. */
function indexPlan(
  op: string,
  self: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor | null,
  wrap: boolean,
): ScatterPlan & { vector: Tensor } {
  sameDevice(op, self, index);
  const d = wrapDim(op, dim, self.ndim);
  checkVectorIndex(op, index);
  const x = asVector(self);
  const vector = asVector(index);
  const shape = x.shape.with(d, vector.elementCount);
  if (source !== null) {
    checkSource(op, self, source);
    const own = asVector(source);
    if (!sameShape(own.shape, shape) && !(own.elementCount === 1 && shape.every((n) => n === 1))) {
      throw new ShapeError(
        `${op}(): a source of shape ${formatShape(source.shape)} does not fit: ${vector.elementCount} indices into dimension ${d} of ${formatShape(self.shape)} need ${formatShape(shape)}`,
      );
    }
  }
  const { view, bound } = positionsOf(op, vector, d, x.shape[d]!, { wrap, target: self });
  const at = alongDim(view, shape, d);
  return { dim: d, at, positions: { view: at, bound }, src: source, vector };
}

const indexAddArguments = signature<{ alpha: number }>('indexAdd', [], { alpha: 1 });

/**
 * alpha · source added to the slices that `index` names along a dimension; a slice named twice gets both.
 *
 * ```ts
 * zeros(3).indexAdd(0, tensor([0, 0, 2], { dtype: 'int32' }), tensor([1, 2, 3])).toArraySync(); // [3, 0, 3]
 * ```
 */
export const indexAdd: PointwiseFunction<
  [dim: number, index: Tensor, source: Tensor, options?: { alpha?: Value | undefined }]
> = writingFunction(
  'indexAdd',
  (self: Tensor, dim: number, index: Tensor, source: Tensor, options: { alpha?: Value | undefined } = {}): Writing => {
    const given = indexAddArguments([options]).alpha;
    const alpha = typeof given === 'object' ? given : Number(given);
    if (typeof alpha === 'object') numberFor('indexAdd', alpha, self.dtype);
    else if (!Number.isInteger(alpha) && !self.isFloatingPoint() && !self.isComplex()) {
      throw new DTypeError(`indexAdd(): alpha ${alpha} is no integer but the tensor is ${self.dtype}`);
    }
    const plan = indexPlan('indexAdd', self, dim, index, source, false);
    return {
      inputs: [source],
      write: (target) => runScatter(target, plan, alpha === 1 ? source : source.mul(alpha).to(self.dtype), 'add'),
      record: (out) => record('indexAdd', [self, index, source], out, { dim: plan.dim, alpha }),
    };
  },
);

/** The slices that `index` names along a dimension replaced by those of `source`. */
export const indexCopy: PointwiseFunction<[dim: number, index: Tensor, source: Tensor]> = writingFunction(
  'indexCopy',
  (self: Tensor, dim: number, index: Tensor, source: Tensor): Writing => {
    const plan = indexPlan('indexCopy', self, dim, index, source, false);
    return {
      inputs: [source],
      write: (target) => runScatter(target, plan, source, 'assign'),
      record: (out) => record('indexCopy', [self, index, source], out, { dim: plan.dim }),
    };
  },
);

/** The slices that `index` names along a dimension filled with a number or a 0-d tensor. Negative indices count from the end. */
export const indexFill: PointwiseFunction<[dim: number, index: Tensor, value: Value | Tensor]> = writingFunction(
  'indexFill',
  (self: Tensor, dim: number, index: Tensor, value: Value | Tensor): Writing => {
    if (isTensor(value) && value.ndim > 0)
      throw new ShapeError(
        `indexFill(): the value must be a number or a 0-d tensor, got shape ${formatShape(value.shape)}`,
      );
    const plan = indexPlan('indexFill', self, dim, index, null, true);
    const source = isTensor(value) ? value.to(self.dtype) : value;
    if (!isTensor(source)) numberFor('indexFill', source, self.dtype);
    const spread = (x: Tensor): Tensor =>
      new Tensor(
        x.storage,
        x.dtype,
        plan.at.shape,
        plan.at.shape.map(() => 0),
        x.offset,
      );
    return {
      inputs: [isTensor(source) ? source : null],
      write: (target) => runScatter(target, plan, isTensor(source) ? spread(source) : source, 'assign'),
      record: (out) => record('indexFill', [self, index, isTensor(source) ? source : null], out, { dim: plan.dim }),
    };
  },
);

/** `scatterReduce` of whole slices, named by a vector index along a dimension. */
export const indexReduce: PointwiseFunction<
  [dim: number, index: Tensor, source: Tensor, reduce: ScatterReduction, options?: IncludeSelf]
> = (() => {
  const spread = (self: Tensor, dim: number, index: Tensor, source: Tensor, reduce: string): Tensor => {
    checkReduction('indexReduce', reduce);
    indexPlan('indexReduce', self, dim, index, source, false);
    return alongDim(asVector(index), asVector(source).shape, wrapDim('indexReduce', dim, self.ndim));
  };
  type Arguments = [dim: number, index: Tensor, source: Tensor, reduce: ScatterReduction, options?: IncludeSelf];
  const form =
    (apply: (self: Tensor, ...args: Arguments) => Tensor) =>
    (self: Tensor, ...[dim, index, source, reduce, options]: Arguments): Tensor =>
      apply(self, dim, spread(self, dim, index, source, reduce), source, reduce, options);
  return Object.assign(form(scatterReduce), { inplace: form(scatterReduce.inplace) });
})();

interface PutArguments {
  index: Tensor;
  source: Tensor;
  accumulate: boolean;
}
const putArguments = signature<PutArguments>('put', ['index', 'source', 'accumulate'], { accumulate: false });

/** Elements written at positions of the flattened tensor, which may count from the end; `accumulate` adds instead. */
export const put: PointwiseFunction<
  [index: Tensor, source: Tensor, accumulate?: boolean | { accumulate?: boolean | undefined }]
> = writingFunction('put', (self: Tensor, ...args: unknown[]): Writing => {
  const { index, source, accumulate } = putArguments(args);
  sameDevice('put', self, index);
  checkSource('put', self, source);
  if (index.elementCount !== source.elementCount) {
    throw new IndexError(`put(): ${index.elementCount} positions but ${source.elementCount} source elements`);
  }
  const positions = positionsOf('put', reshape(index, -1), 0, self.elementCount, { wrap: true, target: self });
  return {
    inputs: [source],
    write: (target) => {
      const values = reshape(apart(source, target), -1);
      // A target with gaps has no flat form: write into one that has and copy back.
      const flat = reshape(target, -1);
      backendFor(self.device).scatter(flat, 0, positions, values, accumulate ? 'add' : 'assign');
      if (flat.storage !== target.storage) target.copy_(flat.view(target.shape));
    },
    record: (out) => record('put', [self, index, source], out, { accumulate }),
  };
});
