/**
 * @file Random numbers in place, and draws whose probabilities are a tensor's values. The numbers are PyTorch's for the
 * same seed. Elements are filled in the order in which they lie in memory. Gradients end at random numbers.
 */
import { isPlainObject, signature, type Trailing } from '../args.ts';
import type { Distribution } from '../backend.ts';
import { type DType, isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { intoOut, overwrite } from '../inplace.ts';
import { untracked } from '../modes.ts';
import {
  checkNotComplex,
  checkRealNumbers,
  draw,
  emptyPreserving,
  type GeneratorOption,
  integerDistribution,
  normalDistribution,
  overwriteRandomly,
  valuesNow,
} from '../random/draw.ts';
import type { Generator } from '../random/generator.ts';
import { multinomial as drawIndices } from '../random/multinomial.ts';
import { defaultGenerator } from '../random/seeding.ts';
import { record } from '../record.ts';
import { broadcastShapes, formatShape, sameShape } from '../shape.ts';
import { backendFor } from '../state.ts';
import { isTensor, Tensor } from '../tensor.ts';
import type { OutOption } from './make.ts';

/** An in-place method: `x.f_(...args)`. */
type Filling<Args extends unknown[]> = (self: Tensor, ...args: Args) => Tensor;

/** Makes an in-place method whose arguments are the numbers that `names` lists in order, and then options. */
function filling<Name extends string, Args extends unknown[]>(
  op: string,
  node: string,
  names: readonly Name[],
  defaults: { readonly [K in Name]?: number },
  distribution: (numbers: Record<Name, number>, dtype: DType) => Distribution,
): Filling<Args> {
  type Options = Record<Name, number> & { generator: Generator | null };
  const parse = signature<Options>(op, names, { ...defaults, generator: null } as Partial<Options>);
  return (self, ...args) => {
    const options = parse(args);
    return overwriteRandomly(op, node, self, distribution(options, self.dtype), options.generator);
  };
}

interface UniformOptions extends GeneratorOption {
  from?: number | undefined;
  to?: number | undefined;
}

/** Uniform numbers in [from, to), by default [0, 1). @throws DTypeError for integers, RangeError for from > to. */
export const uniform_: Filling<Trailing<[from: number, to: number], UniformOptions>> = filling(
  'uniform_',
  'UniformBackward0',
  ['from', 'to'],
  { from: 0, to: 1 },
  ({ from, to }, dtype) => {
    checkRealNumbers('uniform_', dtype, true);
    return { kind: 'uniform', from, to };
  },
);

interface NormalOptions extends GeneratorOption {
  mean?: number | undefined;
  std?: number | undefined;
}

/** Normal numbers, by default of mean 0 and standard deviation 1. @throws DTypeError for integers, RangeError for std < 0. */
export const normal_: Filling<Trailing<[mean: number, std: number], NormalOptions>> = filling(
  'normal_',
  'NormalBackward0',
  ['mean', 'std'],
  { mean: 0, std: 1 },
  ({ mean, std }, dtype) => {
    checkRealNumbers('normal_', dtype, true);
    return normalDistribution(dtype, mean, std);
  },
);

/** Exponentials of normal numbers whose mean and standard deviation are given (1 and 2). @throws RangeError for std ≤ 0. */
export const logNormal_: Filling<Trailing<[mean: number, std: number], NormalOptions>> = filling(
  'logNormal_',
  'LogNormalBackward0',
  ['mean', 'std'],
  { mean: 1, std: 2 },
  ({ mean, std }, dtype) => {
    checkRealNumbers('logNormal_', dtype);
    return { kind: 'logNormal', mean, std };
  },
);

interface CauchyOptions extends GeneratorOption {
  median?: number | undefined;
  sigma?: number | undefined;
}

/** Numbers of density sigma / (π ((x − median)² + sigma²)), by default 0 and 1. @throws RangeError for sigma ≤ 0. */
export const cauchy_: Filling<Trailing<[median: number, sigma: number], CauchyOptions>> = filling(
  'cauchy_',
  'CauchyBackward0',
  ['median', 'sigma'],
  { median: 0, sigma: 1 },
  ({ median, sigma }, dtype) => {
    checkRealNumbers('cauchy_', dtype);
    return { kind: 'cauchy', median, sigma };
  },
);

interface ExponentialOptions extends GeneratorOption {
  lambd?: number | undefined;
}

/** Numbers of density lambd · exp(−lambd · x) for x > 0. @throws RangeError for lambd < 0. */
export const exponential_: Filling<Trailing<[lambd: number], ExponentialOptions>> = filling(
  'exponential_',
  'ExponentialBackward0',
  ['lambd'],
  { lambd: 1 },
  ({ lambd }, dtype) => {
    checkRealNumbers('exponential_', dtype);
    return { kind: 'exponential', lambd };
  },
);

/** How many trials it takes to succeed once, each with probability `p` in (0, 1). Of any dtype but bool and complex. */
export const geometric_: Filling<[p: number, options?: GeneratorOption]> = filling(
  'geometric_',
  'GeometricBackward0',
  ['p'],
  {},
  ({ p }, dtype) => {
    checkNotComplex('geometric_', dtype);
    if (dtype === 'bool')
      throw new DTypeError("geometric_(): bool does not hold counts; use an integer dtype, e.g. { dtype: 'int32' }");
    return { kind: 'geometric', p };
  },
);

type Bound = number | bigint;

interface RandomRange extends GeneratorOption {
  from?: Bound | undefined;
  to?: Bound | null | undefined;
}

const parseRandom = signature<{ from: Bound; to: Bound | null; generator: Generator | null }>(
  'random_',
  ['from', 'to'],
  {
    from: 0,
    to: null,
    generator: null,
  },
);

/**
 * Integers: `random_()` from 0 to the largest that the dtype holds (a floating one: up to which it holds all),
 * `random_(to)` from 0 to before `to`, `random_(from, to)`.
 *
 * @throws RangeError for an empty range or one that the dtype does not hold.
 */
export function random_(
  self: Tensor,
  ...args: [to: Bound, options?: GeneratorOption] | Trailing<[from: Bound, to: Bound | null], RandomRange>
): Tensor {
  const last = args[args.length - 1];
  const options = isPlainObject(last) ? (last as RandomRange) : {};
  const single = args.length - (isPlainObject(last) ? 1 : 0) === 1 && options.to === undefined;
  const { from, to, generator } = parseRandom(single ? [undefined, ...args] : args);
  checkNotComplex('random_', self.dtype);
  const all = from === 0 && to === null;
  const distribution: Distribution = all ? { kind: 'random' } : integerDistribution('random_', self.dtype, from, to);
  const node = all ? 'RandomBackward2' : single ? 'RandomBackward1' : 'RandomBackward0';
  return overwriteRandomly('random_', node, self, distribution, generator);
}

interface ProbabilityOptions extends GeneratorOption {
  p?: number | Tensor | undefined;
}

const parseBernoulli_ = signature<{ p: number | Tensor; generator: Generator | null }>('bernoulli_', ['p'], {
  p: 0.5,
  generator: null,
});

/**
 * 1 with probability `p`, else 0; `p` is a number (0.5) or a tensor that broadcasts to self's shape.
 *
 * @throws RangeError for probabilities outside [0, 1], DTypeError for complex dtypes.
 */
export function bernoulli_(self: Tensor, ...args: Trailing<[p: number | Tensor], ProbabilityOptions>): Tensor {
  const { p, generator } = parseBernoulli_(args);
  checkNotComplex('bernoulli_', self.dtype);
  if (!isTensor(p))
    return overwriteRandomly('bernoulli_', 'BernoulliBackward2', self, { kind: 'bernoulli', p }, generator);
  if (!sameShape(broadcastShapes('bernoulli_', self.shape, p.shape), self.shape)) {
    throw new ShapeError(
      `bernoulli_(): probabilities of shape ${formatShape(p.shape)} do not broadcast to ${formatShape(self.shape)}`,
    );
  }
  return overwrite('bernoulli_', self, () => {
    const drawn = drawEach('bernoulli_', self, p, generator).to(self.dtype);
    return record('random', [self, p], drawn, { node: 'BernoulliBackward1' });
  });
}

/** Bools that are true with probability `p`, drawn in the order of self's elements in memory. */
function drawEach(op: string, self: Tensor, p: Tensor, generator: Generator | null): Tensor {
  checkRealNumbers(op, p.dtype);
  for (const value of backendFor(p.device).readSync === null ? [] : valuesNow(op, p)) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${op}(): expected probabilities in [0, 1], got ${value}`);
  }
  // Probabilities narrower than float32 are compared with float32 numbers too, as PyTorch does.
  const numbers = emptyPreserving(self, p.dtype === 'float64' ? 'float64' : 'float32');
  draw(numbers, { kind: 'uniform', from: 0, to: 1 }, generator);
  return untracked(() => numbers.lt(p));
}

const parseBernoulli = signature<{ p: number | null; generator: Generator | null; out: Tensor | undefined }>(
  'bernoulli',
  ['p'],
  {
    p: null,
    generator: null,
    out: undefined,
  },
);

/**
 * A tensor that is 1 with the probability that self's value at that place is, else 0. With a number `p` that is the
 * probability everywhere, and self decides shape and dtype only.
 *
 * ```ts
 * tensor([0, 1, 1, 0]).bernoulli(); // tensor([0., 1., 1., 0.])
 * ```
 * @throws RangeError for probabilities outside [0, 1].
 */
export function bernoulli(
  self: Tensor,
  ...args: Trailing<[p: number], GeneratorOption & OutOption & { p?: number | undefined }>
): Tensor {
  const { p, generator, out } = parseBernoulli(args);
  checkNotComplex('bernoulli', self.dtype);
  return intoOut('bernoulli', out, [self], () => {
    if (p !== null) return draw(fresh(self), { kind: 'bernoulli', p }, generator);
    const drawn = drawEach('bernoulli', fresh(self), self, generator).to(self.dtype);
    return record('random', [self], drawn, { node: 'BernoulliBackward0' });
  });
}

/** Row-major memory of self's shape and dtype. */
const fresh = (self: Tensor): Tensor =>
  new Tensor(backendFor(self.device).allocate(self.dtype, self.elementCount), self.dtype, self.shape);

const parseMultinomial = signature<{ replacement: boolean; generator: Generator | null; out: Tensor | undefined }>(
  'multinomial',
  ['replacement'],
  { replacement: false, generator: null, out: undefined },
);

/**
 * Indices (int32) drawn with probabilities proportional to self's values: `numSamples` of them, or a row of as many for
 * each row. Without replacement no index comes twice.
 *
 * ```ts
 * tensor([0, 10, 3, 0]).multinomial(2); // tensor([1, 2], dtype=torch.int32) or tensor([2, 1], dtype=torch.int32)
 * ```
 * @param self [categories] or [rows, categories], finite weights of at least 0
 * @throws RangeError for other weights, a row of zeros, or more samples than categories without replacement.
 */
export function multinomial(
  self: Tensor,
  numSamples: number,
  ...args: Trailing<[replacement: boolean], GeneratorOption & OutOption & { replacement?: boolean | undefined }>
): Tensor {
  const { replacement, generator, out } = parseMultinomial(args);
  const { shape } = self;
  if (shape.length !== 1 && shape.length !== 2) {
    throw new ShapeError(
      `multinomial(): weights must be [categories] or [rows, categories], got shape ${formatShape(shape)}`,
    );
  }
  if (!isFloating(self.dtype)) {
    throw new DTypeError(
      `multinomial(): weights must be floating point, got ${self.dtype}; convert with .to('float32')`,
    );
  }
  if (!Number.isInteger(numSamples))
    throw new TypeError(`multinomial(): numSamples must be an integer, got ${String(numSamples)}`);
  const weights = valuesNow('multinomial', self);
  return intoOut('multinomial', out, [], () => {
    const indices = drawIndices(generator ?? defaultGenerator(), weights, shape.at(-1)!, numSamples, replacement);
    return new Tensor(backendFor(self.device).upload('int32', indices), 'int32', [...shape.slice(0, -1), numSamples]);
  });
}
