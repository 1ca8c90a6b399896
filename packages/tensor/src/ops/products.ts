/** @file Products that are compositions: inner, kron, cross. */
import { signature, type Trailing } from '../args.ts';
import { contract, crossAlong } from '../contraction.ts';
import { ShapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** Sums of products over the last dimensions of both: [..., K] and [..., K]. 0-d tensors multiply. */
export function inner(self: Tensor, other: Tensor): Tensor {
  if (self.ndim === 0 || other.ndim === 0) return self.mul(other);
  if (self.shape.at(-1) !== other.shape.at(-1)) {
    throw new ShapeError(`inner(): last sizes of ${formatShape(self.shape)} and ${formatShape(other.shape)} differ`);
  }
  return contract(self, other, [self.ndim - 1], [other.ndim - 1]);
}

/** Kronecker product: every element of self times all of other. */
export function kron(self: Tensor, other: Tensor): Tensor {
  const ndim = Math.max(self.ndim, other.ndim);
  const [a, b] = [self, other].map((x) => [...new Array<number>(ndim - x.ndim).fill(1), ...x.shape]) as [
    number[],
    number[],
  ];
  const spread = self.reshape(a.flatMap((size) => [size, 1]));
  const repeated = other.reshape(b.flatMap((size) => [1, size]));
  return spread.mul(repeated).reshape(a.map((size, d) => size * b[d]!));
}

const parseCross = signature<{ dim: number | null }>('cross', ['dim'], { dim: null });

/** Cross product of vectors of three along `dim`; by default the first dimension of size 3. */
export function cross(
  self: Tensor,
  other: Tensor,
  ...args: Trailing<[dim: number | null], { dim?: number | null | undefined }>
): Tensor {
  const { dim } = parseCross(args);
  const found = dim ?? self.shape.findIndex((size, d) => size === 3 && other.shape[d] === 3);
  if (found === -1 && dim === null)
    throw new ShapeError(
      `cross(): no dimension of size 3 in ${formatShape(self.shape)} and ${formatShape(other.shape)}`,
    );
  return crossAlong('cross', self, other, found);
}
