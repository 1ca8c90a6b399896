/** @file The graph nodes of users' functions. */
import { AutogradError, isTensor, noGrad, type Tensor, zeros } from '@flambeau/tensor';
import { commonShape, formatShape, sameShape } from '@flambeau/tensor/internal';
import type { FunctionContext } from './function.ts';
import { type Edge, Node } from './node.ts';
import { refusingGradients } from './once.ts';
import type { InputMeta } from './rule.ts';
import { releaseAll, SavedTensor, throwReleased } from './saved.ts';

type Gradients = Tensor | null | readonly (Tensor | null)[];

/** The static methods of a Function subclass. */
export interface FunctionClass {
  readonly name: string;
  forward(ctx: FunctionContext, ...args: never[]): Tensor | readonly Tensor[];
  backward(ctx: FunctionContext, ...grads: never[]): Gradients;
}

const metaOf = (value: unknown): InputMeta | null =>
  isTensor(value) ? { shape: value.shape, dtype: value.dtype, device: value.device } : null;

export class FunctionNode extends Node {
  readonly ownName: string;
  readonly #function: FunctionClass;
  readonly #context: FunctionContext;
  /** Which arguments of forward are tensors, and what their gradients must be like. */
  readonly #inputs: readonly (InputMeta | null)[];
  readonly #outputs: readonly (InputMeta | null)[];
  #saved: readonly (SavedTensor | null)[] | null;

  constructor(
    fn: FunctionClass,
    inputs: readonly unknown[],
    next: readonly (Edge | null)[],
    outputs: readonly unknown[],
    context: FunctionContext,
  ) {
    super(next, outputs.length);
    this.#function = fn;
    this.ownName = `${fn.name}Backward`;
    this.#context = context;
    this.#inputs = inputs.map(metaOf);
    this.#outputs = outputs.map(metaOf);
    this.#saved = context.marks.save.map((tensor) => {
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

  /** PyTorch's node has edges for the tensors among the arguments. */
  override get shown(): readonly (Edge | null)[] {
    return this.next.filter((_, i) => this.#inputs[i] !== null);
  }

  override get foreign(): boolean {
    return true;
  }

  apply(grads: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
    const given = this.#context.marks.materialize ? grads.map((grad, i) => grad ?? this.#zeros(i)) : grads;
    const result = this.#function.backward(this.#context, ...(given as never[]));
    const list = (Array.isArray(result) ? result : [result]) as readonly (Tensor | null | undefined)[];
    return this.#checked(list);
  }

  #zeros(output: number): Tensor | null {
    const meta = this.#outputs[output]!;
    return meta && zeros([...meta.shape], { dtype: meta.dtype, device: meta.device });
  }

  /** One gradient for each argument, of its shape and dtype. @throws AutogradError when there are more or fewer, or one does not fit. */
  #checked(list: readonly (Tensor | null | undefined)[]): (Tensor | null)[] {
    const expected = this.#inputs.length;
    if (list.length < expected || list.slice(expected).some((grad) => grad)) {
      throw new AutogradError(
        `${this.name}: backward() returned an incorrect number of gradients: expected ${expected}, one (or null) for each argument of forward(), got ${list.length}`,
      );
    }
    return this.#inputs.map((meta, i) => {
      const grad = list[i] ?? null;
      if (grad === null) return null;
      if (!isTensor(grad)) throw new AutogradError(`${this.name}: gradient ${i} is no tensor but a ${typeof grad}`);
      if (meta === null) {
        throw new AutogradError(
          `${this.name}: backward() returned a gradient at position ${i}, but argument ${i} of forward() was no tensor; return null for it`,
        );
      }
      return this.next[i] === null ? null : this.#fitted(grad, meta, i);
    });
  }

  /** A gradient as the input needs it: broadcast dimensions are summed, as in PyTorch. */
  #fitted(grad: Tensor, { shape, dtype, device }: InputMeta, i: number): Tensor {
    if (!sameShape(grad.shape, shape) && !broadcastsTo(shape, grad.shape)) {
      throw new AutogradError(
        `${this.name}: backward() returned an invalid gradient at index ${i}: got shape ${formatShape(grad.shape)}, expected one compatible with ${formatShape(shape)}`,
      );
    }
    if (grad.device !== device) {
      throw new AutogradError(
        `${this.name}: backward() returned an invalid gradient at index ${i}: got it on '${grad.device}', expected '${device}'`,
      );
    }
    const summed = sameShape(grad.shape, shape) ? grad : grad.sumToSize([...shape]);
    return summed.dtype === dtype ? summed : summed.to(dtype);
  }

  override release(): void {
    if (this.#saved === null || this.#saved.length === 0) return;
    releaseAll(this.#saved);
    this.#saved = null;
  }
}

/** Whether a tensor of `shape` expands to `wide`. */
function broadcastsTo(shape: readonly number[], wide: readonly number[]): boolean {
  if (shape.length > wide.length) return false;
  try {
    return sameShape(commonShape('backward', shape, wide), wide);
  } catch {
    return false;
  }
}

/**
 * A `backward` that cannot be differentiated again: it runs without recording, and a derivative of its results is an
 * AutogradError, not a wrong number.
 *
 * ```ts
 * class Cube extends Function {
 *   static override forward(ctx: FunctionContext, x: Tensor) { ctx.saveForBackward(x); return x.pow(3); }
 *   static override backward = onceDifferentiable((ctx: FunctionContext, grad: Tensor) => ctx.savedTensors[0]!.pow(2).mul(3).mul(grad));
 * }
 * ```
 */
export function onceDifferentiable<Args extends readonly unknown[], Result extends Gradients>(
  backward: (ctx: FunctionContext, ...grads: Args) => Result,
): (ctx: FunctionContext, ...grads: Args) => Result {
  return (ctx, ...grads) => {
    const result = noGrad(() => backward(ctx, ...grads));
    const list = (Array.isArray(result) ? result : [result]) as readonly (Tensor | null)[];
    const refusing = refusingGradients(
      'trying to differentiate twice a function that was marked with onceDifferentiable',
      grads,
      list,
    );
    return (Array.isArray(result) ? refusing : refusing[0]) as Result;
  };
}
