/** @file Integrals by the trapezoidal rule, as functions: trapezoid, trapz, cumulativeTrapezoid. */
import { checkOptions, isPlainObject } from '../args.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { formatShape, wrapDim } from '../shape.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { diff } from './scan.ts';

export interface TrapezoidOptions {
  /** The places of the values: a vector, or as many as there are values. Default: places one apart. */
  x?: Tensor | undefined;
  /** The distance between places. Default 1. */
  dx?: number | undefined;
  /** Default: the last. */
  dim?: number | undefined;
}

type TrapezoidArguments = [options?: TrapezoidOptions] | [x: Tensor, options?: Omit<TrapezoidOptions, 'x'>];

/** The area of each trapezoid along a dimension, twice. @throws ShapeError, DTypeError, TypeError for both x and dx. */
function doubleAreas(op: string, y: Tensor, args: TrapezoidArguments): { areas: Tensor; dim: number } {
  const options: TrapezoidOptions = isTensor(args[0]) ? { x: args[0], ...args[1] } : (args[0] ?? {});
  if (!isPlainObject(options as unknown)) throw new TypeError(`${op}(): expected places as a tensor, or options`);
  checkOptions(op, options, ['x', 'dx', 'dim']);
  const { x, dx, dim: asked = -1 } = options;
  if (x !== undefined && dx !== undefined) throw new TypeError(`${op}(): give x or dx, not both`);
  if (y.dtype === 'bool') throw new DTypeError(`${op}(): not defined for bool; convert with .to('float32')`);
  if (y.ndim === 0) throw new ShapeError(`${op}(): needs values along a dimension, got a 0-d tensor`);
  const dim = wrapDim(op, asked, y.ndim);
  const count = Math.max(y.shape[dim]! - 1, 0);
  const sums = y.narrow(dim, Math.min(1, y.shape[dim]!), count).add(y.narrow(dim, 0, count));
  return { areas: sums.mul(x === undefined ? (dx ?? 1) : distances(op, x, y, dim)), dim };
}

/** The distances between places, in the shape of the values. */
function distances(op: string, x: Tensor, y: Tensor, dim: number): Tensor {
  if (x.ndim === 0) throw new ShapeError(`${op}(): the places must be a tensor of at least one dimension`);
  if (x.ndim > 1) return diff(x, { dim: dim - y.ndim });
  if (x.shape[0] !== y.shape[dim])
    throw new ShapeError(`${op}(): ${x.shape[0]} places for values of shape ${formatShape(y.shape)} along dim ${dim}`);
  return diff(x).view(y.shape.map((_, d) => (d === dim ? -1 : 1)));
}

/**
 * The integral along a dimension by the trapezoidal rule.
 *
 * ```ts
 * trapezoid(tensor([1, 2, 3])); // tensor(4.)
 * trapezoid(tensor([1, 2, 3]), tensor([0, 2, 4])); // tensor(8.)
 * ```
 * @throws ShapeError where places and values do not fit, DTypeError for bools.
 */
export function trapezoid(y: Tensor, ...args: TrapezoidArguments): Tensor {
  const { areas, dim } = doubleAreas('trapezoid', y, args);
  return areas.sum(dim).div(2);
}
export const trapz = trapezoid;

/** The integrals up to each place but the first: see {@link trapezoid}. */
export function cumulativeTrapezoid(y: Tensor, ...args: TrapezoidArguments): Tensor {
  const { areas, dim } = doubleAreas('cumulativeTrapezoid', y, args);
  return areas.cumsum(dim).div(2);
}
