/** @file Giving a tensor another size in place. */
import { ShapeError } from './errors.ts';
import { copyValues } from './inplace.ts';
import { contiguousStrides, formatShape, numelOf } from './shape.ts';
import { backendFor } from './state.ts';
import { Tensor } from './tensor.ts';

/**
 * Lets `self` show its memory row-major as `shape`, or new memory where there is too little. Its history is up to the
 * caller. @throws ShapeError for a view that would have to grow.
 */
export function resizeMemory(op: string, self: Tensor, shape: readonly number[]): Tensor {
  const strides = contiguousStrides(shape);
  const available = self.storage.length - self.offset;
  const missing = numelOf(shape) - available;
  if (missing <= 0) {
    self.takeLayout(new Tensor(self.storage, self.dtype, shape, strides, self.offset));
    return self;
  }
  if (self.base !== null) {
    throw new ShapeError(
      `${op}(): this view's memory has ${available} elements, too few for ${formatShape(shape)}; clone() it first`,
    );
  }
  const grown = new Tensor(backendFor(self.device).allocate(self.dtype, available + missing), self.dtype, shape);
  if (available > 0) {
    const line = (storage: Tensor['storage'], offset: number) =>
      new Tensor(storage, self.dtype, [available], [1], offset);
    copyValues(line(grown.storage, 0), line(self.storage, self.offset));
  }
  self.data = grown;
  return self;
}
