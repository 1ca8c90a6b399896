/** @file Sums of products over dimensions of two tensors, for the ops that are made of them. */

import { signature } from './args.ts';
import { type DType, dtypeInfo } from './dtype.ts';
import { DTypeError, ShapeError } from './errors.ts';
import { shownAs } from './record.ts';
import { formatShape, wrapDim } from './shape.ts';
import type { Tensor } from './tensor.ts';
import type { ComplexValue } from './values.ts';

/** Sum of products over pairs of dimensions; the others follow one another, self's first. */
export function contract(a: Tensor, b: Tensor, dimsA: readonly number[], dimsB: readonly number[]): Tensor {
  const keptA = a.shape.map((_, d) => d).filter((d) => !dimsA.includes(d));
  const keptB = b.shape.map((_, d) => d).filter((d) => !dimsB.includes(d));
  const size = (x: Tensor, dims: readonly number[]): number => dims.reduce((n, d) => n * x.shape[d]!, 1);
  const rows = a.permute([...keptA, ...dimsA]).reshape([size(a, keptA), size(a, dimsA)]);
  const columns = b.permute([...dimsB, ...keptB]).reshape([size(b, dimsB), size(b, keptB)]);
  return rows.mm(columns).reshape([...keptA.map((d) => a.shape[d]!), ...keptB.map((d) => b.shape[d]!)]);
}

/** Cross product along a dimension of size 3; other dimensions broadcast. */
export function crossAlong(op: string, a: Tensor, b: Tensor, dim: number): Tensor {
  if (a.ndim !== b.ndim)
    throw new ShapeError(
      `${op}(): operands must have as many dimensions, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  const d = wrapDim(op, dim, a.ndim);
  if (a.shape[d] !== 3 || b.shape[d] !== 3) {
    throw new ShapeError(
      `${op}(): size must be 3 along dim ${dim}, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  }
  // a × b = (a₂b₃ − a₃b₂, …): both operands rolled by one and two places.
  const product = a
    .roll(-1, d)
    .mul(b.roll(-2, d))
    .sub(a.roll(-2, d).mul(b.roll(-1, d)));
  return shownAs('LinalgCrossBackward0', [a, b], product);
}

interface Factors {
  readonly beta: number | ComplexValue;
  readonly alpha: number | ComplexValue;
}

/** beta and alpha as numbers of a dtype: integers truncate them, as PyTorch does. */
export function addmmFactors(op: string, dtype: DType, options: object | undefined): Factors {
  if (options === undefined) return { beta: 1, alpha: 1 };
  const { beta, alpha } = parseFactors(op)([options]);
  const kind = dtypeInfo(dtype).kind;
  if (typeof beta === 'object' || typeof alpha === 'object') {
    if (kind === 'complex') return { beta, alpha };
    throw new DTypeError(`${op}(): ${dtype} tensors take no complex factors; convert them with .to('complex64')`);
  }
  if (kind === 'bool') return { beta: Number(beta !== 0), alpha: Number(alpha !== 0) };
  return kind === 'int' ? { beta: Math.trunc(beta), alpha: Math.trunc(alpha) } : { beta, alpha };
}

const parseFactors = (op: string): ((args: readonly unknown[]) => Factors) => signature(op, [], { beta: 1, alpha: 1 });
