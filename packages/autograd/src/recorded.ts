/** @file Nodes of recorded ops: of the derivative table, and of pointwise entries. */
import type { Scalar, Tensor } from '@flambeau/tensor';
import {
  type BackwardPlan,
  callPointwiseAll,
  isComplex,
  isDifferentiable,
  nodeName,
  type OpAttributes,
  type Pointwise,
  type RecordedInput,
  type RecordedOp,
  sameShape,
  state,
} from '@flambeau/tensor/internal';
import { rules } from './derivatives/index.ts';
import { edgeOf } from './history.ts';
import { type Edge, Node } from './node.ts';
import type { InputMeta, Rule } from './rule.ts';
import { releaseAll, SavedTensor, throwReleased } from './saved.ts';
import { Slot } from './slot.ts';

const isTensorInput = (input: RecordedInput): input is Tensor => typeof input === 'object' && input !== null;

const wantsGradient = (input: RecordedInput): input is Tensor =>
  isTensorInput(input) && input.requiresGrad && isDifferentiable(input.dtype);

/** Makes the differentiable ones of `outputs` the results of `node`. */
function attach(node: Node, outputs: readonly Tensor[]): void {
  for (let i = 0; i < outputs.length; i++) {
    const output = outputs[i]!;
    if (!isDifferentiable(output.dtype)) continue;
    const slot = new Slot(true, node, i);
    if (output.base !== null) slot.seenEpoch = (output.base.autograd as Slot | null)?.epoch ?? 0;
    output.autograd = slot;
  }
}

/** Of the complex gradient of a real input only the real part counts. */
function fitting(grad: Tensor | null | undefined, input: InputMeta | null | undefined): Tensor | null | undefined {
  return grad && input && isComplex(grad.dtype) && !isComplex(input.dtype) ? grad.to(input.dtype) : grad;
}

/** A call of an op that the derivative table has a rule for. */
class RuleNode extends Node {
  readonly ownName: string;
  readonly inputs: readonly (InputMeta | null)[];
  readonly #rule: Rule<RecordedOp>;
  readonly #attributes: OpAttributes[RecordedOp];
  readonly #needs: readonly boolean[];
  #saved: readonly (SavedTensor | null)[] | null = null;

  constructor(op: RecordedOp, inputs: readonly (Tensor | null)[], outputs: readonly Tensor[], attributes: object) {
    const needs = inputs.map(wantsGradient);
    const next = inputs.map((input, i) => (needs[i] ? edgeOf(input!) : null));
    super(next, outputs.length);
    const rule = rules[op] as unknown as Rule<RecordedOp>;
    this.#rule = rule;
    this.#attributes = attributes as OpAttributes[RecordedOp];
    this.#needs = needs;
    this.inputs = inputs.map((x) => (x === null ? null : { shape: x.shape, dtype: x.dtype, device: x.device }));
    const { node } = rule;
    this.ownName =
      typeof node === 'function' ? node(this.#attributes) : (node ?? `${op[0]!.toUpperCase()}${op.slice(1)}Backward0`);
    const keep = rule.save?.({ inputs, outputs, attributes: this.#attributes, needs }) ?? [];
    this.#saved = keep.map((tensor) =>
      tensor ? new SavedTensor(tensor, this.#edgeFor(tensor, inputs, outputs)) : null,
    );
  }

  override get shown(): readonly (Edge | null)[] {
    const places = this.#rule.shown?.(this.#attributes);
    if (places !== undefined) return places.map((place) => this.next[place] ?? null);
    return this.next.filter((_, i) => isDifferentiable(this.inputs[i]?.dtype ?? 'float32'));
  }

  #edgeFor(tensor: Tensor, inputs: readonly (Tensor | null)[], outputs: readonly Tensor[]): Edge | null {
    const output = outputs.indexOf(tensor);
    if (output >= 0) return isDifferentiable(tensor.dtype) ? { node: this, index: output } : null;
    const input = inputs.indexOf(tensor);
    return input >= 0 ? this.next[input]! : null;
  }

  apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null | undefined)[] {
    if (this.#saved === null) throwReleased(this);
    const saved = this.#saved.map((slot) => (slot === null ? null : slot.unpack(this)));
    const context = { attributes: this.#attributes, needs: this.#needs, inputs: this.inputs, saved: saved as Tensor[] };
    return this.#rule.backward(context, ...(grads as Tensor[])).map((grad, i) => fitting(grad, this.inputs[i]));
  }

  override release(): void {
    if (this.#saved === null || this.#saved.length === 0) return;
    releaseAll(this.#saved);
    this.#saved = null;
  }
}

/** PyTorch makes tensors of the numbers among the operands of these, so that their nodes have an edge for them. */
const wrapsNumbers = new Set(['AddBackward0', 'SubBackward0', 'MulBackward0', 'DivBackward0', 'WhereBackward0']);

/** A call of a pointwise op: its derivative is a kernel that comes from its expression. */
class PointwiseNode extends Node {
  readonly #op: Pointwise;
  readonly #plan: BackwardPlan;
  /** Positions of the inputs that want a gradient, in the order of the plan's outputs. */
  readonly #wanted: readonly number[];
  readonly #inputs: readonly (Tensor | null)[] | readonly (InputMeta | null)[];
  #reads: readonly (SavedTensor | Scalar | null)[] | null;
  readonly #savesTensors: boolean;
  /** Which inputs are tensors: a bit for each. */
  readonly #tensors: number;

  constructor(op: Pointwise, args: readonly RecordedInput[], outputs: readonly Tensor[]) {
    const next: (Edge | null)[] = [];
    const wanted: number[] = [];
    const inputs: (InputMeta | null)[] = [];
    let needs = 0;
    let tensors = 0;
    let complex = isComplex(outputs[0]!.dtype);
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (isTensorInput(arg)) tensors |= 1 << i;
      if (isTensorInput(arg) && isComplex(arg.dtype)) complex = true;
      if (wantsGradient(arg) && !op.conditions?.includes(i)) {
        needs |= 1 << i;
        wanted.push(i);
        next.push(edgeOf(arg));
        inputs.push({ shape: arg.shape, dtype: arg.dtype, device: arg.storage.device });
      } else {
        next.push(null);
        inputs.push(null);
      }
    }
    super(next, outputs.length);
    this.#op = op;
    this.#tensors = tensors;
    this.#wanted = wanted;
    this.#inputs = inputs;
    this.#plan = op.backward(needs, complex);
    let savesTensors = false;
    this.#reads = this.#plan.reads.map((read) => {
      if (read === 'grad') return null;
      savesTensors = true;
      if (read === 'result') return new SavedTensor(outputs[0]!, { node: this, index: 0 });
      const arg = args[read] as Tensor | Scalar;
      return isTensorInput(arg) ? new SavedTensor(arg, next[read] ?? null) : arg;
    });
    this.#savesTensors = savesTensors;
  }

  get ownName(): string {
    return nodeName(this.#op);
  }

  override get shown(): readonly (Edge | null)[] {
    const { arity, parameters = 0, conditions } = this.#op;
    const numbers = wrapsNumbers.has(this.ownName);
    const operand = (i: number): boolean => i < arity - parameters && !conditions?.includes(i);
    return this.next.filter((edge, i) => edge !== null || (operand(i) && (numbers || this.#tensors & (1 << i))));
  }

  apply([grad]: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    if (this.#reads === null) throwReleased(this);
    const gradients = this.#gradients(grad!);
    const results = new Array<Tensor | null>(this.next.length).fill(null);
    for (let i = 0; i < gradients.length; i++) {
      const place = this.#wanted[i]!;
      const meta = this.#inputs[place]!;
      let result = gradients[i]!;
      if (!sameShape(result.shape, meta.shape)) result = result.sumToSize(meta.shape);
      results[place] = result.dtype === meta.dtype ? result : result.to(meta.dtype);
    }
    return results;
  }

  /** The gradients of the wanted inputs in the shape of the result. */
  #gradients(grad: Tensor): Tensor[] {
    const { op, reads, outputs } = this.#plan;
    if (outputs.every((output) => output === 'grad')) return outputs.map(() => grad);
    const values = reads.map((_, i) => {
      const saved = this.#reads![i]!;
      return saved === null ? grad : saved instanceof SavedTensor ? saved.unpack(this) : saved;
    });
    if (!state.gradEnabled || op.expressions.length === 1) {
      const results = callPointwiseAll(op, values);
      return outputs.map((output) => (output === 'grad' ? grad : results[output]!));
    }
    // A graph of this pass is being built: one op for each gradient, because derivatives are of single results.
    return this.#wanted.map((place) => {
      const single = this.#op.backward(1 << place, this.#plan.complex);
      if (single.outputs[0] === 'grad') return grad;
      return callPointwiseAll(
        single.op,
        single.reads.map((read) => values[reads.indexOf(read)]!),
      )[0]!;
    });
  }

  override release(): void {
    if (!this.#savesTensors || this.#reads === null) return;
    releaseAll(this.#reads);
    this.#reads = null;
  }
}

export function recordRule(
  op: RecordedOp,
  inputs: readonly RecordedInput[],
  outputs: readonly Tensor[],
  attributes: object,
): void {
  const tensors = inputs.map((input) => (isTensorInput(input) ? input : null));
  if (!tensors.some(wantsGradient) || !outputs.some((output) => isDifferentiable(output.dtype))) return;
  attach(new RuleNode(op, tensors, outputs, attributes), outputs);
}

export function recordPointwise(op: Pointwise, args: readonly RecordedInput[], outputs: readonly Tensor[]): void {
  if (!isDifferentiable(outputs[0]!.dtype)) return;
  for (let i = 0; i < args.length; i++) {
    if (!wantsGradient(args[i]) || op.conditions?.includes(i)) continue;
    attach(new PointwiseNode(op, args, outputs), outputs);
    return;
  }
}
