/** @file Drawing into tensors: what the in-place methods and the functions that make random tensors have in common. */
import { allocateLike } from '../allocate.ts';
import type { Distribution } from '../backend.ts';
import { viewAsReal } from '../complex-parts.ts';
import { type DType, isComplex, isFloating } from '../dtype.ts';
import { DeviceError, DTypeError } from '../errors.ts';
import { checkWritable } from '../inplace.ts';
import { preservedStrides } from '../layout.ts';
import { record } from '../record.ts';
import { backendFor, state } from '../state.ts';
import { Tensor } from '../tensor.ts';
import type { Generator } from './generator.ts';
import { largestInteger } from './integers.ts';
import { defaultGenerator } from './seeding.ts';

/** Ops that autograd knows as random: gradients end there. */
export interface RandomOps {
  random: { readonly node: string };
}

export interface GeneratorOption {
  /** Where the draws come from; null or absent for the global generator. */
  generator?: Generator | null | undefined;
}

/** Fills fresh memory. Complex numbers get both parts drawn. */
export function draw(out: Tensor, distribution: Distribution, generator: Generator | null | undefined): Tensor {
  const target = isComplex(out.dtype) ? viewAsReal(out.detach()) : out;
  backendFor(out.device).random(distribution, target, generator ?? defaultGenerator());
  return out;
}

/** Overwrites a tensor with draws. No gradient flows back from them, which the graph's node says in PyTorch's words. */
export function overwriteRandomly(
  op: string,
  node: string,
  self: Tensor,
  distribution: Distribution,
  generator: Generator | null | undefined,
): Tensor {
  checkWritable(op, self);
  draw(self, distribution, generator);
  self.storage.version++;
  if (state.gradEnabled && self.requiresGrad) {
    const drawn = new Tensor(self.storage, self.dtype, self.shape, self.strides, self.offset);
    state.recorder!.adopt(self, record('random', [self], drawn, { node }));
  }
  return self;
}

/** A tensor to be filled whose elements lie in the same order as those of `like`, since draws are stored in that order. */
export function emptyPreserving(like: Tensor, dtype: DType = like.dtype): Tensor {
  const out = allocateLike(like, like.shape, dtype);
  if (like.isContiguous()) return out;
  return new Tensor(out.storage, dtype, like.shape, preservedStrides(like.shape, like.strides));
}

/** @throws DTypeError for integers and bools. */
export function checkRealNumbers(op: string, dtype: DType, complex = false): void {
  if (isFloating(dtype) || (complex && isComplex(dtype))) return;
  throw new DTypeError(
    `${op}(): draws real numbers, which ${dtype} does not hold; use a floating dtype, e.g. { dtype: 'float32' }`,
  );
}

/** @throws DTypeError for complex dtypes. */
export function checkNotComplex(op: string, dtype: DType): void {
  if (isComplex(dtype)) throw new DTypeError(`${op}(): not defined for ${dtype}; draw real and imaginary parts apart`);
}

/** Normal numbers: a complex one's parts share the variance. */
export function normalDistribution(dtype: DType, mean: number, std: number): Distribution {
  return { kind: 'normal', mean, std: isComplex(dtype) ? std / Math.SQRT2 : std };
}

function toBigint(op: string, value: number | bigint): bigint {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return BigInt(value);
  throw new TypeError(`${op}(): bounds must be integers, beyond ±2^53 bigints, got ${String(value)}`);
}

/** The integers that a dtype reaches; wide floating dtypes reach all that a bound can be. */
function reach(dtype: DType): readonly [least: bigint, greatest: bigint] {
  if (dtype === 'float16') return [-65504n, 65504n];
  const greatest = isFloating(dtype) ? 2n ** 63n : largestInteger(dtype);
  return [dtype === 'bool' || dtype === 'uint8' ? 0n : -greatest - 1n, greatest];
}

/**
 * Integers in [low, high), or up to the largest that the dtype holds (if floating: before which it holds all) where
 * `high` is null.
 *
 * @throws RangeError for an empty range or one that the dtype does not reach.
 */
export function integerDistribution(
  op: string,
  dtype: DType,
  low: number | bigint,
  high: number | bigint | null,
): Distribution {
  checkNotComplex(op, dtype);
  const from = toBigint(op, low);
  const to = high === null ? largestInteger(dtype) + 1n : toBigint(op, high);
  if (from >= to) throw new RangeError(`${op}(): there are no integers from ${from} to before ${to}`);
  const [least, greatest] = reach(dtype);
  if (from < least || to - 1n > greatest) {
    const wider = isFloating(dtype) ? 'float32' : 'int64';
    throw new RangeError(
      `${op}(): ${dtype} does not hold all integers from ${from} to before ${to}; try the dtype ${wider}`,
    );
  }
  return { kind: 'randint', low: from, high: to };
}

/** Values that are needed at once, for checks and for draws whose number depends on them. */
export function valuesNow(op: string, x: Tensor): Float32Array | Float64Array {
  if (backendFor(x.device).readSync === null) {
    throw new DeviceError(
      `${op}(): needs values at once, which device '${x.device}' does not give; use \`await x.cpu()\` first`,
    );
  }
  return x.detach().toTypedArraySync() as Float32Array | Float64Array;
}
