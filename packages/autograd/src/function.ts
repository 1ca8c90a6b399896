/** @file Functions with a derivative of the user's own. */
import { AutogradError, isTensor, type Tensor, zeros } from '@flambeau/tensor';
import { isDifferentiable, state, untracked } from '@flambeau/tensor/internal';
import { edgeOf } from './history.ts';
import { type Edge, Node } from './node.ts';
import { releaseAll, SavedTensor, throwReleased } from './saved.ts';
import { Slot } from './slot.ts';

/** What `forward` leaves for `backward`: saved tensors, and any other property that the user sets. */
export class FunctionContext {
  [key: string]: unknown;
  /** Which arguments of `apply` want a gradient. */
  declare needsInputGrad: readonly boolean[];
  /** @internal */
  declare node: FunctionNode;

  constructor() {
    for (const key of ['needsInputGrad', 'node'])
      Object.defineProperty(this, key, { writable: true, enumerable: false });
  }

  /** Keeps tensors for the backward pass; changing them in place afterwards is an error there. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.node.toSave = tensors;
  }

  /** The tensors that `saveForBackward` kept. @throws AutogradError after the graph was freed, or when one was changed. */
  get savedTensors(): Tensor[] {
    return this.node.unpackSaved() as Tensor[];
  }

  /** Outputs that no gradient flows through. */
  markNonDifferentiable(...outputs: Tensor[]): void {
    for (const output of outputs) this.node.nonDifferentiable.add(output);
  }

  /** Whether missing gradients of outputs come as zeros (the default) or as null. */
  setMaterializeGrads(value: boolean): void {
    this.node.materialize = value;
  }
}

/** The static methods of a Function subclass. */
export interface FunctionClass {
  readonly name: string;
  forward(ctx: FunctionContext, ...args: never[]): Tensor | readonly Tensor[];
  backward(ctx: FunctionContext, ...grads: never[]): Tensor | null | readonly (Tensor | null)[];
}

class FunctionNode extends Node {
  readonly name: string;
  readonly #function: FunctionClass;
  readonly context: FunctionContext;
  toSave: readonly (Tensor | null)[] = [];
  materialize = true;
  readonly nonDifferentiable = new Set<Tensor>();
  #saved: readonly (SavedTensor | null)[] | null = [];
  #outputs: readonly { shape: readonly number[]; dtype: Tensor['dtype']; device: string }[] = [];

  constructor(
    fn: FunctionClass,
    next: readonly (Edge | null)[],
    outputs: number,
    context: FunctionContext,
    draft?: FunctionNode,
  ) {
    super(next, outputs);
    this.#function = fn;
    this.name = `${fn.name}Backward`;
    this.context = context;
    if (draft !== undefined) {
      this.materialize = draft.materialize;
      for (const output of draft.nonDifferentiable) this.nonDifferentiable.add(output);
    }
  }

  finish(inputs: readonly unknown[], outputs: readonly Tensor[], toSave: readonly (Tensor | null)[]): void {
    this.#outputs = outputs.map(({ shape, dtype, device }) => ({ shape, dtype, device }));
    this.#saved = toSave.map((tensor) => {
      if (tensor === null) return null;
      const output = outputs.indexOf(tensor);
      if (output >= 0) return new SavedTensor(tensor, { node: this, index: output });
      const input = inputs.indexOf(tensor);
      return new SavedTensor(tensor, input >= 0 ? this.next[input]! : null);
    });
  }

  unpackSaved(): (Tensor | null)[] {
    if (this.#saved === null) throwReleased(this);
    return this.#saved.map((slot) => (slot === null ? null : slot.unpack(this)));
  }

  apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const given = this.materialize
      ? grads.map(
          (grad, i) =>
            grad ??
            zeros(this.#outputs[i]!.shape, { dtype: this.#outputs[i]!.dtype, device: this.#outputs[i]!.device }),
        )
      : grads;
    const result = this.#function.backward(this.context, ...(given as never[]));
    const list = (Array.isArray(result) ? result : [result]) as readonly (Tensor | null)[];
    if (list.length < this.next.length && this.next.slice(list.length).some((edge) => edge !== null)) {
      throw new AutogradError(
        `${this.name}: backward() returned ${list.length} gradients for ${this.next.length} arguments of forward()`,
      );
    }
    return this.next.map((_, i) => list[i] ?? null);
  }

  override get foreign(): boolean {
    return true;
  }

  override release(): void {
    if (this.#saved !== null) releaseAll(this.#saved);
    this.#saved = null;
  }
}

function applyFunction(fn: FunctionClass, args: readonly unknown[]): Tensor | readonly Tensor[] {
  const context = new FunctionContext();
  const edges = args.map((arg) => (state.gradEnabled && isTensor(arg) ? edgeOf(arg) : null));
  const draft = new FunctionNode(fn, edges, 1, context);
  context.node = draft;
  context.needsInputGrad = edges.map((edge) => edge !== null);
  const result = untracked(() => fn.forward(context, ...(args as never[])));
  if (!edges.some((edge) => edge !== null)) return result;
  // An output that is one of the arguments becomes a tensor of its own, with a history of its own.
  const outputs = (Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor]).map((output) =>
    args.includes(output) ? output.detach() : output,
  );
  const node = new FunctionNode(fn, edges, outputs.length, context, draft);
  context.node = node;
  outputs.forEach((output, i) => {
    if (isDifferentiable(output.dtype) && !node.nonDifferentiable.has(output))
      output.autograd = new Slot(true, node, i);
  });
  node.finish(args, outputs, draft.toSave);
  return Array.isArray(result) ? outputs : outputs[0]!;
}

/**
 * A function with a derivative of its own. Subclasses have static `forward(ctx, …)` and `backward(ctx, …grads)`, which
 * returns one gradient (or null) for each argument of forward.
 *
 * ```ts
 * class Square extends Function {
 *   static override forward(ctx: FunctionContext, x: Tensor) { ctx.saveForBackward(x); return x.mul(x); }
 *   static override backward(ctx: FunctionContext, grad: Tensor) { return ctx.savedTensors[0].mul(2).mul(grad); }
 * }
 * const y = Square.apply(x);
 * ```
 */
// biome-ignore lint/suspicious/noShadowRestrictedNames: PyTorch's name.
export abstract class Function {
  static forward(_ctx: FunctionContext, ..._args: never[]): Tensor | readonly Tensor[] {
    throw new AutogradError(`${this.name} must define static forward(ctx, …)`);
  }

  static backward(_ctx: FunctionContext, ..._grads: never[]): Tensor | null | readonly (Tensor | null)[] {
    throw new AutogradError(`${this.name} must define static backward(ctx, …)`);
  }

  /** Calls forward and records it. Bound to the class, so `const square = Square.apply` works. `Result` names what forward returns. */
  static get apply(): <Result extends Tensor | readonly Tensor[] = Tensor>(...args: unknown[]) => Result {
    return <Result>(...args: unknown[]) => applyFunction(this, args) as Result;
  }
}
