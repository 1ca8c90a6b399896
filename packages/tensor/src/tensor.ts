/** @file The Tensor class: a strided view of a storage, plus a slot for automatic differentiation. */
import { signature, type Trailing } from './args.ts';
import type { View } from './backend.ts';
import { type DType, isComplex, isDifferentiable, isFloating } from './dtype.ts';
import { AutogradError, DTypeError, IndexError, ShapeError } from './errors.ts';
import { disposeKey, track, untrack } from './memory.ts';
import type * as activation from './ops/activation.ts';
import type * as arithmetic from './ops/arithmetic.ts';
import type * as choice from './ops/choice.ts';
import type * as clamp from './ops/clamp.ts';
import type * as compare from './ops/compare.ts';
import type * as complex from './ops/complex.ts';
import type * as convert from './ops/convert.ts';
import type * as copy from './ops/copy.ts';
import type * as counting from './ops/counting.ts';
import type * as covariance from './ops/covariance.ts';
import type * as equality from './ops/equality.ts';
import type * as extremes from './ops/extremes.ts';
import type * as floats from './ops/floats.ts';
import type * as gather from './ops/gather.ts';
import type * as histogram from './ops/histogram.ts';
import type * as index from './ops/index-ops.ts';
import type * as inplaceViews from './ops/inplace-views.ts';
import type * as like from './ops/like.ts';
import type * as linalg from './ops/linalg.ts';
import type * as logic from './ops/logic.ts';
import type * as masks from './ops/masks.ts';
import type * as mathematics from './ops/math.ts';
import type * as matmul from './ops/matmul.ts';
import type * as matmulSums from './ops/matmul-sums.ts';
import type * as norms from './ops/norms.ts';
import type * as products from './ops/products.ts';
import type * as random from './ops/random.ts';
import type * as reading from './ops/reading.ts';
import type * as rearrange from './ops/rearrange.ts';
import type * as reduce from './ops/reduce.ts';
import type * as repeatInterleave from './ops/repeat-interleave.ts';
import type * as reshaping from './ops/reshaping.ts';
import type * as rounding from './ops/rounding.ts';
import type * as scan from './ops/scan.ts';
import type * as scatter from './ops/scatter.ts';
import type * as softmax from './ops/softmax.ts';
import type * as sort from './ops/sort.ts';
import type * as special from './ops/special.ts';
import type * as spectral from './ops/spectral.ts';
import type * as splitting from './ops/splitting.ts';
import type * as statistics from './ops/statistics.ts';
import type * as strided from './ops/strided.ts';
import type * as trigonometry from './ops/trigonometry.ts';
import type * as unique from './ops/unique.ts';
import type * as viewScatter from './ops/view-scatter.ts';
import type * as views from './ops/views.ts';
import { readText, textOf } from './printing/text.ts';
import {
  type AutogradSlot,
  type BackwardOptions,
  type GradHook,
  type GraphNode,
  type RemovableHandle,
  recorder,
} from './record.ts';
import { contiguousStrides, isContiguous, numelOf, wrapDim } from './shape.ts';
import { state } from './state.ts';
import type { Storage } from './storage.ts';

/**
 * Functions `f(self, …)` of a family as methods `self.f(…)`, and `self.f_(…)` where there is an in-place form. A family
 * exports nothing but such functions; asking here whether the first parameter is a Tensor would be circular. A function
 * with overloads, which inference would lose, states its method's type as `methodType`.
 */
export type Methods<Family> = {
  [K in keyof Family as Family[K] extends (...args: never[]) => unknown ? K : never]: Family[K] extends {
    readonly methodType: infer Method;
  }
    ? Method
    : Family[K] extends (self: Tensor, ...args: infer Args) => infer Result
      ? (...args: Args) => Result
      : never;
} & {
  [K in keyof Family & string as Family[K] extends { inplace: unknown } ? `${K}_` : never]: Family[K] extends {
    inplace: (self: Tensor, ...args: infer Args) => Tensor;
  }
    ? (...args: Args) => Tensor
    : never;
};

// One line for each family of ops; install.ts puts the functions on the prototype.
export interface Tensor
  extends Methods<typeof activation>,
    Methods<typeof arithmetic>,
    Methods<typeof choice>,
    Methods<typeof clamp>,
    Methods<typeof compare>,
    Methods<typeof complex>,
    Methods<typeof convert>,
    Methods<typeof copy>,
    Methods<typeof counting>,
    Methods<typeof covariance>,
    Methods<typeof equality>,
    Methods<typeof extremes>,
    Methods<typeof floats>,
    Methods<typeof gather>,
    Methods<typeof histogram>,
    Methods<typeof index>,
    Methods<typeof inplaceViews>,
    Methods<typeof like>,
    Methods<typeof linalg>,
    Methods<typeof logic>,
    Methods<typeof masks>,
    Methods<typeof mathematics>,
    Methods<typeof matmul>,
    Methods<typeof matmulSums>,
    Methods<typeof norms>,
    Methods<typeof products>,
    Methods<typeof random>,
    Methods<typeof reading>,
    Methods<typeof rearrange>,
    Methods<typeof reduce>,
    Methods<typeof reshaping>,
    Methods<typeof rounding>,
    Methods<typeof scan>,
    Methods<typeof scatter>,
    Methods<typeof softmax>,
    Methods<typeof sort>,
    Methods<typeof special>,
    Methods<typeof spectral>,
    Methods<typeof splitting>,
    Methods<typeof statistics>,
    Methods<typeof strided>,
    Methods<typeof trigonometry>,
    Methods<typeof unique>,
    Methods<typeof repeatInterleave>,
    Methods<typeof viewScatter>,
    Methods<typeof views> {
  /** The real parts, in the same memory (a real tensor itself). Assigning copies into them. */
  real: Tensor;
  /** The imaginary parts, in the same memory. Assigning copies into them. @throws DTypeError for a real tensor. */
  imag: Tensor;
  // A mapped type keeps only the last of a function's overloads.
  nonzero(options: { asTuple: true }): Tensor[];
  nonzero(options?: { asTuple?: false | undefined }): Tensor;
  nonzeroAsync(options: { asTuple: true }): Promise<Tensor[]>;
  nonzeroAsync(options?: { asTuple?: false | undefined }): Promise<Tensor>;
}

interface BackwardArguments extends BackwardOptions {
  gradient: Tensor | null;
}

type BackwardParameters = Trailing<
  [
    gradient: Tensor | null | undefined,
    retainGraph: boolean | null | undefined,
    createGraph: boolean | undefined,
    inputs: BackwardOptions['inputs'],
  ],
  BackwardOptions & { gradient?: Tensor | null | undefined }
>;

const backwardArguments = signature<BackwardArguments>(
  'backward',
  ['gradient', 'retainGraph', 'createGraph', 'inputs'],
  { gradient: null, retainGraph: undefined, createGraph: undefined, inputs: undefined },
);

const brand = Symbol.for('@flambeau/tensor.Tensor');
/** What Node's console.log and util.inspect call. */
const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * An n-dimensional array. Made by `tensor`, `zeros`, `randn` … and by operations; not constructed directly.
 *
 * `shape`, `strides` and `offset` say which elements of `storage` it shows; strides and offset count elements. Several
 * tensors may show one storage (views). Only `x.data = y` changes any of it.
 *
 * ```ts
 * const x = tensor([[1, 2], [3, 4]]);
 * x.t().shape; // [2, 2]
 * x.sum().itemSync(); // 10
 * ```
 */
export class Tensor implements View {
  readonly storage: Storage;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly elementCount: number;
  /** @internal What automatic differentiation keeps here; null on tensors that it has not seen. */
  autograd: AutogradSlot | null = null;
  /** @internal The tensor with the memory that this one is a view of, for gradients of in-place changes. */
  base: Tensor | null = null;
  /** @internal Why a view may not be changed in place where that is recorded. */
  restriction: 'multiple' | 'noGrad' | 'function' | null = null;
  #contiguous: boolean | undefined;

  /** @internal Without `strides` the layout is row-major. */
  constructor(storage: Storage, dtype: DType, shape: readonly number[], strides?: readonly number[], offset = 0) {
    this.storage = storage;
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides ?? contiguousStrides(shape);
    this.offset = offset;
    this.elementCount = numelOf(shape);
    this.#contiguous = strides === undefined ? true : undefined;
    storage.root.users++;
    if (state.scope !== null) track(this);
  }

  get [brand](): true {
    return true;
  }

  /** Where the memory is: `'cpu'`, `'webgpu:0'`. */
  get device(): string {
    return this.storage.device;
  }

  /** Number of dimensions. */
  get ndim(): number {
    return this.shape.length;
  }

  /** Number of dimensions. */
  dim(): number {
    return this.shape.length;
  }

  /** The shape as a fresh list, or the size of one dimension. */
  size(): number[];
  size(dim: number): number;
  size(dim?: number): number | number[] {
    return dim === undefined ? [...this.shape] : dimensionOf('size', this, this.shape, dim);
  }

  /** Steps between neighbours in each dimension, or in one, counted in elements. */
  stride(): number[];
  stride(dim: number): number;
  stride(dim?: number): number | number[] {
    return dim === undefined ? [...this.strides] : dimensionOf('stride', this, this.strides, dim);
  }

  /** Size of the first dimension, as JavaScript's containers have it. @throws TypeError for a 0-d tensor. */
  get length(): number {
    if (this.shape.length === 0) throw new TypeError('length of a 0-d tensor');
    return this.shape[0]!;
  }

  /** All dimensions in reverse order: a matrix transposed. */
  get T(): Tensor {
    return this.permute(this.shape.map((_, d) => this.shape.length - 1 - d));
  }

  /** The last two dimensions swapped: every matrix of a batch transposed. @throws ShapeError for a vector. */
  get mT(): Tensor {
    if (this.shape.length === 1) throw new ShapeError('mT: expects at least 2 dimensions, got 1');
    return this.shape.length === 0 ? this : this.transpose(-2, -1);
  }

  /** A matrix transposed and, if complex, conjugated. @throws ShapeError for other than 0 or 2 dimensions. */
  get H(): Tensor {
    if (this.shape.length === 0) return this.conj();
    if (this.shape.length !== 2)
      throw new ShapeError(`H: expects a matrix, got shape [${this.shape.join(', ')}]; use mH for batches`);
    return this.adjoint();
  }

  /** Every matrix of a batch transposed and, if complex, conjugated. */
  get mH(): Tensor {
    return this.shape.length === 0 ? this.conj() : this.adjoint();
  }

  /** The slices along the first dimension, for `for (const row of x)`. @throws TypeError for a 0-d tensor. */
  [Symbol.iterator](): IterableIterator<Tensor> {
    if (this.shape.length === 0) throw new TypeError('a 0-d tensor cannot be iterated over; use item()');
    return this.unbind(0)[Symbol.iterator]();
  }

  /** What PyTorch prints; without the values on devices that give them only asynchronously. See `setPrintoptions`. */
  toString(): string {
    return textOf(this);
  }

  /** What PyTorch prints, on every device. */
  toText(): Promise<string> {
    return readText(this);
  }

  [inspect](): string {
    return this.toString();
  }

  /** Whether elements lie row-major without gaps. */
  isContiguous(): boolean {
    this.#contiguous ??= isContiguous(this.shape, this.strides);
    return this.#contiguous;
  }

  isFloatingPoint(): boolean {
    return isFloating(this.dtype);
  }

  isComplex(): boolean {
    return isComplex(this.dtype);
  }

  /** Whether gradients flow to or through this tensor. Settable on leaves. */
  get requiresGrad(): boolean {
    if (this.autograd?.requiresGrad) return true;
    return this.base?.requiresGrad === true;
  }

  set requiresGrad(value: boolean) {
    if (value && !isDifferentiable(this.dtype)) {
      throw new DTypeError(`only floating point and complex tensors can require gradients, this one is ${this.dtype}`);
    }
    if (value !== this.requiresGrad) recorder('requiresGrad').setRequiresGrad(this, value);
  }

  /** The accumulated gradient, or null. */
  get grad(): Tensor | null {
    return this.autograd === null ? null : state.recorder!.grad(this);
  }

  set grad(value: Tensor | null) {
    if (value !== null || this.autograd !== null) recorder('grad').setGrad(this, value);
  }

  /** The graph node that made this tensor, or null for leaves. */
  get gradFn(): GraphNode | null {
    return this.requiresGrad ? state.recorder!.gradFn(this) : null;
  }

  /** Whether no recorded op made this tensor. */
  get isLeaf(): boolean {
    return this.gradFn === null;
  }

  /** Sets `requiresGrad` and returns the tensor. */
  requiresGrad_(value = true): this {
    this.requiresGrad = value;
    return this;
  }

  /** The same values without history, sharing memory: changing one changes the other, and autograd notices. */
  detach(): Tensor {
    return new Tensor(this.storage, this.dtype, this.shape, this.strides, this.offset);
  }

  /** Forgets the history of this very tensor. @throws AutogradError for views. */
  detach_(): this {
    if (this.base !== null) throw new AutogradError('detach_(): a view cannot be detached in place; use detach()');
    this.autograd = null;
    return this;
  }

  /** Like `detach()`, but changes through it go unnoticed by autograd, as with PyTorch's `.data`. */
  get data(): Tensor {
    return new Tensor(this.storage.alias(), this.dtype, this.shape, this.strides, this.offset);
  }

  /**
   * Lets this tensor show the memory, shape and dtype of `value` from now on, unnoticed by autograd; `requiresGrad` and
   * the tensor's identity stay. This is how a module moves to another device under an optimizer that holds its parameters.
   * @throws AutogradError for views, DTypeError when the tensor requires gradients and `value` cannot have any.
   */
  set data(value: Tensor) {
    if (this.base !== null)
      throw new AutogradError('data: a view cannot be given other memory; copy_() into it instead');
    if (this.requiresGrad && !isDifferentiable(value.dtype)) {
      throw new DTypeError(`data: this tensor requires gradients, which ${value.dtype} cannot have`);
    }
    const before = this.storage;
    const { storage, dtype, shape, strides, offset, elementCount } = value;
    Object.assign(this as object, { storage, dtype, shape, strides, offset, elementCount });
    this.#contiguous = undefined;
    storage.root.users++;
    before.release();
  }

  /**
   * Gives this tensor's memory back at once, unless other tensors show it or a graph has saved it: then when those are
   * done. Using the tensor afterwards is an error; disposing it twice is not. Only needed on devices without garbage
   * collection, and seldom there: what is not disposed is freed when JavaScript collects it.
   */
  dispose(): void {
    const { storage } = this;
    if (storage.data === null) return;
    Object.assign(this as object, { storage: storage.tombstone() });
    untrack(this);
    storage.release();
  }

  /** Whether the memory was given back by `dispose()`, `tidy()` or a scope. */
  get disposed(): boolean {
    return this.storage.data === null;
  }

  /** `using x = …`: disposes the tensor at the end of the block. */
  [disposeKey](): void {
    this.dispose();
  }

  /** @internal Shows the memory as `view`, a view of this tensor, does. Its history is up to the caller. */
  takeLayout(view: Tensor): void {
    const { shape, strides, offset, elementCount } = view;
    Object.assign(this as object, { shape, strides, offset, elementCount });
    this.#contiguous = undefined;
  }

  /**
   * Computes the gradients of this tensor by all leaves it came from and adds them to their `.grad`.
   * @param gradient of something by this tensor, same shape; may be left off for one element (then 1).
   * @throws AutogradError when autograd is not installed, nothing requires gradients, or the graph was already freed.
   */
  backward(...args: BackwardParameters): void {
    const { gradient, ...options } = backwardArguments(args);
    recorder('backward()').backward(this, gradient, options);
  }

  /** Makes `.grad` be kept for this tensor though it is no leaf. */
  retainGrad(): void {
    recorder('retainGrad()').retainGrad(this);
  }

  /** Calls `hook(grad)` whenever the gradient of this tensor is computed; what it returns replaces the gradient. */
  registerHook(hook: GradHook): RemovableHandle {
    return recorder('registerHook()').registerHook(this, hook);
  }
}

function dimensionOf(op: string, self: Tensor, list: readonly number[], dim: number): number {
  if (self.ndim === 0) throw new IndexError(`${op}(): a 0-d tensor has no dimension ${dim}`);
  return list[wrapDim(op, dim, self.ndim)]!;
}

/** Whether a value is a tensor, of this copy of the package or another. */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor || (typeof value === 'object' && value !== null && brand in value);
}
