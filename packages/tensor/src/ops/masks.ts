/** @file Choosing elements by their values: nonzero positions and boolean masks. */
import { checkOptions } from '../args.ts';
import { isFloating } from '../dtype.ts';
import { DeviceError, DTypeError, ShapeError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { type PointwiseFunction, pointwise, pointwiseFunction } from '../pointwise.ts';
import { sameDevice } from '../positions.ts';
import { record } from '../record.ts';
import { broadcastShapes, formatShape } from '../shape.ts';
import { backendFor } from '../state.ts';
import { isTensor, Tensor } from '../tensor.ts';
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

/** Row-major positions of nonzero elements as int32 [count, ndim]. */
function positions(op: string, self: Tensor): Tensor {
  const backend = backendFor(self.device);
  const find = backend.routines.nonzero;
  if (find === undefined) {
    throw new DeviceError(
      `${op}(): the size of the result depends on values, which device '${self.device}' only reads asynchronously; use \`await x.${op}Async()\``,
    );
  }
  const { data, count } = find(self);
  return new Tensor(backend.upload('int32', data), 'int32', [count, self.ndim]);
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
  if (!options.asTuple) return positions('nonzero', self);
  const x = self.ndim === 0 ? untracked(() => reshape(self, 1)) : self;
  return positions('nonzero', x).unbind(1);
}

/** `nonzero()` on every device. */
export async function nonzeroAsync(self: Tensor, options: { asTuple?: false | undefined } = {}): Promise<Tensor> {
  checkOptions('nonzeroAsync', options, ['asTuple']);
  return positions('nonzero', await self.detach().cpu()).to(self.device);
}

/** Same as `nonzero()`. */
export function argwhere(self: Tensor): Tensor {
  return positions('argwhere', self);
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
  return untracked(() => reshape(positions(op, reshape(expand(mask, shape), -1)), -1));
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

/** self with the elements where the mask is true replaced, in order, by those of `source`. */
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
        backendFor(target.device).scatter(flat, 0, at, values, 'assign');
        if (flat.storage !== target.storage) target.copy_(flat.view(target.shape));
      },
      record: (out) => record('maskedScatter', [self, expand(mask, self.shape), source], out, {}),
    };
  });
  const check = (self: Tensor, mask: Tensor, source: Tensor): void => {
    checkMask('maskedScatter', self, mask);
    if (source.dtype !== self.dtype) {
      throw new DTypeError(
        `maskedScatter(): the source is ${source.dtype} but the tensor ${self.dtype}; convert it with .to('${self.dtype}')`,
      );
    }
  };
  const call = (self: Tensor, mask: Tensor, source: Tensor): Tensor => {
    check(self, mask, source);
    return full(expand(self, broadcastShapes('maskedScatter', self.shape, mask.shape)), mask, source);
  };
  const inplace = (self: Tensor, mask: Tensor, source: Tensor): Tensor => {
    check(self, mask, source);
    return full.inplace(self, mask, source);
  };
  return Object.assign(call, { inplace });
})();
