/** @file Connectionist temporal classification: the loss of sequences whose alignment is unknown. */
import { allocateLike } from '../allocate.ts';
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import type { CtcSamples } from '../backend.ts';
import { isFloating } from '../dtype.ts';
import { DeviceError, DTypeError, ShapeError } from '../errors.ts';
import { record } from '../record.ts';
import { formatShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { checkReduction, type LossOptions, type LossReduction } from './element-loss.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface CtcOps {
  /** [losses, forward variables] of (log probabilities). */
  ctcLoss: { readonly samples: CtcSamples; readonly zeroInfinity: boolean };
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

function integers(name: string, value: Tensor | readonly number[]): number[] {
  if (!isTensor(value)) return [...value];
  if (value.dtype !== 'int32' && value.dtype !== 'int64') {
    throw new DTypeError(
      `ctcLoss(): ${name} must be int32 or int64, got ${value.dtype}; make it with { dtype: 'int32' }`,
    );
  }
  return Array.from(value.toTypedArraySync() as ArrayLike<number | bigint>, Number);
}

/** The labels of each sample, from padded rows or one after the other. */
function samplesOf(x: Tensor, targets: Tensor, inputs: number[], lengths: number[], blank: number): CtcSamples {
  const [steps, count, classes] = x.shape as [number, number, number];
  if (inputs.length !== count || lengths.length !== count) {
    throw new ShapeError(
      `ctcLoss(): ${count} samples want as many inputLengths and targetLengths, got ${inputs.length} and ${lengths.length}`,
    );
  }
  if (!Number.isInteger(blank) || blank < 0 || blank >= classes)
    throw new RangeError(`ctcLoss(): blank ${blank} is none of ${classes} classes`);
  if (inputs.some((n) => n < 0 || n > steps))
    throw new RangeError(`ctcLoss(): inputLengths must be from 0 to ${steps}, got [${inputs.join(', ')}]`);
  const all = integers('targets', targets);
  const padded = targets.ndim === 2;
  const width = padded ? targets.shape[1]! : 0;
  if (
    padded
      ? targets.shape[0] !== count || lengths.some((n) => n > width)
      : lengths.reduce((a, b) => a + b, 0) !== all.length
  ) {
    throw new ShapeError(
      `ctcLoss(): targets ${formatShape(targets.shape)} do not fit targetLengths [${lengths.join(', ')}] of ${count} samples`,
    );
  }
  let start = 0;
  const labels = lengths.map((length, i) => {
    const at = padded ? i * width : start;
    start += length;
    return Int32Array.from(all.slice(at, at + length));
  });
  if (labels.some((list) => list.some((label) => label < 0 || label >= classes)))
    throw new RangeError(`ctcLoss(): targets must be classes from 0 to ${classes - 1}`);
  return { labels, steps: inputs, blank };
}

/** The gradient of the losses by the log probabilities; it takes them for results of logSoftmax, as PyTorch does. */
export function ctcLossGradient(
  grad: Tensor,
  x: Tensor,
  losses: Tensor,
  alpha: Tensor,
  samples: CtcSamples,
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
 * @throws ShapeError, RangeError and DTypeError for targets and lengths that do not fit; DeviceError on devices other than
 *   the CPU: `await logProbs.cpu()`, through which gradients flow back.
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
  // Asked for before anything is read: a device without it may not be readable at once either.
  routineOf(logProbs, 'ctcLoss');
  const single = logProbs.dtype === 'float32' || logProbs.dtype === 'float64' ? logProbs : logProbs.to('float32');
  const x = single.ndim === 3 ? single : single.unsqueeze(1);
  const lengths = integers('targetLengths', targetLengths);
  const samples = samplesOf(x, targets, integers('inputLengths', inputLengths), lengths, blank);
  const losses = lossesOf(x, samples, zeroInfinity);
  if (reduction === 'sum') return losses.sum();
  if (reduction === 'none') return logProbs.ndim === 3 ? losses : losses.squeeze(0);
  const weights = losses.newTensor(lengths.map((length) => Math.max(length, 1)));
  return losses.div(weights).mean();
}

function lossesOf(x: Tensor, samples: CtcSamples, zeroInfinity: boolean): Tensor {
  const [steps, count] = x.shape as [number, number];
  const states = 2 * Math.max(0, ...samples.labels.map((list) => list.length)) + 1;
  const losses = allocateLike(x, [count]);
  const alpha = allocateLike(x, [count, steps, states], 'float64');
  routineOf(x, 'ctcLoss')(x, samples, losses, alpha);
  const [recorded] = record('ctcLoss', [x], [losses, alpha], { samples, zeroInfinity });
  return zeroInfinity ? recorded.maskedFill(recorded.detach().eq(Number.POSITIVE_INFINITY), 0) : recorded;
}
