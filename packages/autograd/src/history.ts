/** @file Where a tensor's gradient goes: histories of leaves, of results, and of views whose memory changed. */
import {
  AutogradError,
  arange,
  type DType,
  isTensor,
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
  state,
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

/** The edges of the arguments of a call, null for those that are no tensors or want no gradient now. */
export function edgesOf(args: readonly unknown[]): (Edge | null)[] {
  return args.map((arg) => (state.gradEnabled && isTensor(arg) ? edgeOf(arg) : null));
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

/** Lets the node that made `output` show itself as one `name` with edges to `inputs`, unless it made one of these. */
export function showAs(name: string, inputs: readonly (Tensor | null)[], output: Tensor): void {
  const node = gradFnOf(output);
  const edges = inputs.map((input) => (input === null ? null : edgeOf(input)));
  if (node !== null && edges.every((edge) => edge?.node !== node)) node.face = { name, edges };
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
  readonly ownName = 'AsStridedBackward0';
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
  readonly ownName = 'CopySlices';
  readonly #region: Region;

  constructor(base: Edge | null, values: Edge | null, whole: Tensor, view: Tensor) {
    super([base, values], 1);
    this.#region = new Region(whole, view);
  }

  /** PyTorch's node has that of the new values inside, and its edges, with the base for the view. */
  override get shown(): readonly (Edge | null)[] {
    const [base, values] = this.next;
    return [base!, ...(values?.node.shown.slice(1) ?? [])];
  }

  apply([grad]: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const [base, values] = this.next;
    return [
      base === null ? null : this.#region.replace(grad!, null),
      values === null ? null : this.#region.read(grad!),
    ];
  }
}

/** Has the gradient that arrives at `edge` kept in the slot's `grad`. */
function keepGradOf(slot: Slot, { node, index }: Edge): void {
  node.hooked().keep(index, (grad) => {
    grad.storage.claimed = true;
    slot.replaceGrad(keep(slot.grad === null ? grad : slot.grad.add(grad)), true);
  });
}

/** Makes `.grad` be kept for a tensor that is no leaf. @throws AutogradError for one that does not require grad. */
export function retainGrad(self: Tensor): void {
  if (!self.requiresGrad) throw new AutogradError('retainGrad(): the tensor does not require grad');
  const slot = slotOf(self);
  if (gradFnOf(self) === null || slot.retainsGrad) return;
  slot.retainsGrad = true;
  keepGradOf(slot, edgeOf(self)!);
}

/** Gives a tensor another history. What `retainGrad` keeps is the gradient of its newest values, as in PyTorch. */
function setHistory(tensor: Tensor, edge: Edge | null): void {
  const slot = slotOf(tensor);
  if (slot.retainsGrad && slot.gradFn !== null) slot.gradFn.hooks?.keep(slot.outputIndex, null);
  slot.retainsGrad &&= edge !== null;
  if (slot.retainsGrad) keepGradOf(slot, edge!);
  slot.requiresGrad = edge !== null;
  slot.gradFn = edge?.node ?? null;
  slot.outputIndex = edge?.index ?? 0;
  slot.accumulator = null;
  slot.epoch++;
}

/** The values of `self` were just changed in place, by what `edge` leads to: its history begins there, and so does that of its memory. */
export function rebase(self: Tensor, edge: Edge | null): void {
  const { base } = self;
  if (base === null) setHistory(self, edge);
  else setHistory(base, { node: new CopySlices(edgeOf(base), edge, base, self), index: 0 });
}

/** `self` was just overwritten with `result`, whose history it gets. */
export function adopt(self: Tensor, result: Tensor): void {
  rebase(self, edgeOf(result.dtype === self.dtype ? result : result.to(self.dtype)));
}

const restrictions = {
  multiple:
    'is a view and is being modified inplace. This view is the output of a function that returns multiple views. ' +
    'Such functions do not allow the output views to be modified inplace. Use the out-of-place form of that operation, or clone() the view first',
  function:
    'is a view and is being modified inplace. This view was created inside a custom Function (or because an input was returned as-is), ' +
    'whose backward() the change would bypass; return a clone() from forward()',
  noGrad:
    'is a view that was created in noGrad mode and is being modified inplace with grad mode enabled, where it is not clear whether the change ' +
    'is to be recorded. Make both the view and the change inside noGrad(() => …), or both outside',
};

/** @throws AutogradError when `self` is a view that may not be changed in place where that is recorded. */
function checkView(op: string, self: Tensor): void {
  const { restriction } = self;
  if (restriction === null) return;
  const node = gradFnOf(self);
  const what = node === null ? 'the tensor' : `output ${slotOf(self).outputIndex} of ${node.name}`;
  throw new AutogradError(`${op}(): ${what} ${restrictions[restriction]}`);
}

/**
 * Before an in-place change that is recorded.
 * @throws AutogradError for a leaf that requires grad or a view of one, and for views that may not be changed.
 */
export function checkInplace(op: string, self: Tensor): void {
  checkView(op, self);
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
