/** @file Products of vectors and of chains of matrices. */
import { signature, type Trailing } from '../args.ts';
import { crossAlong } from '../contraction.ts';
import { ShapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

type DimArguments = Trailing<[dim: number], { dim?: number | undefined }>;
const parseCross = signature<{ dim: number }>('linalg.cross', ['dim'], { dim: -1 });
const parseVecdot = signature<{ dim: number }>('linalg.vecdot', ['dim'], { dim: -1 });

/** Cross product of vectors of three along `dim` (the last); other dimensions broadcast. */
export function cross(input: Tensor, other: Tensor, ...args: DimArguments): Tensor {
  return crossAlong('linalg.cross', input, other, parseCross(args).dim);
}

/** Scalar products of the vectors along `dim` (the last), x conjugated; other dimensions broadcast. */
export function vecdot(x: Tensor, y: Tensor, ...args: DimArguments): Tensor {
  return x.conj().mul(y).sum(parseVecdot(args).dim);
}

/** The best place to split each stretch of the chain, and its cost: dynamic programming over multiplications. */
function splits(sizes: readonly number[]): number[][] {
  const n = sizes.length - 1;
  const cost = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  const split = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  for (let length = 2; length <= n; length++) {
    for (let i = 0; i + length <= n; i++) {
      const j = i + length - 1;
      cost[i]![j] = Number.POSITIVE_INFINITY;
      for (let k = i; k < j; k++) {
        const total = cost[i]![k]! + cost[k + 1]![j]! + sizes[i]! * sizes[k + 1]! * sizes[j + 1]!;
        if (total < cost[i]![j]!) [cost[i]![j], split[i]![j]] = [total, k];
      }
    }
  }
  return split;
}

/**
 * The product of a chain of matrices, in the order of multiplications that costs least. The first and last may be vectors.
 *
 * ```ts
 * linalg.multiDot([zeros(10, 100), zeros(100, 5), zeros(5, 50)]).shape; // [10, 50]
 * ```
 * @throws ShapeError when sizes do not fit or there are fewer than two.
 */
export function multiDot(tensors: readonly Tensor[]): Tensor {
  const n = tensors.length;
  if (n < 2) throw new ShapeError(`linalg.multiDot(): it needs at least two tensors, got ${n}`);
  const matrices = tensors.map((x, i) => {
    if (x.ndim === 1 && i === 0) return x.unsqueeze(0);
    if (x.ndim === 1 && i === n - 1) return x.unsqueeze(1);
    if (x.ndim !== 2) throw new ShapeError(`linalg.multiDot(): tensor ${i} must be 2-d, got ${formatShape(x.shape)}`);
    return x;
  });
  matrices.slice(1).forEach((x, i) => {
    if (matrices[i]!.shape[1] !== x.shape[0])
      throw new ShapeError(
        `linalg.multiDot(): shapes ${formatShape(matrices[i]!.shape)} and ${formatShape(x.shape)} cannot be multiplied`,
      );
  });
  const split = splits([matrices[0]!.shape[0]!, ...matrices.map((x) => x.shape[1]!)]);
  const product = (i: number, j: number): Tensor =>
    i === j ? matrices[i]! : product(i, split[i]![j]!).mm(product(split[i]![j]! + 1, j));
  let out = product(0, n - 1);
  if (tensors[0]!.ndim === 1) out = out.squeeze(0);
  return tensors[n - 1]!.ndim === 1 ? out.squeeze(-1) : out;
}
