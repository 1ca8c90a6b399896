/**
 * @file Making random tensors. After `manualSeed` the numbers are PyTorch's, bit for bit on the CPU: those of version
 * 1.13 without MKL, see random/.
 */
import { isPlainObject, type ShapeArguments, shapeArguments, signature, type Trailing } from './args.ts';
import type { Distribution } from './backend.ts';
import { allocateTensor, resolveOptions, type TensorOptions } from './creation.ts';
import { type DType, isComplex, isFloating, toDType } from './dtype.ts';
import { DTypeError, ShapeError } from './errors.ts';
import { checkWritable, intoOut } from './inplace.ts';
import { untracked } from './modes.ts';
import {
  checkRealNumbers,
  draw,
  emptyPreserving,
  type GeneratorOption,
  integerDistribution,
  normalDistribution,
  valuesNow,
} from './random/draw.ts';
import type { Generator } from './random/generator.ts';
import { drawPoisson } from './random/poisson.ts';
import { defaultGenerator } from './random/seeding.ts';
import { record, tracks } from './record.ts';
import { broadcastShapes, formatShape, sameShape } from './shape.ts';
import { backendFor, state } from './state.ts';
import { isTensor, Tensor } from './tensor.ts';
import { arrayOf } from './values.ts';

/** Options of the functions that make a random tensor of a given shape. */
export interface RandomOptions extends TensorOptions, GeneratorOption {
  /** Receives the numbers and is returned; it has the shape, and the dtype if one is given. */
  out?: Tensor | undefined;
}

const optionNames = {
  dtype: undefined,
  device: undefined,
  requiresGrad: undefined,
  generator: undefined,
  out: undefined,
};

/** Where the numbers go: `out`, or a new tensor. */
function target(op: string, shape: readonly number[], options: RandomOptions, fallback?: DType): Tensor {
  const { out } = options;
  if (out === undefined) {
    const { dtype, device } = resolveOptions(options, fallback);
    return allocateTensor(op, shape, dtype, device);
  }
  if (!sameShape(out.shape, shape)) {
    throw new ShapeError(
      `${op}(): out has shape ${formatShape(out.shape)}, but ${formatShape(shape)} is asked for; tensors are not resized`,
    );
  }
  if (options.dtype !== undefined && toDType(options.dtype) !== out.dtype) {
    throw new DTypeError(`${op}(): out is ${out.dtype}, but dtype ${options.dtype} is asked for`);
  }
  checkWritable(op, out, state.gradEnabled && tracks(out));
  return out;
}

function fill(out: Tensor, distribution: Distribution, options: RandomOptions): Tensor {
  draw(out, distribution, options.generator);
  if (options.out !== undefined) out.storage.version++;
  if (options.requiresGrad) out.requiresGrad = true;
  return out;
}

const parsers = Object.fromEntries(
  ['rand', 'randn'].map((op) => [op, signature<RandomOptions>(op, [], optionNames)]),
) as Record<'rand' | 'randn', (args: readonly unknown[]) => RandomOptions>;

/**
 * Uniform numbers in [0, 1).
 *
 * ```ts
 * rand(2, 3).shape; // [2, 3]
 * rand([4], { dtype: 'float64', generator: new Generator().manualSeed(1) });
 * ```
 * @throws DTypeError for integer dtypes.
 */
export function rand(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, given] = shapeArguments<RandomOptions>('rand', args);
  const options = parsers.rand([given]);
  const out = target('rand', shape, options);
  checkRealNumbers('rand', out.dtype, true);
  return fill(out, { kind: 'uniform', from: 0, to: 1 }, options);
}

/** Normal numbers of mean 0 and variance 1: `randn(2, 3)`. @throws DTypeError for integer dtypes. */
export function randn(...args: ShapeArguments<RandomOptions>): Tensor {
  const [shape, given] = shapeArguments<RandomOptions>('randn', args);
  const options = parsers.randn([given]);
  const out = target('randn', shape, options);
  checkRealNumbers('randn', out.dtype, true);
  return fill(out, normalDistribution(out.dtype, 0, 1), options);
}

type Bound = number | bigint;

/** One bound, which is `high`, or both, and what follows them. */
type Ranged<O, Last extends unknown[] = []> =
  | [high: Bound, ...last: Last, options?: O]
  | [low: Bound, high: Bound, ...last: Last, options?: O];

const parseRandint = signature<{ low: Bound; high: Bound; size: readonly number[] } & RandomOptions>(
  'randint',
  ['low', 'high', 'size'],
  { low: 0, ...optionNames },
);

/**
 * Integers from `low` (0) to before `high`: int32, with a bigint bound int64, unless a dtype is given.
 *
 * ```ts
 * randint(10, [2, 3]); // six digits
 * randint(1, 7, [5], { dtype: 'int64' }); // five throws of a die
 * ```
 * @throws RangeError for an empty range, or one that the dtype does not hold.
 */
export function randint(...args: Ranged<RandomOptions, [size: readonly number[]]>): Tensor {
  const { low, high, size, ...options } = parseRandint(Array.isArray(args[1]) ? [undefined, ...args] : args);
  if (!Array.isArray(size))
    throw new TypeError(
      `randint(): size must be a list, got ${String(size)}; write randint(${low}, ${high}, [${String(size)}])`,
    );
  const fallback = typeof low === 'bigint' || typeof high === 'bigint' ? 'int64' : 'int32';
  const out = target('randint', shapeArguments('randint', [size])[0], options, fallback);
  return fill(out, integerDistribution('randint', out.dtype, low, high), options);
}

const parseRandperm = signature<{ n: number } & RandomOptions>('randperm', ['n'], optionNames);

/**
 * The integers 0 … n − 1 in random order, int32 unless another dtype is given.
 *
 * @throws RangeError for a negative n, or a dtype that does not hold n − 1.
 */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  const parsed = parseRandperm([n, options]);
  if (!Number.isInteger(n) || n < 0)
    throw new RangeError(`randperm(): n must be an integer of at least 0, got ${String(n)}`);
  const out = target('randperm', [n], parsed, 'int32');
  if (isComplex(out.dtype)) throw new DTypeError(`randperm(): not defined for ${out.dtype}`);
  return fill(out, { kind: 'randperm' }, parsed);
}

/** Options of the functions that make a random tensor like another one. */
export interface RandomLikeOptions extends TensorOptions, GeneratorOption {}

const likeNames = { dtype: undefined, device: undefined, requiresGrad: undefined, generator: undefined };

/** A tensor to fill, with the shape, the order in memory and unless told otherwise the dtype and device of `self`. */
function like(op: string, self: Tensor, options: RandomLikeOptions): Tensor {
  signature<RandomLikeOptions>(op, [], likeNames)([options]);
  const { dtype, device } = resolveOptions({ device: self.device, ...options }, self.dtype);
  if (device === self.device) return emptyPreserving(self, dtype);
  return allocateTensor(op, self.shape, dtype, device);
}

/** Uniform numbers in [0, 1) in the shape, dtype and device of `self`. @throws DTypeError for integer dtypes. */
export function randLike(self: Tensor, options: RandomLikeOptions = {}): Tensor {
  const out = like('randLike', self, options);
  checkRealNumbers('randLike', out.dtype, true);
  return fill(out, { kind: 'uniform', from: 0, to: 1 }, options);
}

/** Normal numbers of mean 0 and variance 1 in the shape, dtype and device of `self`. @throws DTypeError for integer dtypes. */
export function randnLike(self: Tensor, options: RandomLikeOptions = {}): Tensor {
  const out = like('randnLike', self, options);
  checkRealNumbers('randnLike', out.dtype, true);
  return fill(out, normalDistribution(out.dtype, 0, 1), options);
}

const parseRandintLike = signature<{ low: Bound; high: Bound } & RandomLikeOptions>('randintLike', ['low', 'high'], {
  low: 0,
  ...likeNames,
});

/** Integers from `low` (0) to before `high` in the shape, dtype and device of `self`: `randintLike(x, 10)`. */
export function randintLike(self: Tensor, ...args: Ranged<RandomLikeOptions>): Tensor {
  const single = args.length === 1 || isPlainObject(args[1]);
  const { low, high, ...options } = parseRandintLike(single ? [undefined, ...args] : args);
  const out = like('randintLike', self, options);
  return fill(out, integerDistribution('randintLike', out.dtype, low, high), options);
}

type Parameter = number | Tensor;

type NormalArguments =
  | Trailing<
      [mean: Parameter, std: Parameter, size: readonly number[]],
      RandomOptions & { std?: Parameter | undefined }
    >
  | [mean: number, std: number, size: readonly number[], options?: RandomOptions];

const parseNormal = signature<{ mean: Parameter; std: Parameter; size: readonly number[] | undefined } & RandomOptions>(
  'normal',
  ['mean', 'std', 'size'],
  { mean: 0, std: 1, size: undefined, ...optionNames },
);

/**
 * Normal numbers. `mean` and `std` are tensors that broadcast, or one of them or both are numbers; two numbers need a
 * `size`. No gradient flows to them.
 *
 * ```ts
 * normal(0, 0.02, [3, 4]);
 * normal(tensor([0, 10, 20]), 0.1);
 * normal(0, tensor([1, 2, 3]));
 * ```
 * @throws RangeError for a negative std.
 */
export function normal(...args: NormalArguments): Tensor {
  const { mean, std, size, ...options } = parseNormal(args);
  if (!isTensor(mean) && !isTensor(std)) return normalOfSize(mean, std, size, options);
  if (size !== undefined) throw new TypeError('normal(): a size goes with two numbers only; tensors have their own');
  if (options.dtype !== undefined || options.device !== undefined) {
    throw new TypeError("normal(): with tensors, their dtype and device are the result's");
  }
  return intoOut('normal', options.out, [], () => normalAround(mean, std, options.generator));
}

function normalOfSize(mean: number, std: number, size: readonly number[] | undefined, options: RandomOptions): Tensor {
  if (size === undefined) throw new TypeError('normal(): two numbers need a size, e.g. normal(0, 1, [2, 3])');
  const out = target('normal', shapeArguments('normal', [size])[0], options);
  checkRealNumbers('normal', out.dtype, true);
  return fill(out, normalDistribution(out.dtype, mean, std), options);
}

/** The numbers are drawn first, and scaled and moved afterwards, so that roundings are PyTorch's. */
function normalAround(mean: Parameter, std: Parameter, generator: Generator | null | undefined): Tensor {
  const lead = (isTensor(mean) ? mean : std) as Tensor;
  checkRealNumbers('normal', lead.dtype, true);
  if (isTensor(std)) checkDeviations(std);
  const shape = isTensor(mean) && isTensor(std) ? broadcastShapes('normal', mean.shape, std.shape) : lead.shape;
  const out = allocateTensor('normal', shape, lead.dtype, lead.device);
  draw(out, normalDistribution(lead.dtype, 0, isTensor(std) ? 1 : std), generator);
  untracked(() => {
    if (isTensor(std)) out.mul_(std);
    out.add_(mean);
  });
  const both = isTensor(mean) && isTensor(std);
  const node = `NormalBackward${both ? 3 : isTensor(mean) ? 1 : 2}`;
  return record('random', [isTensor(mean) ? mean : null, isTensor(std) ? std : null], out, { node });
}

function checkDeviations(std: Tensor): void {
  if (isComplex(std.dtype)) throw new DTypeError(`normal(): std must be real, got ${std.dtype}`);
  if (backendFor(std.device).readSync === null) return;
  for (const value of valuesNow('normal', std)) {
    if (!(value >= 0)) throw new RangeError(`normal(): expected std >= 0, got ${value}`);
  }
}

/**
 * Numbers of events (of self's dtype) that happen `self` times on average, by the Poisson distribution.
 *
 * @throws RangeError for rates that are negative or not finite.
 */
export function poisson(self: Tensor, options: GeneratorOption = {}): Tensor {
  const { generator } = signature<{ generator: Generator | null }>('poisson', [], { generator: null })([options]);
  if (!isFloating(self.dtype))
    throw new DTypeError(`poisson(): rates must be floating point, got ${self.dtype}; convert with .to('float32')`);
  const rates = valuesNow('poisson', self);
  for (const rate of rates)
    if (!(rate >= 0 && rate < Infinity)) throw new RangeError(`poisson(): expected finite rates >= 0, got ${rate}`);
  const counts = arrayOf(self.dtype, drawPoisson(generator ?? defaultGenerator(), rates));
  const out = new Tensor(backendFor(self.device).upload(self.dtype, counts), self.dtype, self.shape);
  return record('random', [self], out, { node: 'PoissonBackward0' });
}
