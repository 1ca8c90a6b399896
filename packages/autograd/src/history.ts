/** @file Where a tensor's gradient goes: histories of leaves, of results, and of views whose memory changed. */
import {
  AutogradError,
  arange,
  type DType,
  type Tensor,
  Tensor as TensorClass,
  viewAsReal,
  zeros,
} from '@flambeau/tensor';
import {
  capacityOf,
  copyValues,
  formatShape,
  isComplex,
  isDifferentiable,
  keep,
  pairsAsComplex,
} from '@flambeau/tensor/internal';
import { AccumulateGrad } from './accumulate.ts';
import { type Edge, Node } from './node.ts';
import { type Slot, slotOf } from './slot.ts';

/** The edge that the gradient of a tensor goes along, or null when none is wanted. */
export function edgeOf(tensor: Tensor): Edge | null {
  if (!tensor.requiresGrad) return null;
  const node = gradFnOf(tensor);
  const slot = slotOf(tensor);
  if (node !== null) return { node, index: slot.outputIndex };
  slot.accumulator ??= new AccumulateGrad(tensor);
  return { node: slot.accumulator, index: 0 };
}

/** The node that made a tensor. A view whose memory was changed in place since it was made gets a new one. */
export function gradFnOf(tensor: Tensor): Node | null {
  const { base } = tensor;
  const slot = tensor.autograd as Slot | null;
  if (base === null) return slot?.gradFn ?? null;
  const epoch = (base.autograd as Slot | null)?.epoch ?? 0;
  if ((slot?.seenEpoch ?? 0) === epoch) return slot?.gradFn ?? null;
  const edge = edgeOf(base);
  const own = slotOf(tensor);
  own.seenEpoch = epoch;
  own.requiresGrad = edge !== null;
  own.gradFn = edge === null ? null : new AsStrided(edge, base, tensor);
  own.outputIndex = 0;
  return own.gradFn;
}

/** A row-major tensor seen as a view of its memory does: as complex numbers, or as their parts. */
function partsAs(dtype: DType, whole: Tensor): Tensor {
  if (isComplex(dtype) === isComplex(whole.dtype)) return whole;
  return isComplex(dtype) ? pairsAsComplex(whole) : viewAsReal(whole);
}

/** Where a view lies in its base, in terms that hold for row-major tensors of the base's shape. */
class Region {
  readonly #dtype: DType;
  readonly #shape: readonly number[];
  readonly #strides: readonly number[];
  readonly #offset: number;
  /** Row-major positions in the base of the view's elements, when the base itself is not row-major. */
  readonly #positions: Tensor | null;

  constructor(base: Tensor, view: Tensor) {
    const whole = partsAs(view.dtype, base.detach());
    this.#dtype = view.dtype;
    this.#shape = view.shape;
    this.#strides = view.strides;
    this.#offset = view.offset - whole.offset;
    this.#positions = whole.isContiguous() ? null : positionsOf(whole, view);
  }

  /** The part of `whole`, a row-major tensor of the base's shape, that the view shows. A copy. */
  read(whole: Tensor): Tensor {
    const parts = partsAs(this.#dtype, whole.contiguous());
    if (this.#positions === null)
      return parts.asStrided(this.#shape, this.#strides, parts.offset + this.#offset).clone();
    return parts.flatten().take(this.#positions);
  }

  /** A copy of `whole` with that part replaced. */
  replace(whole: Tensor, part: Tensor | null): Tensor {
    const out = whole.clone();
    if (this.#positions === null) {
      const target = partsAs(this.#dtype, out).asStrided(this.#shape, this.#strides, this.#offset);
      if (part === null) target.zero_();
      else target.copy_(part);
      return out;
    }
    const flat = this.#positions.flatten();
    const parts = partsAs(this.#dtype, out);
    const values = part === null ? zeros([flat.length], { dtype: parts.dtype, device: whole.device }) : part.flatten();
    return partsAs(whole.dtype, parts.flatten().indexCopy(0, flat, values).view(parts.shape));
  }
}

/** Row-major positions in `base` of the elements of `view`: numbers written through base's layout, read through view's. */
function positionsOf(base: Tensor, view: Tensor): Tensor {
  const { device } = base;
  const memory = zeros([capacityOf(base)], { dtype: 'int32', device });
  copyValues(
    new TensorClass(memory.storage, 'int32', base.shape, base.strides, base.offset),
    arange(base.elementCount, { device, dtype: 'int32' }).view(base.shape),
  );
  // The node outlives the scopes that are open now.
  return keep(new TensorClass(memory.storage, 'int32', view.shape, view.strides, view.offset).clone());
}

/** Makes a view out of its base again, after the base got a new history. */
class AsStrided extends Node {
  readonly name = 'AsStridedBackward0';
  readonly #region: Region;
  readonly #shape: readonly number[];
  readonly #dtype: DType;

  constructor(base: Edge, whole: Tensor, view: Tensor) {
    super([base], 1);
    this.#region = new Region(whole, view);
    this.#shape = whole.shape;
    this.#dtype = whole.dtype;
  }

  apply([grad]: readonly (Tensor | null)[]): readonly Tensor[] {
    const whole = zeros(this.#shape, { dtype: this.#dtype, device: grad!.device });
    return [this.#region.replace(whole, grad!)];
  }
}

/** The base of a view that was overwritten: the old base outside the view, the new values inside. */
class CopySlices extends Node {
  readonly name = 'CopySlices';
  readonly #region: Region;

  constructor(base: Edge | null, values: Edge | null, whole: Tensor, view: Tensor) {
    super([base, values], 1);
    this.#region = new Region(whole, view);
  }

  apply([grad]: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const [base, values] = this.next;
    return [
      base === null ? null : this.#region.replace(grad!, null),
      values === null ? null : this.#region.read(grad!),
    ];
  }
}

function setHistory(tensor: Tensor, edge: Edge | null): void {
  const slot = slotOf(tensor);
  slot.requiresGrad = edge !== null;
  slot.gradFn = edge?.node ?? null;
  slot.outputIndex = edge?.index ?? 0;
  slot.accumulator = null;
  slot.epoch++;
}

/** `self` was just overwritten with `result`: its history becomes result's, and so does that of its memory. */
export function adopt(self: Tensor, result: Tensor): void {
  const values = edgeOf(result.dtype === self.dtype ? result : result.to(self.dtype));
  const { base } = self;
  if (base === null) setHistory(self, values);
  else setHistory(base, { node: new CopySlices(edgeOf(base), values, base, self), index: 0 });
}

/** @throws AutogradError for an in-place change of a leaf that requires grad, or of a view of one. */
export function checkInplace(op: string, self: Tensor): void {
  if (!self.requiresGrad) return;
  const owner = self.base?.requiresGrad ? self.base : self;
  if (gradFnOf(owner) !== null) return;
  const what = owner === self ? 'a leaf tensor that requires grad' : 'a view of a leaf tensor that requires grad';
  throw new AutogradError(`${op}(): ${what} cannot be changed in place; do it inside noGrad(() => …), or on a clone()`);
}

/** Makes a leaf require gradients or not. @throws AutogradError for results of recorded ops. */
export function setRequiresGrad(self: Tensor, value: boolean): void {
  if (gradFnOf(self) !== null && self.requiresGrad) {
    throw new AutogradError('requiresGrad can only be changed on leaf tensors; use detach() to stop gradients here');
  }
  slotOf(self).requiresGrad = value;
}

/** Sets `.grad`. @throws AutogradError for another shape, dtype or device. */
export function setGrad(self: Tensor, value: Tensor | null): void {
  if (value !== null) {
    if (!isDifferentiable(self.dtype)) throw new AutogradError(`grad of a ${self.dtype} tensor cannot be set`);
    if (value.shape.join() !== self.shape.join() || value.dtype !== self.dtype || value.device !== self.device) {
      throw new AutogradError(
        `grad must be like its tensor: got ${value.dtype} ${formatShape(value.shape)} on '${value.device}' for ${self.dtype} ${formatShape(self.shape)} on '${self.device}'`,
      );
    }
    value.storage.claimed = true;
    keep(value);
  }
  slotOf(self).replaceGrad(value, true);
}
