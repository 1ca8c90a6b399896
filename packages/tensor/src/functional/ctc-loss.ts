/** @file Connectionist temporal classification: the loss of sequences whose alignment is unknown. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import type { CtcSamples } from '../backend.ts';
import { arange, integersFrom } from '../creation.ts';
import { isFloating } from '../dtype.ts';
import { DeviceError, DTypeError, ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { indexSelect } from '../ops/gather.ts';
import { sameDevice } from '../positions.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { checkReduction, type LossOptions, type LossReduction } from './element-loss.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface CtcOps {
  /** [losses, forward variables] of (log probabilities, labels, their counts, steps). */
  ctcLoss: { readonly blank: number; readonly zeroInfinity: boolean };
}

export interface CtcLossOptions extends LossOptions {
  /** The class that stands for no label. Default 0. */
  blank?: number | undefined;
  /** Losses of targets that do not fit their input count 0, and so do their gradients. */
  zeroInfinity?: boolean | undefined;
}

interface Given {
  blank: number;
  reduction: LossReduction;
  zeroInfinity: boolean;
}

const parse = signature<Given>('ctcLoss', ['blank', 'reduction', 'zeroInfinity'], {
  blank: 0,
  reduction: 'mean',
  zeroInfinity: false,
});

/** @throws DeviceError where the device has no such routine. */
function routineOf<Name extends 'ctcLoss' | 'ctcLossGradient'>(x: Tensor, name: Name) {
  const routine = backendFor(x.device).routines[name];
  if (routine === undefined)
    throw new DeviceError(
      `ctcLoss(): device '${x.device}' cannot compute it; move the log probabilities with \`await x.cpu()\` first`,
    );
  return routine;
}

/** Integers that can be had at once; null where only the device has them. */
function valuesOf(name: string, value: Tensor | readonly number[]): number[] | null {
  if (!isTensor(value)) return [...value];
  if (value.dtype !== 'int32' && value.dtype !== 'int64') {
    throw new DTypeError(
      `ctcLoss(): ${name} must be int32 or int64, got ${value.dtype}; make it with { dtype: 'int32' }`,
    );
  }
  if (backendFor(value.device).readSync === null) return null;
  return Array.from(value.toTypedArraySync() as ArrayLike<number | bigint>, Number);
}

/** One count for each sample as int32 [N] on x's device. */
function countsOf(name: string, x: Tensor, given: Tensor | readonly number[], values: number[] | null): Tensor {
  const count = x.shape[1]!;
  const own = values?.length ?? (given as Tensor).elementCount;
  if (own !== count) throw new ShapeError(`ctcLoss(): ${count} samples want as many ${name}, got ${own}`);
  if (values !== null) return integersFrom(values, [count], { device: x.device });
  sameDevice('ctcLoss', x, given as Tensor);
  return (given as Tensor).reshape(-1);
}

/** @throws ShapeError or RangeError for targets that do not fit, as far as values are known. */
function checkTargets(x: Tensor, targets: Tensor, values: number[] | null, lengths: number[] | null): void {
  const [, count, classes] = x.shape as [number, number, number];
  if (targets.ndim !== 1 && targets.ndim !== 2)
    throw new ShapeError(`ctcLoss(): targets must be [N, S], or a vector, got shape ${formatShape(targets.shape)}`);
  const padded = targets.ndim === 2;
  const width = padded ? targets.shape[1]! : 0;
  const counted = lengths?.reduce((a, b) => a + b, 0) ?? targets.elementCount;
  const fit = padded ? targets.shape[0] === count : counted === targets.elementCount;
  if (!fit || lengths?.some((n) => n < 0 || (padded && n > width))) {
    const asked = lengths === null ? '' : ` [${lengths.join(', ')}]`;
    throw new ShapeError(
      `ctcLoss(): targets ${formatShape(targets.shape)} do not fit targetLengths${asked} of ${count} samples`,
    );
  }
  const own = (_: number, i: number): boolean => !padded || i % width < (lengths?.[Math.floor(i / width)] ?? width);
  if (values?.filter(own).some((label) => label < 0 || label >= classes))
    throw new RangeError(`ctcLoss(): targets must be classes from 0 to ${classes - 1}`);
}

/** The labels as int32 [N, S] on x's device, from padded rows or one after the other; what is behind a sample's own may be any. */
function labelsOf(x: Tensor, targets: Tensor, lengths: Tensor, known: number[] | null): Tensor {
  const [steps, count] = x.shape as [number, number];
  const [padded, { device }] = [targets.ndim === 2, x];
  const total = targets.elementCount;
  // A sample with more labels than steps has no path, however many more they are.
  const most = Math.min(padded ? targets.shape[1]! : total, steps + 1);
  const size = known === null ? most : Math.max(0, ...known);
  if (size === 0) return integersFrom([], [count, 0], { device });
  const starts = padded
    ? arange(count, { device }).mul(targets.shape[1]!)
    : lengths.cumsum(0, { dtype: 'int32' }).sub(lengths);
  const places = starts
    .unsqueeze(1)
    .add(arange(size, { device }))
    .clamp(0, total - 1);
  const all = targets.detach().reshape(-1).to('int32').to(device);
  return indexSelect(all, 0, places.reshape(-1)).view([count, size]);
}

/** The gradient of the losses by the log probabilities; it takes them for results of logSoftmax, as PyTorch does. */
export function ctcLossGradient(
  grad: Tensor,
  x: Tensor,
  losses: Tensor,
  alpha: Tensor,
  samples: CtcSamples<Tensor>,
  zeroInfinity: boolean,
): Tensor {
  const out = allocateLike(x, x.shape);
  routineOf(x, 'ctcLossGradient')(grad, x, losses, alpha, samples, zeroInfinity, out);
  return out;
}

/**
 * The negative log likelihood of label sequences, over all ways to align them with the input (Graves et al., 2006).
 * @param logProbs [T, N, C] or [T, C], logarithms of probabilities (logSoftmax)
 * @param targets [N, S] padded, or all labels one after the other; never the blank
 * @param inputLengths how many of the T steps each sample has
 * @param targetLengths how many labels each sample has. The mean divides each loss by it.
 * @throws ShapeError, RangeError and DTypeError for targets and lengths that do not fit, as far as they can be read at once;
 *   on other devices numbers out of range count as the nearest in range.
 */
export function ctcLoss(
  logProbs: Tensor,
  targets: Tensor,
  inputLengths: Tensor | readonly number[],
  targetLengths: Tensor | readonly number[],
  ...args: Trailing<[blank: number, reduction: LossReduction, zeroInfinity: boolean], CtcLossOptions>
): Tensor {
  if (state.autocasting)
    return withAutocast('ctcLoss', ctcLoss, logProbs, targets, inputLengths, targetLengths, ...args);
  const { blank, reduction, zeroInfinity } = parse(args);
  checkReduction('ctcLoss', reduction);
  if (!isFloating(logProbs.dtype))
    throw new DTypeError(
      `ctcLoss(): logProbs must be floating point, got ${logProbs.dtype}; convert with .to('float32')`,
    );
  if (logProbs.ndim !== 2 && logProbs.ndim !== 3)
    throw new ShapeError(`ctcLoss(): logProbs must be [T, N, C] or [T, C], got ${formatShape(logProbs.shape)}`);
  const [steps, , classes] = logProbs.ndim === 3 ? logProbs.shape : [logProbs.shape[0], 1, logProbs.shape[1]];
  if (!Number.isInteger(blank) || blank < 0 || blank >= classes!)
    throw new RangeError(`ctcLoss(): blank ${blank} is none of ${classes} classes`);
  const inputs = valuesOf('inputLengths', inputLengths);
  if (inputs?.some((n) => n < 0 || n > steps!))
    throw new RangeError(`ctcLoss(): inputLengths must be from 0 to ${steps}, got [${inputs.join(', ')}]`);
  return temporaries(() => {
    const single = logProbs.dtype === 'float32' || logProbs.dtype === 'float64' ? logProbs : logProbs.to('float32');
    const x = single.ndim === 3 ? single : single.unsqueeze(1);
    const known = valuesOf('targetLengths', targetLengths);
    const lengths = countsOf('targetLengths', x, targetLengths, known);
    checkTargets(x, targets, valuesOf('targets', targets), known);
    const labels = labelsOf(x, targets, lengths, known);
    const samples = { labels, lengths, steps: countsOf('inputLengths', x, inputLengths, inputs), blank };
    const losses = lossesOf(x, samples, zeroInfinity);
    if (reduction === 'sum') return losses.sum();
    if (reduction === 'none') return logProbs.ndim === 3 ? losses : losses.squeeze(0);
    return losses.div(lengths.clamp(1).to(losses.dtype)).mean();
  });
}

function lossesOf(x: Tensor, samples: CtcSamples<Tensor>, zeroInfinity: boolean): Tensor {
  const [steps, count] = x.shape as [number, number];
  const { labels, lengths, steps: own, blank } = samples;
  const losses = allocateLike(x, [count]);
  const dtype = backendFor(x.device).dtypes.has('float64') ? 'float64' : 'float32';
  const alpha = allocateLike(x, [count, steps, 2 * labels.shape[1]! + 1], dtype);
  routineOf(x, 'ctcLoss')(x, samples, losses, alpha);
  const [recorded] = record('ctcLoss', [x, labels, lengths, own], [losses, alpha], { blank, zeroInfinity });
  return zeroInfinity ? recorded.maskedFill(recorded.detach().eq(Number.POSITIVE_INFINITY), 0) : recorded;
}
