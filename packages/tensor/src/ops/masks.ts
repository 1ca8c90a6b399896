/** @file Choosing elements by their values: nonzero positions and boolean masks. */
import { checkOptions } from '../args.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { findsPositions, scatterByRank } from '../indexing/masked.ts';
import { positionsOfNonzero } from '../indexing/nonzero.ts';
import { overwrite } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { type PointwiseFunction, pointwise, pointwiseFunction } from '../pointwise.ts';
import { sameDevice } from '../positions.ts';
import { record } from '../record.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { backendFor } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';
import { apart, type Writing, writingFunction } from '../writing.ts';
import { copyOf } from './copy.ts';
import { indexSelect } from './gather.ts';
import { expand, reshape } from './views.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. The mask is an input too. */
export interface MaskOps {
  maskedSelect: object;
  maskedScatter: object;
}

function checkMask(op: string, self: Tensor, mask: Tensor): void {
  sameDevice(op, self, mask);
  if (mask.dtype !== 'bool')
    throw new DTypeError(`${op}(): the mask must be bool, got ${mask.dtype}; compare it, e.g. with .ne(0)`);
}

export interface NonzeroOptions {
  /** One vector of positions for each dimension instead of a matrix: what `at(...)` takes as index. */
  asTuple?: boolean | undefined;
}

/**
 * Positions of the nonzero elements, row-major, as int32 [count, ndim].
 *
 * ```ts
 * tensor([[0, 1], [2, 0]]).nonzero().toArraySync(); // [[0, 1], [1, 0]]
 * ```
 * @throws DeviceError where values are only read asynchronously: `await x.nonzeroAsync()`.
 */
export function nonzero(self: Tensor, options: { asTuple: true }): Tensor[];
export function nonzero(self: Tensor, options?: { asTuple?: false | undefined }): Tensor;
export function nonzero(self: Tensor, options: NonzeroOptions = {}): Tensor | Tensor[] {
  checkOptions('nonzero', options, ['asTuple']);
  if (!options.asTuple) return positionsOfNonzero('nonzero', self);
  const x = self.ndim === 0 ? untracked(() => reshape(self, 1)) : self;
  return positionsOfNonzero('nonzero', x).unbind(1);
}

/** `nonzero()` on every device. */
export function nonzeroAsync(self: Tensor, options: { asTuple: true }): Promise<Tensor[]>;
export function nonzeroAsync(self: Tensor, options?: { asTuple?: false | undefined }): Promise<Tensor>;
export async function nonzeroAsync(self: Tensor, options: NonzeroOptions = {}): Promise<Tensor | Tensor[]> {
  checkOptions('nonzeroAsync', options, ['asTuple']);
  const x = options.asTuple && self.ndim === 0 ? untracked(() => reshape(self, 1)) : self;
  const found = positionsOfNonzero('nonzero', await x.detach().cpu()).to(self.device);
  return options.asTuple ? found.unbind(1) : found;
}

/** Same as `nonzero()`. */
export function argwhere(self: Tensor): Tensor {
  return positionsOfNonzero('argwhere', self);
}

/** `argwhere()` on every device. */
export async function argwhereAsync(self: Tensor): Promise<Tensor> {
  return nonzeroAsync(self);
}

const maskedFillScalar = pointwise(3, (x, mask, value) => mask.where(value, x), {
  name: 'maskedFill',
  promotion: 'promote',
  conditions: [1],
  parameters: 1,
  derivative: (grad, [, mask]) => [mask!.where(0, grad), null, mask!.where(grad, 0)],
});
const maskedFillTensor = { ...maskedFillScalar, node: 'MaskedFillBackward1' };

/**
 * self with `value`, a number or a 0-d tensor, where the mask is true. `x.maskedFill_(…)` in place.
 *
 * ```ts
 * scores.maskedFill(mask, -Infinity);
 * ```
 * @throws DTypeError when the mask is not bool, or self is an integer tensor and the value no integer.
 */
export const maskedFill: PointwiseFunction<[mask: Tensor, value: Value | Tensor]> = pointwiseFunction(
  (self: Tensor, mask: Tensor, value: Value | Tensor) => {
    checkMask('maskedFill', self, mask);
    if (isTensor(value)) {
      if (value.ndim > 0)
        throw new ShapeError(
          `maskedFill(): the value must be a number or a 0-d tensor, got shape ${formatShape(value.shape)}`,
        );
      if (isFloating(value.dtype) && !isFloating(self.dtype) && !self.isComplex()) throw fractional(self, value.dtype);
      return [maskedFillTensor, [self, mask, value]];
    }
    if (typeof value === 'number' && !Number.isInteger(value) && !isFloating(self.dtype) && !self.isComplex())
      throw fractional(self, String(value));
    return [maskedFillScalar, [self, mask, value]];
  },
);

function fractional(self: Tensor, value: string): DTypeError {
  return new DTypeError(
    `maskedFill(): a value of ${value} does not fit a tensor of dtype ${self.dtype}; convert one of them`,
  );
}

/** Positions of a mask's true elements in the flattened tensor of `shape`, as a vector. */
function flatPositions(op: string, mask: Tensor, shape: readonly number[]): Tensor {
  return untracked(() => reshape(positionsOfNonzero(op, reshape(expand(mask, shape), -1)), -1));
}

/**
 * The elements where the mask, broadcast against self, is true: a vector.
 * @throws DeviceError where values are only read asynchronously: `await x.maskedSelectAsync(mask)`.
 */
export function maskedSelect(self: Tensor, mask: Tensor): Tensor {
  checkMask('maskedSelect', self, mask);
  const shape = broadcastShapes('maskedSelect', self.shape, mask.shape);
  return selectedAt(self, mask, flatPositions('maskedSelect', mask, shape), shape);
}

function selectedAt(self: Tensor, mask: Tensor, at: Tensor, shape: readonly number[]): Tensor {
  const x = expand(self, shape);
  const out = untracked(() => indexSelect(reshape(x, -1), 0, at));
  return record('maskedSelect', [x, expand(mask, shape)], out, {});
}

/** `maskedSelect(mask)` on every device. */
export async function maskedSelectAsync(self: Tensor, mask: Tensor): Promise<Tensor> {
  checkMask('maskedSelectAsync', self, mask);
  const shape = broadcastShapes('maskedSelectAsync', self.shape, mask.shape);
  const at = await nonzeroAsync(reshape(expand(mask, shape), -1));
  return selectedAt(self, mask, reshape(at, -1), shape);
}

/**
 * self with the elements where the mask is true replaced, in order, by those of `source`.
 * @throws ShapeError when the source has fewer elements than the mask is true. Where values are only read asynchronously
 *   that goes unnoticed: the last element of the source is taken then.
 */
export const maskedScatter: PointwiseFunction<[mask: Tensor, source: Tensor]> = (() => {
  const full = writingFunction('maskedScatter', (self: Tensor, mask: Tensor, source: Tensor): Writing => {
    const at = flatPositions('maskedScatter', mask, self.shape);
    if (source.elementCount < at.elementCount) {
      throw new ShapeError(
        `maskedScatter(): the mask is true at ${at.elementCount} places but the source has ${source.elementCount} elements`,
      );
    }
    return {
      inputs: [source],
      write: (target) => {
        const values = reshape(apart(source, target), -1).narrow(0, 0, at.elementCount);
        const flat = target.isContiguous() ? target.view(-1) : reshape(copyOf(target), -1);
        backendFor(target.device).scatter(flat, 0, { view: at, bound: null }, values, 'assign');
        if (flat.storage !== target.storage) target.copy_(flat.view(target.shape));
      },
      record: (out) => record('maskedScatter', [self, expand(mask, self.shape), source], out, {}),
    };
  });
  const check = (self: Tensor, mask: Tensor, source: Tensor): void => {
    checkMask('maskedScatter', self, mask);
    sameDevice('maskedScatter', self, source);
    if (source.dtype !== self.dtype) {
      throw new DTypeError(
        `maskedScatter(): the source is ${source.dtype} but the tensor ${self.dtype}; convert it with .to('${self.dtype}')`,
      );
    }
  };
  const call = (self: Tensor, mask: Tensor, source: Tensor): Tensor => {
    check(self, mask, source);
    const target = expand(self, broadcastShapes('maskedScatter', self.shape, mask.shape));
    return findsPositions(self)
      ? full(target, mask, source)
      : scatterByRank(target, expand(mask, target.shape), source);
  };
  const inplace = (self: Tensor, mask: Tensor, source: Tensor): Tensor => {
    check(self, mask, source);
    if (findsPositions(self)) return full.inplace(self, mask, source);
    return overwrite('maskedScatter_', self, () => scatterByRank(self, expand(mask, self.shape), source));
  };
  return Object.assign(call, { inplace });
})();
