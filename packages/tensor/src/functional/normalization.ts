/** @file Normalization of batches, layers, groups and instances. */

import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { computeDType } from '../ir/kernel.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { mixedDevices } from '../pointwise.ts';
import { shownAs } from '../record.ts';
import { formatShape, sameShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import { byOwnStatistics, byStatistics, countOf } from './normalizing.ts';

/** Checks what the normalizations have in common; the half-precision dtypes compute in float32. */
function checked(
  op: string,
  input: Tensor,
  others: readonly (Tensor | null)[],
  size: readonly number[],
  what: string,
): void {
  if (!isFloating(input.dtype))
    throw new DTypeError(`${op}(): input must be floating point, got ${input.dtype}; convert with .to('float32')`);
  for (const other of others) {
    if (other === null) continue;
    if (other.device !== input.device) throw mixedDevices(op, input, other);
    if (!sameShape(other.shape, size))
      throw new ShapeError(
        `${op}(): weight, bias and running statistics must have shape ${formatShape(size)} (${what}), got ${formatShape(other.shape)}`,
      );
  }
}

/** Runs `compute` in float32 for the half-precision dtypes, and casts back. */
function inFullPrecision(input: Tensor, compute: (x: Tensor) => Tensor): Tensor {
  const wide = computeDType(input.dtype);
  return wide === input.dtype ? compute(input) : compute(input.to(wide)).to(input.dtype);
}

const wideOf = (x: Tensor | null, like: Tensor): Tensor | null =>
  x === null || x.dtype === like.dtype ? x : x.to(like.dtype);

export interface BatchNormOptions {
  weight?: Tensor | null | undefined;
  bias?: Tensor | null | undefined;
  /** Whether to normalize by the batch's own statistics and to update the running ones. */
  training?: boolean | undefined;
  /** The batch's share in the running statistics, a number or a 0-d tensor. */
  momentum?: number | Tensor | undefined;
  eps?: number | undefined;
}

export type BatchNormArguments = Trailing<
  [weight: Tensor | null, bias: Tensor | null, training: boolean, momentum: number | Tensor, eps: number],
  BatchNormOptions
>;

interface ParsedBatchNorm {
  weight: Tensor | null;
  bias: Tensor | null;
  training: boolean;
  momentum: number | Tensor;
  eps: number;
}

const parseBatchNorm = signature<ParsedBatchNorm>('batchNorm', ['weight', 'bias', 'training', 'momentum', 'eps'], {
  weight: null,
  bias: null,
  training: false,
  momentum: 0.1,
  eps: 1e-5,
});

/**
 * Batch normalization: every channel (dimension 1) of `input` [N, C, …] to mean 0 and variance 1, then scaled and
 * shifted. In training by the batch's statistics, which also go into `runningMean` and `runningVar` (unbiased) in place;
 * else by the running ones.
 * @throws ShapeError for a batch of one value per channel in training.
 */
export function batchNorm(
  input: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  ...args: BatchNormArguments
): Tensor {
  return temporaries(() => {
    const { weight, bias, training, momentum, eps } = parseBatchNorm(args);
    // As in PyTorch: where there is nothing to normalize, the shape does not matter.
    if (input.elementCount === 0) return input.clone();
    if (input.ndim < 2) throw new ShapeError(`batchNorm(): input must be [N, C, …], got ${formatShape(input.shape)}`);
    checked('batchNorm', input, [weight, bias, runningMean, runningVar], [input.shape[1]!], 'the number of channels');
    const useBatch = training || runningMean === null || runningVar === null;
    if (!training && useBatch)
      throw new TypeError(
        'batchNorm(): without running statistics only training is possible; pass runningMean and runningVar, or { training: true }',
      );
    return inFullPrecision(input, (x) =>
      normalizeBatch(x, runningMean, runningVar, {
        weight: wideOf(weight, x),
        bias: wideOf(bias, x),
        training,
        momentum,
        eps,
      }),
    );
  });
}

function normalizeBatch(
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  { weight, bias, training, momentum, eps }: ParsedBatchNorm,
): Tensor {
  const dims = x.shape.map((_, d) => d).filter((d) => d !== 1);
  const count = countOf(x.shape, dims);
  if (training && count === 1)
    throw new ShapeError(
      `batchNorm(): expected more than 1 value per channel when training, got input size ${formatShape(x.shape)}`,
    );
  const attributes = { dims, shared: dims, eps, fixed: !training, node: 'NativeBatchNormBackward0' };
  return training
    ? byOwnStatistics(x, weight, bias, attributes, { mean: runningMean, variance: runningVar, momentum })
    : byStatistics(x, weight, bias, [runningMean!, runningVar!], attributes);
}

interface AffineOptions {
  weight?: Tensor | null | undefined;
  bias?: Tensor | null | undefined;
  eps?: number | undefined;
}

type AffineArguments = Trailing<[weight: Tensor | null, bias: Tensor | null, eps: number], AffineOptions>;
const affineParser = (op: string) =>
  signature<{ weight: Tensor | null; bias: Tensor | null; eps: number }>(op, ['weight', 'bias', 'eps'], {
    weight: null,
    bias: null,
    eps: 1e-5,
  });
const [parseLayerNorm, parseGroupNorm] = [affineParser('layerNorm'), affineParser('groupNorm')];

/**
 * Layer normalization: the last dimensions, whose sizes are `normalizedShape`, to mean 0 and variance 1, then scaled and
 * shifted element by element. Ba et al. 2016.
 */
export function layerNorm(
  input: Tensor,
  normalizedShape: number | readonly number[],
  ...args: AffineArguments
): Tensor {
  if (state.autocasting) return withAutocast('layerNorm', layerNorm, input, normalizedShape, ...args);
  return temporaries(() => {
    const { weight, bias, eps } = parseLayerNorm(args);
    const sizes = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    const first = input.ndim - sizes.length;
    if (sizes.length === 0 || first < 0 || !sameShape(input.shape.slice(first), sizes)) {
      throw new ShapeError(
        `layerNorm(): input ${formatShape(input.shape)} must end with normalizedShape ${formatShape(sizes)}`,
      );
    }
    checked('layerNorm', input, [weight, bias], sizes, 'normalizedShape');
    return inFullPrecision(input, (x) => {
      const dims = sizes.map((_, i) => first + i);
      const shared = x.shape.slice(0, first).map((_, d) => d);
      return byOwnStatistics(x, wideOf(weight, x), wideOf(bias, x), {
        dims,
        shared,
        eps,
        fixed: false,
        node: 'NativeLayerNormBackward0',
      });
    });
  });
}

/** Group normalization: the channels of [N, C, …] in `numGroups` groups, each normalized by itself. Wu & He 2018. */
export function groupNorm(input: Tensor, numGroups: number, ...args: AffineArguments): Tensor {
  if (state.autocasting) return withAutocast('groupNorm', groupNorm, input, numGroups, ...args);
  return temporaries(() => {
    const { weight, bias, eps } = parseGroupNorm(args);
    const channels = input.shape[1];
    if (channels === undefined)
      throw new ShapeError(`groupNorm(): input must be [N, C, …], got ${formatShape(input.shape)}`);
    if (!Number.isInteger(numGroups) || numGroups < 1 || channels % numGroups !== 0) {
      throw new RangeError(`groupNorm(): ${channels} channels do not divide into ${numGroups} groups`);
    }
    checked('groupNorm', input, [weight, bias], [channels], 'the number of channels');
    return inFullPrecision(input, (x) => {
      const [batch, spatial] = [x.shape[0]!, x.shape.slice(2)];
      const perGroup = channels / numGroups;
      const grouped = x.reshape([batch, numGroups, perGroup, ...spatial]);
      const others = grouped.shape.map((_, d) => d);
      const [w, b] = [weight, bias].map(
        (p) => wideOf(p, x)?.view([numGroups, perGroup, ...spatial.map(() => 1)]) ?? null,
      ) as [Tensor | null, Tensor | null];
      const out = byOwnStatistics(grouped, w, b, {
        dims: others.slice(2),
        shared: others.filter((d) => d !== 1 && d !== 2),
        eps,
        fixed: false,
        node: 'NativeGroupNormBackward0',
      });
      return shownAs('NativeGroupNormBackward0', [x, weight, bias], out.view([...x.shape]));
    });
  });
}

export interface InstanceNormOptions extends AffineOptions {
  runningMean?: Tensor | null | undefined;
  runningVar?: Tensor | null | undefined;
  /** Whether to normalize by the instances' own statistics. */
  useInputStats?: boolean | undefined;
  momentum?: number | undefined;
}

interface ParsedInstanceNorm extends ParsedBatchNorm {
  runningMean: Tensor | null;
  runningVar: Tensor | null;
  useInputStats: boolean;
}

const parseInstanceNorm = signature<Omit<ParsedInstanceNorm, 'training'>>(
  'instanceNorm',
  ['runningMean', 'runningVar', 'weight', 'bias', 'useInputStats', 'momentum', 'eps'],
  { runningMean: null, runningVar: null, weight: null, bias: null, useInputStats: true, momentum: 0.1, eps: 1e-5 },
);

/** Instance normalization: every channel of every element of the batch by itself. Ulyanov et al. 2016. */
export function instanceNorm(
  input: Tensor,
  ...args: Trailing<
    [
      runningMean: Tensor | null,
      runningVar: Tensor | null,
      weight: Tensor | null,
      bias: Tensor | null,
      useInputStats: boolean,
      momentum: number,
      eps: number,
    ],
    InstanceNormOptions
  >
): Tensor {
  return temporaries(() => {
    const { runningMean, runningVar, weight, bias, useInputStats, momentum, eps } = parseInstanceNorm(args);
    if (input.ndim < 2)
      throw new ShapeError(`instanceNorm(): input must be [N, C, …], got ${formatShape(input.shape)}`);
    const [batch, channels] = input.shape as readonly [number, number, ...number[]];
    if (useInputStats && countOf(input.shape, input.shape.map((_, d) => d).slice(2)) === 1) {
      throw new ShapeError(
        `instanceNorm(): expected more than 1 spatial element when training, got input size ${formatShape(input.shape)}`,
      );
    }
    // As one batch element with N · C channels; the running statistics become the means of their copies.
    const repeated = (x: Tensor | null): Tensor | null => (x === null ? null : x.repeat(batch));
    const [mean, variance] = [repeated(runningMean), repeated(runningVar)];
    const folded = input.reshape([1, batch * channels, ...input.shape.slice(2)]);
    const out = batchNorm(folded, mean, variance, repeated(weight), repeated(bias), useInputStats, momentum, eps);
    if (useInputStats) {
      untracked(() => {
        if (mean !== null) runningMean!.copy_(mean.view([batch, channels]).mean(0));
        if (variance !== null) runningVar!.copy_(variance.view([batch, channels]).mean(0));
      });
    }
    return out.view([...input.shape]);
  });
}
