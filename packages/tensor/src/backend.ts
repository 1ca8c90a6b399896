/**
 * @file The Backend contract: what a device must be able to do. Kernels get strided views; offsets and strides count
 * elements. Outputs are allocated by the caller with the right shape. Everything that is not here is composed of these.
 */
import type { DType, TypedArray } from './dtype.ts';
import { FlambeauError } from './errors.ts';
import type { MapKernel, ReduceKernel } from './ir/kernel.ts';
import type { LinalgRoutines } from './linalg/routines.ts';
import type { Generator } from './random/generator.ts';
import { state } from './state.ts';
import type { Storage } from './storage.ts';

/** Raised whenever the contract changes incompatibly. */
export const contractVersion = 3;

/** A strided window on a storage; every Tensor is one. Kernels also get negative strides (flip) and strides of 0 (expand). */
export interface View {
  readonly storage: Storage;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  /** Number of elements. */
  readonly elementCount: number;
  isContiguous(): boolean;
}

export type Scalar = number | bigint | boolean;

export interface MatmulOptions {
  /** Added to every row, shape [N]. */
  bias?: View | undefined;
  /** Adds to `out` instead of overwriting it. */
  accumulate?: boolean | undefined;
  /** Scales the product. Default 1. */
  alpha?: number | undefined;
}

/** One number for each spatial dimension. */
export interface ConvSpec {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

export interface MaxPoolSpec {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
}

export interface AvgPoolSpec {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | null;
}

export type ScanKind = 'sum' | 'prod' | 'max' | 'min' | 'logsumexp';

/** One index of {@link Backend.indexOffsets}: positions in a dimension of `size` whose neighbours lie `stride` apart. */
export interface IndexTerm {
  /** int32 or int64, broadcasting to the output's shape. */
  readonly index: View;
  readonly size: number;
  readonly stride: number;
  /** Negative indices count from the end. */
  readonly wrap: boolean;
  /** Op and dimension, for the error. */
  readonly op: string;
  readonly dim: number;
}

/** Where gather and scatter find elements along their dimension. */
export interface Positions<V extends View = View> {
  /** int32. */
  readonly view: V;
  /** For an index that `indexOffsets` has not seen, on a device that does not check them; null where all are in range. */
  readonly bound: IndexBound | null;
}

/** Which indices there are: 0 to size − 1, and with `wrap` also negative ones that count from the end. */
export interface IndexBound {
  readonly size: number;
  readonly wrap: boolean;
}

/** How scatter combines `src` with what is there. */
export type ScatterMode = 'assign' | 'add' | 'mul' | 'max' | 'min';

/** A distribution with its parameters, in PyTorch's terms. */
export type Distribution =
  | { readonly kind: 'uniform'; readonly from: number; readonly to: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  | { readonly kind: 'logNormal'; readonly mean: number; readonly std: number }
  | { readonly kind: 'cauchy'; readonly median: number; readonly sigma: number }
  | { readonly kind: 'exponential'; readonly lambd: number }
  | { readonly kind: 'geometric'; readonly p: number }
  | { readonly kind: 'bernoulli'; readonly p: number }
  | { readonly kind: 'randint'; readonly low: number | bigint; readonly high: number | bigint }
  | { readonly kind: 'random' }
  | { readonly kind: 'randperm' };

/**
 * Algorithms that are no kernels, each optional: a device without one throws a DeviceError that says `await x.cpu()`.
 */
export interface Routines extends LinalgRoutines {
  /** Row-major positions of nonzero elements as int32 [count, ndim]. */
  nonzero(x: View): { readonly data: TypedArray; readonly count: number };
  /**
   * Fourier transform over `dims`: out[k] = scale · Σ x[j] e^(∓2πi jk/n), with + for the inverse. `x` is real or complex,
   * `out` complex of the same shape.
   */
  fft(x: View, dims: readonly number[], inverse: boolean, scale: number, out: View): void;
  /**
   * CTC losses [N] of log probabilities x [T, N, C], and the forward variables [N, T, 2 S + 1] for the gradient, in float64
   * where the device has it and float32 where not. Both are row-major.
   */
  ctcLoss(x: View, samples: CtcSamples, losses: View, alpha: View): void;
  /** The gradient by x [T, N, C] for gradients [N] of the losses. */
  ctcLossGradient(
    grad: View,
    x: View,
    losses: View,
    alpha: View,
    samples: CtcSamples,
    zeroInfinity: boolean,
    out: View,
  ): void;
}

/** The samples of a CTC loss, as int32. Classes and counts out of range count as the nearest in range. */
export interface CtcSamples<V extends View = View> {
  /** [N, S]: each one's labels, of which only its own count. */
  readonly labels: V;
  /** [N]: how many labels each has. */
  readonly lengths: V;
  /** [N]: how many steps of the input each has. */
  readonly steps: V;
  /** The class that stands for no label. */
  readonly blank: number;
}

/** What a normalization's mean and variance are taken over, and what is added to the variance. */
export interface NormalizationSpec {
  readonly dims: readonly number[];
  readonly eps: number;
}

/** Running statistics, updated in place: running ← (1 − momentum) · running + momentum · new, variances unbiased. */
export interface RunningStatistics {
  readonly mean: View | null;
  readonly variance: View | null;
  readonly momentum: number;
}

/** Where the gradients of a normalization go; null where none is wanted. */
export interface NormalizationGradients {
  readonly x: View | null;
  readonly weight: View | null;
  readonly bias: View | null;
}

/** A loss of classes: the dimension of the classes, the target that does not count, and what becomes of the losses. */
export interface ClassSpec {
  readonly dim: number;
  readonly ignoreIndex: number;
  readonly reduction: 'none' | 'mean' | 'sum';
}

export interface AttentionSpec {
  /** Factor of the scores. */
  readonly scale: number;
  /** Whether row i of the scores has only the keys up to i. */
  readonly isCausal: boolean;
}

/** Where the gradients of attention go; null where none is wanted. */
export interface AttentionGradients {
  readonly query: View | null;
  readonly key: View | null;
  readonly value: View | null;
}

/**
 * Composites that a backend may run as kernels of its own where that pays, each optional; without one they are composed.
 * Views have elements, outputs are fresh, and nothing is recorded: a backward pass that is itself recorded composes.
 * They return false, having done nothing, where the device cannot do it for these views.
 */
export interface Fused {
  /** out = softmax(x) along `dim`, or its logarithm; computed in `out`'s dtype. */
  softmax(x: View, dim: number, log: boolean, out: View): boolean;
  /** gradX = y ∘ (grad − Σ grad ∘ y) along `dim` for y = softmax(x); grad − exp(y) Σ grad for its logarithm. */
  softmaxBackward(grad: View, y: View, dim: number, log: boolean, gradX: View): boolean;
  /**
   * out = (x − mean) · rstd · weight + bias, where mean and rstd = 1 / √(variance + eps) are x's own over `dims` and results
   * too. float32 or float64, all of one dtype and of x's rank: mean, rstd and the running statistics with size 1 at
   * `dims`, weight and bias (or null) with size 1 where they do not vary.
   */
  normalization(
    x: View,
    weight: View | null,
    bias: View | null,
    spec: NormalizationSpec,
    out: View,
    mean: View,
    rstd: View,
    running: RunningStatistics | null,
  ): boolean;
  /**
   * The gradients of that. Those of weight and bias are sums over `shared`, the dimensions where they have size 1; they are
   * row-major. Where mean and rstd do not depend on x, only these two are asked for.
   */
  normalizationBackward(
    grad: View,
    x: View,
    weight: View | null,
    mean: View,
    rstd: View,
    dims: readonly number[],
    shared: readonly number[],
    gradients: NormalizationGradients,
  ): boolean;
  /**
   * out [...B, L, Ev] = softmax(scale · query [...B, L, E] × keyᵀ [...B, S, E] + mask [...B, L, S]) × value [...B, S, Ev].
   * Batch shapes are equal (stride 0 where they repeat). A bool mask is true where a key may be looked at. `logSumExp`
   * (float32 [...B, L, 1]) is asked for where a backward pass may follow: log Σ exp of each row's scores, with which
   * attentionBackward computes the weights again.
   * False also where the composition is better.
   */
  attention(
    query: View,
    key: View,
    value: View,
    mask: View | null,
    spec: AttentionSpec,
    out: View,
    logSumExp: View | null,
  ): boolean;
  /**
   * The gradients of that by query, key and value, of the full batch shape, where it gave `out` and `logSumExp`. A device
   * without this is not asked for attention that is recorded; one with it does it, or throws.
   */
  attentionBackward(
    grad: View,
    query: View,
    key: View,
    value: View,
    mask: View | null,
    out: View,
    logSumExp: View,
    spec: AttentionSpec,
    gradients: AttentionGradients,
  ): void;
  /**
   * out = −x[target] · weight[target] for targets (integers, in x's shape without `dim`) other than ignoreIndex, else 0;
   * or their sum, or that divided by `total`, the sum of their weights, which is a result too (null otherwise). A target
   * that is no class counts as the nearest that is.
   */
  nllLoss(x: View, target: View, weight: View | null, spec: ClassSpec, out: View, total: View | null): boolean;
  /** The gradient by x of that. */
  nllLossBackward(
    grad: View,
    target: View,
    weight: View | null,
    total: View | null,
    spec: ClassSpec,
    gradX: View,
  ): boolean;
}

export interface Backend {
  readonly contract: number;
  /** The device string it serves, e.g. `'cpu'` or `'webgpu:0'`. */
  readonly device: string;
  readonly dtypes: ReadonlySet<DType>;

  /** Memory for `length` elements, zero or not. */
  allocate(dtype: DType, length: number): Storage;
  /** Takes back memory that no tensor and no saved slot uses; one that is garbage-collected does nothing. */
  free(storage: Storage): void;
  /**
   * When so much memory is in use that garbage should be collected before work goes on: a promise that leaves the time
   * for it. Null when there is no need.
   */
  settle(): Promise<void> | null;
  /** A storage with the values of a host array (one element of `dtype` each, or two for complex). */
  upload(dtype: DType, data: TypedArray): Storage;
  /** Values of a view, row-major, in a fresh array. */
  read(x: View): Promise<TypedArray>;
  /** The same at once, where the device can. */
  readSync: ((x: View) => TypedArray) | null;

  /** outputs = kernel(inputs), inputs broadcast to the outputs' common shape. Outputs do not overlap inputs, or are laid out alike. */
  map(kernel: MapKernel, inputs: readonly (View | Scalar)[], outputs: readonly View[]): void;
  /** Reduces over `dims`; `output` has the inputs' broadcast shape with size 1 at `dims`. Epilogue scalars follow. */
  reduce(
    kernel: ReduceKernel,
    inputs: readonly (View | Scalar)[],
    dims: readonly number[],
    output: View,
    scalars: readonly Scalar[],
  ): void;
  /** Running reduction along `dim`; `indices` (int32) for max and min: the position of the latest extreme value. */
  scan(kind: ScanKind, x: View, dim: number, out: View, indices: View | null): void;
  /** Sorted values and their positions (int32) along `dim`; NaN counts as greatest; stable. */
  sort(x: View, dim: number, descending: boolean, values: View, indices: View): void;
  /**
   * Whether it can tell at once when an index is out of range. Where not, it counts as the nearest in range, and gather
   * and scatter see to that themselves: a plain index needs no pass through indexOffsets.
   */
  readonly checksIndices: boolean;
  /**
   * out = Σ stride · index over the terms (int32).
   * @throws IndexError for an index out of range.
   */
  indexOffsets(terms: readonly IndexTerm[], out: View): void;
  /**
   * out[i][j][k] = x[index[i][j][k]][j][k] for dim 0, and so on. `index` has the shape of `out`, while other sizes of `x`
   * may be larger and its size along `dim` does not matter.
   */
  gather(x: View, dim: number, index: Positions, out: View): void;
  /** out[index[i][j][k]][j][k] op= src[i][j][k] for dim 0, and so on; `index` and `src` have one shape. */
  scatter(out: View, dim: number, index: Positions, src: View | Scalar, mode: ScatterMode): void;

  /** [...B, M, K] × [...B, K, N] → [...B, M, N]; batch shapes are equal (stride 0 where they repeat). */
  matmul(a: View, b: View, out: View, options?: MatmulOptions): void;

  /** Cross-correlation [N, C, ...] with w [O, C/groups, ...]. */
  conv(x: View, w: View, bias: View | null, out: View, spec: ConvSpec): void;
  convBackwardInput(grad: View, w: View, gradX: View, spec: ConvSpec): void;
  convBackwardWeight(grad: View, x: View, gradW: View, spec: ConvSpec): void;
  /** `indices` (int32): position of each maximum in its input plane. */
  maxPool(x: View, out: View, indices: View, spec: MaxPoolSpec): void;
  /** gradX = for each position the sum of the gradients that `indices` places there. `spec` tells whose windows it is in. */
  maxPoolBackward(grad: View, indices: View, gradX: View, spec: MaxPoolSpec): void;
  avgPool(x: View, out: View, spec: AvgPoolSpec): void;
  avgPoolBackward(grad: View, gradX: View, spec: AvgPoolSpec): void;

  /** Fills `out` with draws from a generator. */
  random(distribution: Distribution, out: View, generator: Generator): void;

  readonly routines: Partial<Routines>;
  readonly fused: Partial<Fused>;
}

/** Makes a device known. @throws FlambeauError when the backend was built for another contract. */
export function registerBackend(backend: Backend): void {
  if (backend.contract !== contractVersion) {
    throw new FlambeauError(
      `the backend of device '${backend.device}' implements contract version ${backend.contract}, but this @flambeau/tensor needs version ${contractVersion}; install matching versions`,
    );
  }
  state.backends.set(backend.device, backend);
  if (backend.device === 'cpu') state.cpu = backend;
  else state.reclaims = true;
}
