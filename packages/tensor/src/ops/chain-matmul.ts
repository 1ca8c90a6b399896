/** @file The product of a chain of matrices under its older name. */
import { ShapeError } from '../errors.ts';
import { multiDot } from '../linalg/products.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** `linalg.multiDot` of matrices given one by one. @throws ShapeError for what is no matrix, and for sizes that do not fit. */
export function chainMatmul(...matrices: Tensor[]): Tensor {
  const other = matrices.find((x) => x.ndim !== 2);
  if (other !== undefined)
    throw new ShapeError(`chainMatmul(): all tensors must be matrices, got shape ${formatShape(other.shape)}`);
  return matrices.length === 1 ? matrices[0]! : multiDot(matrices);
}
