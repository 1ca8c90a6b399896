/**
 * @file The one op behind all normalizations: (x − mean) · rstd · weight + bias, where mean and rstd = 1 / √(variance +
 * eps) are taken over some dimensions or given. Devices may have kernels for it; else it is composed.
 */
import { allocateLike } from '../allocate.ts';
import type { Fused } from '../backend.ts';
import { checkWritable } from '../inplace.ts';
import type { Expr } from '../ir/expr.ts';
import { untracked } from '../modes.ts';
import { needsCopy } from '../overlap.ts';
import { callPointwise, callPointwiseInto, pointwise } from '../pointwise.ts';
import { record } from '../record.ts';
import { keptShape, reduceTensors, reduction } from '../reduction.ts';
import { sameShape } from '../shape.ts';
import { backendFor } from '../state.ts';
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

/** How many elements `dims` have together. */
export const countOf = (shape: readonly number[], dims: readonly number[]): number =>
  dims.reduce((n, d) => n * shape[d]!, 1);

/** A view without history, for kernels. */
const window = (x: Tensor, shape: readonly number[]): Tensor => x.detach().reshape([...shape]);

/** Mean and variance (divided by the count) over `dims`, which keep size 1. */
function statistics(x: Tensor, dims: readonly number[]): [mean: Tensor, variance: Tensor] {
  const dtypes = { compute: x.dtype, output: x.dtype };
  const count = [countOf(x.shape, dims)];
  const mean = reduceTensors(meanOf, [x], dims, true, dtypes, count);
  return [mean, reduceTensors(varianceOf, [x, mean], dims, true, dtypes, count)];
}

const recorded = (
  [x, weight, bias, mean, rstd]: readonly [Tensor, Tensor | null, Tensor | null, Tensor, Tensor],
  out: Tensor,
  attributes: NormalizationAttributes,
): Tensor => record('normalization', [x, weight, bias, mean, rstd], out, attributes);

const maybeWindow = (x: Tensor | null, shape: readonly number[]): Tensor | null =>
  x === null ? null : window(x, shape);

/** Normalizes by given statistics, which have size 1 at the attributes' `dims`. */
function normalized(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  mean: Tensor,
  rstd: Tensor,
  attributes: NormalizationAttributes,
): Tensor {
  const shape = keptShape(x.shape, attributes.shared);
  const factors = [maybeWindow(weight, shape) ?? 1, maybeWindow(bias, shape) ?? 0];
  const out = untracked(() => callPointwise(applied, [x, mean, rstd, ...factors]));
  return recorded([x, weight, bias, mean, rstd], out, attributes);
}

/** Normalizes by a mean and variance that are given, of any shape with one element for each normalization. */
export function byStatistics(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  statistics: readonly [mean: Tensor, variance: Tensor],
  attributes: NormalizationAttributes,
): Tensor {
  const [mean, rstd] = untracked(() => {
    const kept = keptShape(x.shape, attributes.dims);
    const [mean, variance] = statistics.map((value) => window(value, kept).to(x.dtype)) as [Tensor, Tensor];
    return [mean, callPointwise(inverseDeviation, [variance, attributes.eps])] as const;
  });
  return normalized(x, weight, bias, mean, rstd, attributes);
}

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

/** Running statistics, which go along with the batches' own; null ones are not wanted. */
export interface Running {
  readonly mean: Tensor | null;
  readonly variance: Tensor | null;
  /** A tensor where it depends on a counter that is on the device. */
  readonly momentum: number | Tensor;
}

/** Normalizes by x's own statistics, which also go into the running ones. */
export function byOwnStatistics(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  attributes: NormalizationAttributes,
  running: Running | null = null,
): Tensor {
  const done = fused(x, weight, bias, attributes, running);
  if (done !== null) return done;
  const [mean, rstd] = untracked(() => {
    const [mean, variance] = statistics(x, attributes.dims);
    if (running !== null) {
      const count = countOf(x.shape, attributes.dims);
      updateRunning(running.mean, mean, running.momentum, 1);
      updateRunning(running.variance, variance, running.momentum, count / (count - 1));
    }
    return [mean, callPointwise(inverseDeviation, [variance, attributes.eps])] as const;
  });
  return normalized(x, weight, bias, mean, rstd, attributes);
}

/** The same by the device's own kernel; null where it has none, or none for these. */
function fused(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  attributes: NormalizationAttributes,
  running: Running | null,
): Tensor | null {
  const kernels = backendFor(x.device).fused;
  if (kernels.normalization === undefined || x.elementCount === 0) return null;
  const momentum = running?.momentum ?? 0;
  if (typeof momentum !== 'number') return null;
  const written = [running?.mean, running?.variance].filter((value) => value != null);
  const parameters = [weight, bias].filter((value) => value !== null);
  const apart = written.every(
    (value, i) =>
      value.dtype === x.dtype && [x, ...parameters, ...written.slice(0, i)].every((other) => disjoint(other, value)),
  );
  if (!apart || parameters.some((value) => value.dtype !== x.dtype)) return null;
  for (const value of written) checkWritable('batchNorm', value);
  const { dims, shared, eps } = attributes;
  const [kept, factors] = [keptShape(x.shape, dims), keptShape(x.shape, shared)];
  const out = allocateLike(x);
  // One memory for both, since devices bind a limited number of them to a kernel.
  const [mean, rstd] = allocateLike(x, [2, ...kept]).unbind(0) as [Tensor, Tensor];
  const done = untracked(() =>
    kernels.normalization!(
      window(x, x.shape),
      maybeWindow(weight, factors),
      maybeWindow(bias, factors),
      { dims, eps },
      out,
      mean,
      rstd,
      running && {
        mean: maybeWindow(running.mean, kept),
        variance: maybeWindow(running.variance, kept),
        momentum,
      },
    ),
  );
  if (!done) {
    out.dispose();
    return null;
  }
  for (const value of written) value.storage.version++;
  return recorded([x, weight, bias, mean, rstd], out, attributes);
}

/** Whether no write to `written` shows in `x`. */
const disjoint = (x: Tensor, written: Tensor): boolean =>
  x.storage.data !== written.storage.data && !needsCopy(x, written);

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
  attributes: NormalizationAttributes,
): (Tensor | null)[] {
  const kernel = backendFor(x.device).fused.normalizationBackward;
  if (kernel !== undefined && x.elementCount > 0 && !(needs[0] && attributes.fixed)) {
    const gradients = fusedGradients(kernel, grad, [x, weight, mean, rstd], needs, attributes);
    if (gradients !== null) return gradients;
  }
  const { dims, shared, fixed } = attributes;
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

function fusedGradients(
  kernel: Fused['normalizationBackward'],
  grad: Tensor,
  [x, weight, mean, rstd]: readonly [Tensor, Tensor | null, Tensor, Tensor],
  needs: readonly boolean[],
  { dims, shared }: NormalizationAttributes,
): (Tensor | null)[] | null {
  const factors = keptShape(x.shape, shared);
  const fresh = (i: number, shape: readonly number[]): Tensor | null => (needs[i] ? allocateLike(x, shape) : null);
  const gradients = [fresh(0, x.shape), fresh(1, factors), fresh(2, factors)] as const;
  const [gradX, gradWeight, gradBias] = gradients;
  const done = kernel(grad, x, maybeWindow(weight, factors), mean, rstd, dims, shared, {
    x: gradX,
    weight: gradWeight,
    bias: gradBias,
  });
  if (done) return [...gradients];
  for (const gradient of gradients) gradient?.dispose();
  return null;
}
