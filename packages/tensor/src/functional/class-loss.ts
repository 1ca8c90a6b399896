/** @file Losses of classes: negative log likelihood and cross entropy. */

import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import type { ClassSpec } from '../backend.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, IndexError, ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { mixedDevices } from '../pointwise.ts';
import { record } from '../record.ts';
import { reduceTensors, reduction } from '../reduction.ts';
import { formatShape, sameShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { checkReduction, type LossOptions, type LossReduction } from './element-loss.ts';

export interface ClassLossOptions extends LossOptions {
  /** A factor for each class, shape [C]. A mean is weighted by them. */
  weight?: Tensor | null | undefined;
  /** A target that counts for nothing. */
  ignoreIndex?: number | undefined;
}

interface Parsed {
  weight: Tensor | null;
  ignoreIndex: number;
  reduction: LossReduction;
}

const negatedMean = reduction({
  name: 'nllLoss',
  kind: 'sum',
  epilogue: (total, divisor) => total.neg().div(divisor!),
});

const classDim = (input: Tensor): number => (input.ndim === 1 ? 0 : 1);

function checkClasses(op: string, input: Tensor, target: Tensor, weight: Tensor | null): void {
  if (!isFloating(input.dtype))
    throw new DTypeError(`${op}(): input must be floating point, got ${input.dtype}; convert with .to('float32')`);
  if (target.dtype !== 'int64' && target.dtype !== 'int32' && target.dtype !== 'uint8') {
    throw new DTypeError(
      `${op}(): class targets must be integers, got ${target.dtype}; make them with { dtype: 'int32' }`,
    );
  }
  for (const other of weight === null ? [target] : [target, weight])
    if (other.device !== input.device) throw mixedDevices(op, input, other);
  const expected = input.ndim === 0 ? null : input.shape.toSpliced(classDim(input), 1);
  if (expected === null || !sameShape(expected, target.shape)) {
    throw new ShapeError(
      `${op}(): input ${formatShape(input.shape)} wants targets of shape ${expected === null ? '(none: it has no classes)' : formatShape(expected)}, got ${formatShape(target.shape)}`,
    );
  }
  const classes = input.shape[classDim(input)]!;
  if (weight !== null && !sameShape(weight.shape, [classes])) {
    throw new ShapeError(
      `${op}(): weight must have one element for each of ${classes} classes, got shape ${formatShape(weight.shape)}`,
    );
  }
}

/**
 * Whether some targets are `ignoreIndex`; where the device cannot be read at once, they may be.
 * @throws IndexError for a target that is no class.
 */
function anyIgnored(op: string, target: Tensor, classes: number, ignoreIndex: number): boolean {
  if (backendFor(target.device).readSync === null) return true;
  const values = target.isContiguous() ? target.detach().asTypedArray() : target.toTypedArraySync();
  let ignored = false;
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (value === ignoreIndex) ignored = true;
    else if (value < 0 || value >= classes)
      throw new IndexError(`${op}(): target ${value} is out of bounds for ${classes} classes`);
  }
  return ignored;
}

/** Factors of the single losses, in the shape of `index`: class weights, 0 where the target is ignored. */
function factorsOf(index: Tensor, ignored: Tensor | null, weight: Tensor | null): Tensor | null {
  if (weight === null) return ignored === null ? null : ignored.logicalNot();
  const factors = weight.detach().indexSelect(0, index.reshape(-1)).view(index.shape);
  return ignored === null ? factors : factors.maskedFill(ignored, 0);
}

function nll(op: string, input: Tensor, target: Tensor, { weight, ignoreIndex, reduction: kind }: Parsed): Tensor {
  checkReduction(op, kind);
  checkClasses(op, input, target, weight);
  const dim = classDim(input);
  const spec = { dim, ignoreIndex, reduction: kind };
  const done = fusedNll(input, target, weight, spec);
  if (done !== null) return done;
  const [out, index, factors, total, divisor] = untracked(() => {
    const ignored = anyIgnored(op, target, input.shape[dim]!, ignoreIndex);
    const [index, factors, skipped] = classIndex(input, target, weight, spec, ignored);
    const picked = input.detach().gather(dim, index);
    // Not a product with 0 where a target is ignored: the element might be infinite.
    const losses = factors === null ? picked : (skipped === null ? picked : picked.maskedFill(skipped, 0)).mul(factors);
    if (kind === 'none') return [losses.neg().squeeze(dim), index, factors, null, 1] as const;
    const total = factors !== null && kind === 'mean' ? factors.sum() : null;
    const divisor = kind === 'mean' && total === null ? target.elementCount : 1;
    const dims = losses.shape.map((_, d) => d);
    const sum = reduceTensors(negatedMean, [losses], dims, false, { compute: input.dtype, output: input.dtype }, [
      divisor,
    ]);
    return [total === null ? sum : sum.div(total), index, factors, total, divisor] as const;
  });
  const attributes = { ...spec, spatial: input.ndim > 2, divisor };
  return record('nllLoss', [input, index, factors, total, null, null], out, attributes);
}

type InputLike = Pick<Tensor, 'dtype' | 'shape'>;

/** Where the targets' classes lie along the classes' dimension, what each counts, and which are ignored (null: none). */
function classIndex(
  input: InputLike,
  target: Tensor,
  weight: Tensor | null,
  { dim, ignoreIndex }: ClassSpec,
  someIgnored: boolean,
): [index: Tensor, factors: Tensor | null, ignored: Tensor | null] {
  const targets = (target.dtype === 'uint8' ? target.to('int32') : target).unsqueeze(dim);
  const ignored = someIgnored ? targets.eq(ignoreIndex) : null;
  const index = ignored === null ? targets : targets.maskedFill(ignored, 0);
  return [index, factorsOf(index, ignored, weight)?.to(input.dtype) ?? null, ignored];
}

/** The loss by the device's own kernel; null where it has none. */
function fusedNll(input: Tensor, target: Tensor, weight: Tensor | null, spec: ClassSpec): Tensor | null {
  const kernels = backendFor(input.device).fused;
  if (kernels.nllLoss === undefined || input.elementCount === 0) return null;
  const out = allocateLike(input, spec.reduction === 'none' ? target.shape : []);
  const total = spec.reduction === 'mean' ? allocateLike(input, []) : null;
  if (!kernels.nllLoss(input, target, weight, spec, out, total)) return null;
  const attributes = { ...spec, spatial: input.ndim > 2, divisor: 1 };
  return record('nllLoss', [input, null, null, total, target, weight?.detach()], out, attributes);
}

/**
 * @internal The derivative of {@link fusedNll} by its input, of which shape and dtype are given: by the device's kernel,
 * or (null) its index and factors, to compose it of where this is recorded.
 */
export function nllGradient(
  grad: Tensor,
  input: InputLike,
  [target, weight, total]: readonly [Tensor, Tensor | null, Tensor | null],
  spec: ClassSpec,
): Tensor | readonly [index: Tensor, factors: Tensor] {
  const kernel = backendFor(target.device).fused.nllLossBackward;
  if (!state.gradEnabled && kernel !== undefined) {
    const gradX = allocateLike(target, input.shape, input.dtype);
    if (kernel(grad, target, weight, total, spec, gradX)) return gradX;
    gradX.dispose();
  }
  const [index, factors] = untracked(() => classIndex(input, target, weight, spec, true));
  return [index, factors!];
}

const classDefaults = { weight: null, ignoreIndex: -100, reduction: 'mean' } as const;
const parseNll = signature<Parsed>('nllLoss', ['weight'], classDefaults);

/**
 * −input at the target's class, for logarithms of probabilities.
 * @param input [C], [N, C] or [N, C, d1, …]
 * @param target classes as int32 or int64 without the C dimension
 * @throws IndexError on the CPU for a target that is no class; DTypeError for floating targets.
 */
export function nllLoss(
  input: Tensor,
  target: Tensor,
  ...args: Trailing<[weight: Tensor | null], ClassLossOptions>
): Tensor {
  if (state.autocasting) return withAutocast('nllLoss', nllLoss, input, target, ...args);
  return temporaries(() => nll('nllLoss', input, target, parseNll(args)));
}

export interface CrossEntropyOptions extends ClassLossOptions {
  /** The share of probability that is spread evenly over all classes instead of going to the target. */
  labelSmoothing?: number | undefined;
}

interface ParsedCrossEntropy extends Parsed {
  labelSmoothing: number;
}

const parseCrossEntropy = signature<ParsedCrossEntropy>('crossEntropy', ['weight'], {
  ...classDefaults,
  labelSmoothing: 0,
});

/**
 * Negative log likelihood of softmax(input): what a classifier's scores are trained with.
 * @param input scores [C], [N, C] or [N, C, d1, …]
 * @param target classes as int32 or int64 without the C dimension, or probabilities in the shape of input
 *
 * ```ts
 * const loss = crossEntropy(net(images), labels, { labelSmoothing: 0.1 });
 * ```
 */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  ...args: Trailing<[weight: Tensor | null], CrossEntropyOptions>
): Tensor {
  if (state.autocasting) return withAutocast('crossEntropy', crossEntropy, input, target, ...args);
  return temporaries(() => {
    const parsed = parseCrossEntropy(args);
    const { labelSmoothing, reduction: kind } = parsed;
    checkReduction('crossEntropy', kind);
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
      throw new RangeError(`crossEntropy(): labelSmoothing must be between 0 and 1, got ${labelSmoothing}`);
    if (!isFloating(input.dtype))
      throw new DTypeError(
        `crossEntropy(): input must be floating point, got ${input.dtype}; convert with .to('float32')`,
      );
    if (input.ndim === 0)
      throw new ShapeError('crossEntropy(): input must have at least one dimension, for the classes');
    if (sameShape(input.shape, target.shape) && isFloating(target.dtype)) return probabilityLoss(input, target, parsed);
    if (labelSmoothing === 0) return nll('crossEntropy', input.logSoftmax(classDim(input)), target, parsed);
    checkClasses('crossEntropy', input, target, parsed.weight);
    return smoothedLoss(input.logSoftmax(classDim(input)), target, parsed);
  });
}

/** Weights of the classes in a shape that broadcasts to the input's. */
const spread = (weight: Tensor, input: Tensor): Tensor =>
  weight.view(input.shape.map((_, d) => (d === classDim(input) ? -1 : 1)));

function probabilityLoss(
  input: Tensor,
  target: Tensor,
  { weight, labelSmoothing, reduction: kind }: ParsedCrossEntropy,
): Tensor {
  const dim = classDim(input);
  const classes = input.shape[dim]!;
  const smoothed = labelSmoothing > 0 ? target.mul(1 - labelSmoothing).add(labelSmoothing / classes) : target;
  let products = input.logSoftmax(dim).mul(smoothed);
  if (weight !== null) products = products.mul(spread(weight, input));
  if (kind === 'none') return products.sum(dim).neg();
  const total = products.sum().neg();
  return kind === 'sum' ? total : total.div(input.elementCount / classes);
}

function smoothedLoss(logProbabilities: Tensor, target: Tensor, parsed: ParsedCrossEntropy): Tensor {
  const { weight, ignoreIndex, labelSmoothing, reduction: kind } = parsed;
  const dim = classDim(logProbabilities);
  const likelihood = nll('crossEntropy', logProbabilities, target, parsed);
  const ignored = target.eq(ignoreIndex);
  const weighted = weight === null ? logProbabilities : logProbabilities.mul(spread(weight, logProbabilities));
  let smooth = weighted.sum(dim).neg().maskedFill(ignored, 0);
  if (kind === 'sum') smooth = smooth.sum();
  else if (kind === 'mean') smooth = smooth.sum().div(totalFactor(target, ignored, weight, logProbabilities));
  return likelihood.mul(1 - labelSmoothing).add(smooth.mul(labelSmoothing / logProbabilities.shape[dim]!));
}

/** What a mean is divided by: the weights of the targets that count, or their number. */
function totalFactor(target: Tensor, ignored: Tensor, weight: Tensor | null, input: Tensor): Tensor {
  return untracked(() => {
    const factors = factorsOf(target.maskedFill(ignored, 0), ignored, weight)!;
    return factors.to(input.dtype).sum();
  });
}
