/**
 * @file The seam between ops and automatic differentiation. This package knows that an op call may be recorded, not
 * how: @flambeau/autograd registers a {@link Recorder} when it is imported.
 */
import { AutogradError } from './errors.ts';
import type { OpAttributes } from './op-attributes.ts';
import type { Pointwise } from './pointwise.ts';
import { state } from './state.ts';
import type { Tensor } from './tensor.ts';

/** A node of the recorded graph as users see it. */
export interface GraphNode {
  /** PyTorch's name, e.g. `'AddBackward0'`. */
  readonly name: string;
  /** Where gradients go on: a node (or null) for each differentiable input, and which of its outputs. */
  readonly nextFunctions: readonly (readonly [GraphNode | null, number])[];
  /** `'AccumulateGrad'` nodes: the leaf whose gradient ends there. */
  readonly variable?: Tensor | undefined;
  /**
   * Calls `hook(gradInputs, gradOutputs)` after the node has run in a backward pass: the gradients that it made, and those
   * that it made them from. A list that it returns goes on instead of `gradInputs`.
   */
  registerHook(hook: NodeHook): RemovableHandle;
  /** Calls `hook(gradOutputs)` before the node runs; a list that it returns is used instead. */
  registerPrehook(hook: NodePrehook): RemovableHandle;
}

/** What automatic differentiation keeps with a tensor. Owned by the recorder; null on tensors that it never saw. */
export interface AutogradSlot {
  requiresGrad: boolean;
}

export interface BackwardOptions {
  /** Keeps what the graph has saved, for another pass. Default: the value of `createGraph`. */
  retainGraph?: boolean | null | undefined;
  /** Records the pass, for derivatives of derivatives. */
  createGraph?: boolean | undefined;
  /** Only these get gradients. */
  inputs?: Tensor | readonly Tensor[] | null | undefined;
}

export interface RemovableHandle {
  remove(): void;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is no error.
type Nothing = null | undefined | void;

export type GradHook = (grad: Tensor) => Tensor | Nothing;

/** A hook that sees a node's gradients after it ran, and one that sees what it gets. */
export type NodeHook = (
  gradInputs: readonly (Tensor | null)[],
  gradOutputs: readonly (Tensor | null)[],
) => readonly (Tensor | null)[] | Nothing;
export type NodePrehook = (gradOutputs: readonly (Tensor | null)[]) => readonly (Tensor | null)[] | Nothing;

/** Names of the ops that record themselves and that autograd has a derivative for. */
export type RecordedOp = keyof OpAttributes;

/** An argument of a recorded op: pointwise ops have scalars among theirs. */
export type RecordedInput = Tensor | number | bigint | boolean | null | undefined;

export interface Recorder {
  /** Makes `outputs` the results of `op`. Called only while gradients are enabled and some input requires them. */
  record(op: RecordedOp, inputs: readonly RecordedInput[], outputs: readonly Tensor[], attributes: object): void;
  recordPointwise(op: Pointwise, inputs: readonly RecordedInput[], outputs: readonly Tensor[]): void;
  /** `self` was just overwritten with the values of `result`: its history becomes result's. */
  adopt(self: Tensor, result: Tensor): void;
  /** @throws AutogradError when an in-place change of `self` is not allowed (a leaf that requires grad). */
  checkInplace(op: string, self: Tensor): void;
  setRequiresGrad(self: Tensor, value: boolean): void;
  grad(self: Tensor): Tensor | null;
  /** The same for a caller who will not keep it. */
  peekGrad(self: Tensor): Tensor | null;
  setGrad(self: Tensor, value: Tensor | null): void;
  gradFn(self: Tensor): GraphNode | null;
  /** Lets the node that made `output` show itself as one `node` with edges to `inputs`. */
  showAs(node: string, inputs: readonly (Tensor | null)[], output: Tensor): void;
  retainGrad(self: Tensor): void;
  registerHook(self: Tensor, hook: GradHook): RemovableHandle;
  backward(self: Tensor, gradient: Tensor | null, options: BackwardOptions): void;
}

/** The recorder. @throws AutogradError naming the package when it is not installed. */
export function recorder(what: string): Recorder {
  if (state.recorder !== null) return state.recorder;
  throw new AutogradError(
    `${what} needs automatic differentiation: add \`import '@flambeau/autograd'\` (the flambeau package does so)`,
  );
}

/** `x.grad` for the library's own reading: unlike the property it promises not to keep the tensor. */
export function gradOf(x: Tensor): Tensor | null {
  return x.autograd === null ? null : state.recorder!.peekGrad(x);
}

/** Drops the gradients of tensors, or fills them with zeros: what `zeroGrad()` of modules and optimizers does. */
export function clearGradients(
  tensors: Iterable<Tensor>,
  { setToNone = true }: { setToNone?: boolean | undefined },
): void {
  for (const tensor of tensors) {
    const grad = gradOf(tensor);
    if (grad === null) continue;
    if (setToNone) tensor.grad = null;
    else grad.detach().zero_();
  }
}

/** Whether a call with this input is to be recorded. */
export function tracks(input: RecordedInput): boolean {
  if (typeof input !== 'object' || input === null) return false;
  // A view that autograd has not seen yet may show memory that was given a history since.
  return (input.autograd !== null || input.base !== null) && input.requiresGrad;
}

/**
 * The result of a composition that is a single node in PyTorch's graph: its last node shows itself with that node's name
 * and edges to `inputs`. Gradients go through all nodes all the same.
 */
export function shownAs(node: string, inputs: readonly (Tensor | null)[], output: Tensor): Tensor {
  if (state.gradEnabled && tracks(output)) state.recorder!.showAs(node, inputs, output);
  return output;
}

/** Records a call of `op` when gradients are wanted, and returns `output`. */
export function record<Op extends RecordedOp, Out extends Tensor | readonly Tensor[]>(
  op: Op,
  inputs: readonly (Tensor | null | undefined)[],
  output: Out,
  attributes: OpAttributes[Op],
): Out {
  if (state.gradEnabled) {
    for (let i = 0; i < inputs.length; i++) {
      if (!tracks(inputs[i])) continue;
      const outputs = Array.isArray(output) ? (output as readonly Tensor[]) : [output as Tensor];
      state.recorder!.record(op, inputs, outputs, attributes);
      break;
    }
  }
  return output;
}
