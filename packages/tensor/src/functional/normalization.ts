/**
 * @file Normalization of batches, layers, groups and instances. All are one op: (x − mean) · rstd · weight + bias, where
 * mean and rstd = 1 / √(variance + eps) are taken over some dimensions or given.
 */
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import type { Expr } from '../ir/expr.ts';
import { computeDType } from '../ir/kernel.ts';
import { untracked } from '../modes.ts';
import { callPointwise, callPointwiseInto, mixedDevices, pointwise } from '../pointwise.ts';
import { record } from '../record.ts';
import { keptShape, reduceTensors, reduction } from '../reduction.ts';
import { formatShape, sameShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface NormalizationOps {
  /** Of (x, weight, bias, mean, rstd); mean and rstd have size 1 at `dims`. */
  normalization: NormalizationAttributes;
}

export interface NormalizationAttributes {
  /** The dimensions that mean and rstd are taken over. */
  readonly dims: readonly number[];
  /** The dimensions that weight and bias do not depend on. */
  readonly shared: readonly number[];
  readonly eps: number;
  /** Whether mean and rstd are given numbers, not those of x. */
  readonly fixed: boolean;
  /** PyTorch's name of the graph node. */
  readonly node: string;
}

const centered = (x: Expr, mean: Expr): Expr => x.sub(mean);
const meanOf = reduction({ name: 'mean', kind: 'sum', epilogue: (total, count) => total.div(count!) });
const varianceOf = reduction({
  name: 'variance',
  kind: 'sum',
  prologue: (x, mean) => centered(x!, mean!).square(),
  epilogue: (total, count) => total.div(count!),
});
const inverseDeviation = pointwise(2, (variance, eps) => variance!.add(eps!).sqrt().pow(-1), {
  name: 'rstd',
  promotion: 'promote',
  parameters: 1,
});
const applied = pointwise(5, (x, mean, rstd, weight, bias) => centered(x!, mean!).mul(rstd!).mul(weight!).add(bias!), {
  name: 'normalization',
  promotion: 'promote',
});

const countOf = (shape: readonly number[], dims: readonly number[]): number => dims.reduce((n, d) => n * shape[d]!, 1);

/** A view without history, for kernels. */
const window = (x: Tensor, shape: readonly number[]): Tensor => x.detach().reshape([...shape]);

/** Mean and variance (divided by the count) over `dims`, which keep size 1. */
function statistics(x: Tensor, dims: readonly number[]): [mean: Tensor, variance: Tensor] {
  const dtypes = { compute: x.dtype, output: x.dtype };
  const count = [countOf(x.shape, dims)];
  const mean = reduceTensors(meanOf, [x], dims, true, dtypes, count);
  return [mean, reduceTensors(varianceOf, [x, mean], dims, true, dtypes, count)];
}

function normalized(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  mean: Tensor,
  rstd: Tensor,
  attributes: NormalizationAttributes,
): Tensor {
  const shape = keptShape(x.shape, attributes.shared);
  const out = untracked(() =>
    callPointwise(applied, [
      x,
      mean,
      rstd,
      weight === null ? 1 : window(weight, shape),
      bias === null ? 0 : window(bias, shape),
    ]),
  );
  return record('normalization', [x, weight, bias, mean, rstd], out, attributes);
}

const slopeSum = reduction({
  name: 'normalizationBackward',
  kind: 'sum',
  prologue: (grad, weight) => grad!.mul(weight!),
});
const slopeProduct = reduction({
  name: 'normalizationBackward',
  kind: 'sum',
  prologue: (grad, weight, x, mean) => grad!.mul(weight!).mul(centered(x!, mean!)),
});
const inputGradient = pointwise(
  8,
  (grad, weight, x, mean, rstd, sum, product, count) =>
    grad!
      .mul(weight!)
      .sub(sum!.div(count!))
      .sub(centered(x!, mean!).mul(rstd!).mul(rstd!).mul(product!).div(count!))
      .mul(rstd!),
  { name: 'normalizationBackward', promotion: 'promote', parameters: 1 },
);
const fixedGradient = pointwise(3, (grad, weight, rstd) => grad!.mul(weight!).mul(rstd!), {
  name: 'normalizationBackward',
  promotion: 'promote',
});
const scaledByDeviation = pointwise(2, (product, rstd) => product!.mul(rstd!), {
  name: 'normalizationBackward',
  promotion: 'promote',
});
const weightProduct = reduction({
  name: 'normalizationBackward',
  kind: 'sum',
  prologue: (grad, x, mean, rstd) => grad!.mul(centered(x!, mean!)).mul(rstd!),
});

/**
 * @internal The gradients by x, weight and bias in few kernels and without history; `needs` says which are wanted. With
 * g = grad · weight, z = (x − mean) · rstd and ⟨⟩ the mean over `dims`: ∂L/∂x = rstd (g − ⟨g⟩ − z ⟨g z⟩).
 */
export function normalizationGradients(
  grad: Tensor,
  [x, weight, mean, rstd]: readonly [Tensor, Tensor | null, Tensor, Tensor],
  needs: readonly boolean[],
  { dims, shared, fixed }: NormalizationAttributes,
): (Tensor | null)[] {
  const dtypes = { compute: x.dtype, output: x.dtype };
  const sum = (op: typeof slopeSum, args: readonly (Tensor | number)[], over: readonly number[]): Tensor =>
    reduceTensors(op, args, over, true, dtypes);
  const factor = weight === null ? 1 : window(weight, keptShape(x.shape, shared));
  let gradX: Tensor | null = null;
  if (needs[0]) {
    gradX = fixed
      ? callPointwise(fixedGradient, [grad, factor, rstd])
      : callPointwise(inputGradient, [
          grad,
          factor,
          x,
          mean,
          rstd,
          sum(slopeSum, [grad, factor], dims),
          sum(slopeProduct, [grad, factor, x, mean], dims),
          countOf(x.shape, dims),
        ]);
  }
  const sameDims = sameShape(dims, shared);
  const gradWeight = !needs[1]
    ? null
    : sameDims
      ? callPointwise(scaledByDeviation, [sum(slopeProduct, [grad, 1, x, mean], dims), rstd])
      : sum(weightProduct, [grad, x, mean, rstd], shared);
  return [gradX, gradWeight, needs[2] ? sum(slopeSum, [grad, 1], shared) : null];
}

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

const movingAverage = pointwise(4, (running, value, keep, share) => running!.mul(keep!).add(value!.mul(share!)), {
  name: 'batchNorm',
  promotion: 'promote',
  parameters: 2,
});

/** running ← (1 − momentum) · running + momentum · value · factor */
function updateRunning(running: Tensor | null, value: Tensor, momentum: number | Tensor, factor: number): void {
  if (running === null) return;
  const [keep, share] =
    typeof momentum === 'number' ? [1 - momentum, momentum * factor] : [momentum.rsub(1), momentum.mul(factor)];
  callPointwiseInto(movingAverage, [running, value.reshape([...running.shape]), keep, share], running, true);
}

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
  const [mean, rstd] = untracked(() => {
    const kept = keptShape(x.shape, dims);
    const [mean, variance] = training ? statistics(x, dims) : [window(runningMean!, kept), window(runningVar!, kept)];
    if (training) {
      updateRunning(runningMean, mean, momentum, 1);
      updateRunning(runningVar, variance, momentum, count / (count - 1));
    }
    return [wideOf(mean, x)!, callPointwise(inverseDeviation, [wideOf(variance, x)!, eps])] as const;
  });
  return normalized(x, weight, bias, mean, rstd, {
    dims,
    shared: dims,
    eps,
    fixed: !training,
    node: 'NativeBatchNormBackward0',
  });
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
}

function byOwnStatistics(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  attributes: NormalizationAttributes,
): Tensor {
  const [mean, rstd] = untracked(() => {
    const [mean, variance] = statistics(x, attributes.dims);
    return [mean, callPointwise(inverseDeviation, [variance, attributes.eps])] as const;
  });
  return normalized(x, weight, bias, mean, rstd, attributes);
}

/** Group normalization: the channels of [N, C, …] in `numGroups` groups, each normalized by itself. Wu & He 2018. */
export function groupNorm(input: Tensor, numGroups: number, ...args: AffineArguments): Tensor {
  if (state.autocasting) return withAutocast('groupNorm', groupNorm, input, numGroups, ...args);
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
    return out.view([...x.shape]);
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
  const { runningMean, runningVar, weight, bias, useInputStats, momentum, eps } = parseInstanceNorm(args);
  if (input.ndim < 2) throw new ShapeError(`instanceNorm(): input must be [N, C, …], got ${formatShape(input.shape)}`);
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
}
