/** @file Numerical integrals and derivatives of samples, which PyTorch has as functions only. */
import { signature, type Trailing } from '../args.ts';
import { DTypeError, IndexError, ShapeError } from '../errors.ts';
import { formatShape, wrapDim } from '../shape.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { cat } from './join.ts';

export interface TrapezoidOptions {
  /** The places of the samples. */
  x?: Tensor | null | undefined;
  /** Or their distance. Default 1. */
  dx?: number | undefined;
  /** Default: the last. */
  dim?: number | undefined;
}

type TrapezoidArguments = Trailing<[x: Tensor | null], TrapezoidOptions>;

interface Panels {
  readonly dim: number;
  /** The sums of neighbours, times their distance. */
  readonly doubled: Tensor;
}

function trapezoidParser(op: string): (y: Tensor, args: readonly unknown[]) => Panels {
  const parse = signature<{ x: Tensor | null; dx: number; dim: number }>(op, ['x'], { x: null, dx: 1, dim: -1 });
  return (y, args) => {
    const { x, dx, dim: asked } = parse(args);
    if (y.dtype === 'bool' || x?.dtype === 'bool')
      throw new DTypeError(`${op}(): not defined for bool; convert with .to('float32')`);
    const dim = wrapDim(op, asked, y.ndim);
    const count = y.shape[dim] ?? 0;
    if (count === 0) return { dim, doubled: y.mul(1.0).to(y.isFloatingPoint() ? y.dtype : 'float32') };
    const sums = y.narrow(dim, 0, count - 1).add(y.narrow(dim, 1, count - 1));
    return { dim, doubled: sums.mul(x === null ? dx : distances(op, x, y, dim)) };
  };
}

/** The distances of neighbouring places, shaped to be broadcast against the samples' panels. */
function distances(op: string, x: Tensor, y: Tensor, dim: number): Tensor {
  if (x.ndim === 1) {
    if (x.shape[0] !== y.shape[dim]) {
      throw new ShapeError(
        `${op}(): ${x.shape[0]} places do not fit ${y.shape[dim]} samples in dimension ${dim} of ${formatShape(y.shape)}`,
      );
    }
    return x.diff().reshape(y.shape.map((_, d) => (d === dim ? -1 : 1)));
  }
  const padded = x.ndim < y.ndim ? x.reshape([...Array(y.ndim - x.ndim).fill(1), ...x.shape]) : x;
  return padded.diff({ dim });
}

const parseTrapezoid = trapezoidParser('trapezoid');
const parseCumulative = trapezoidParser('cumulativeTrapezoid');

/**
 * The integral of samples along a dimension by the trapezoidal rule, at places `x` (1-d, or of y's shape) or at distance
 * `dx`.
 *
 * ```ts
 * trapezoid(tensor([1, 5, 10])); // tensor(10.5000)
 * trapezoid(tensor([1, 5, 10]), tensor([1, 3, 6])); // tensor(28.5000)
 * ```
 * @throws ShapeError when the places do not fit the samples, DTypeError for bool.
 */
export function trapezoid(y: Tensor, ...args: TrapezoidArguments): Tensor {
  const { doubled, dim } = parseTrapezoid(y, args);
  return doubled.sum(dim).div(2);
}

/** Same as {@link trapezoid}. */
export function trapz(y: Tensor, ...args: TrapezoidArguments): Tensor {
  return trapezoid(y, ...args);
}

/**
 * The integrals up to each sample but the first: see {@link trapezoid}.
 *
 * ```ts
 * cumulativeTrapezoid(tensor([1, 5, 10])); // tensor([ 3.0000, 10.5000])
 * ```
 */
export function cumulativeTrapezoid(y: Tensor, ...args: TrapezoidArguments): Tensor {
  const { doubled, dim } = parseCumulative(y, args);
  return doubled.div(2).cumsum(dim);
}

export interface GradientOptions {
  /** The distance of samples, for all dimensions or each, or the places (1-d tensors) for each. Default 1. */
  spacing?: number | readonly (number | Tensor)[] | null | undefined;
  /** Default: all. */
  dim?: number | readonly number[] | null | undefined;
  /** Order of the error at the ends: 1 or 2. */
  edgeOrder?: 1 | 2 | undefined;
}

const parseGradient = signature<{
  spacing: number | readonly (number | Tensor)[] | null;
  dim: number | readonly number[] | null;
  edgeOrder: number;
}>('gradient', [], { spacing: null, dim: null, edgeOrder: 1 });

/**
 * Derivatives of samples along each of some dimensions, by central differences of second order, at the ends by one-sided
 * ones of order `edgeOrder`.
 *
 * ```ts
 * gradient(tensor([1, 2, 4, 7]), { spacing: 1 }); // [tensor([1.0000, 1.5000, 2.5000, 3.0000])]
 * ```
 * @throws ShapeError for dimensions of fewer than edgeOrder + 1 samples or spacings that do not fit.
 */
export function gradient(input: Tensor, ...args: Trailing<[], GradientOptions>): Tensor[] {
  const { spacing, dim, edgeOrder } = parseGradient(args);
  if (edgeOrder !== 1 && edgeOrder !== 2)
    throw new RangeError(`gradient(): edgeOrder must be 1 or 2, got ${edgeOrder}`);
  const asked = dim === null ? input.shape.map((_, d) => d) : typeof dim === 'number' ? [dim] : dim;
  const dims = asked.map((d) => wrapDim('gradient', d, input.ndim));
  if (new Set(dims).size < dims.length) throw new IndexError(`gradient(): a dimension occurs twice in [${asked}]`);
  if (Array.isArray(spacing) && spacing.length !== dims.length) {
    throw new ShapeError(`gradient(): ${spacing.length} spacings do not fit ${dims.length} dimensions`);
  }
  const each = dims.map((_, i) => (typeof spacing === 'object' && spacing !== null ? spacing[i]! : (spacing ?? 1)));
  for (const [i, d] of dims.entries()) checkSamples(input, d, each[i]!, edgeOrder);
  return dims.map((d, i) => along(input, d, each[i]!, edgeOrder));
}

function checkSamples(input: Tensor, dim: number, spacing: number | Tensor, edgeOrder: number): void {
  const count = input.shape[dim]!;
  if (count <= edgeOrder) {
    throw new ShapeError(
      `gradient(): dimension ${dim} of ${formatShape(input.shape)} needs at least ${edgeOrder + 1} samples for edgeOrder ${edgeOrder}`,
    );
  }
  if (isTensor(spacing) && (spacing.ndim !== 1 || spacing.shape[0] !== count)) {
    throw new ShapeError(
      `gradient(): places of shape ${formatShape(spacing.shape)} do not fit ${count} samples in dimension ${dim}`,
    );
  }
}

type Weight = number | Tensor;

/** Σ weights · pieces of neighbouring samples. */
const combination = (pieces: readonly Tensor[], weights: readonly Weight[]): Tensor =>
  pieces.map((piece, i) => piece.mul(weights[i]!)).reduce((sum, term) => sum.add(term));

function along(input: Tensor, dim: number, spacing: number | Tensor, edgeOrder: 1 | 2): Tensor {
  const count = input.shape[dim]!;
  const piece = (start: number, length = 1): Tensor => input.narrow(dim, start, length);
  const shape = input.shape.map((_, d) => (d === dim ? -1 : 1));
  const steps = isTensor(spacing) ? spacing.diff().reshape(shape) : null;
  const step = (start: number, length = 1): Weight =>
    steps === null ? (spacing as number) : steps.narrow(dim, start, length);
  const parts: Tensor[] = [];
  if (edgeOrder === 1) parts.push(piece(1).sub(piece(0)).div(step(0)));
  else
    parts.push(
      combination(
        [0, 1, 2].map((i) => piece(i)),
        startWeights(step(0), step(1)),
      ),
    );
  if (count > 2) {
    const inner = [0, 1, 2].map((i) => piece(i, count - 2));
    parts.push(
      steps === null
        ? inner[2]!.sub(inner[0]!).div(2 * (spacing as number))
        : combination(inner, innerWeights(step(0, count - 2), step(1, count - 2))),
    );
  }
  if (edgeOrder === 1)
    parts.push(
      piece(count - 1)
        .sub(piece(count - 2))
        .div(step(count - 2)),
    );
  else {
    const last = [count - 1, count - 2, count - 3].map((i) => piece(i));
    // The same formula in the mirror.
    parts.push(combination(last, startWeights(step(count - 2), step(count - 3))).neg());
  }
  return cat(parts, dim);
}

const plus = (a: Weight, b: Weight): Weight => (isTensor(a) ? a.add(b) : isTensor(b) ? b.add(a) : a + b);
const times = (a: Weight, b: Weight): Weight => (isTensor(a) ? a.mul(b) : isTensor(b) ? b.mul(a) : a * b);
const over = (a: Weight, b: Weight): Weight => (isTensor(a) ? a.div(b) : isTensor(b) ? b.reciprocal().mul(a) : a / b);

/** The slope at the first of three places at distances a and b, of the parabola through their values. */
function startWeights(a: Weight, b: Weight): Weight[] {
  const both = plus(a, b);
  return [
    times(over(plus(times(a, 2), b), times(a, both)), -1),
    over(both, times(a, b)),
    times(over(a, times(b, both)), -1),
  ];
}

/** The slope at the middle one. */
function innerWeights(a: Weight, b: Weight): Weight[] {
  const both = plus(a, b);
  return [times(over(b, times(a, both)), -1), over(plus(b, times(a, -1)), times(a, b)), over(a, times(b, both))];
}
