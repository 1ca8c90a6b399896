/** @file Functions with a derivative of the user's own. */
import { AutogradError, isTensor, noGrad, type Tensor } from '@flambeau/tensor';
import { isDifferentiable } from '@flambeau/tensor/internal';
import { type FunctionClass, FunctionNode } from './function-node.ts';
import { checkInplace, edgesOf, rebase } from './history.ts';
import { Slot } from './slot.ts';

/** What `forward` leaves for `backward`: saved tensors, and any other property that the user sets. */
export class FunctionContext {
  [key: string]: unknown;
  /** Which arguments of `apply` want a gradient. */
  declare needsInputGrad: readonly boolean[];
  /** @internal */
  declare node: FunctionNode | null;
  /** @internal What forward has said so far. */
  declare marks: Marks;

  constructor() {
    for (const key of ['needsInputGrad', 'node', 'marks'])
      Object.defineProperty(this, key, { writable: true, enumerable: false });
    this.node = null;
    this.marks = { save: [], dirty: new Set(), nonDifferentiable: new Set(), materialize: true };
  }

  /** Keeps tensors for the backward pass; changing them in place afterwards is an error there. */
  saveForBackward(...tensors: (Tensor | null)[]): void {
    this.marks.save = tensors;
  }

  /** The tensors that `saveForBackward` kept. @throws AutogradError after the graph was freed, or when one was changed. */
  get savedTensors(): Tensor[] {
    return (this.node === null ? this.marks.save : this.node.unpackSaved()) as Tensor[];
  }

  /** Arguments that forward has changed in place. All of them must be among its results. */
  markDirty(...inputs: Tensor[]): void {
    for (const input of inputs) this.marks.dirty.add(input);
  }

  /** Outputs that no gradient flows through. */
  markNonDifferentiable(...outputs: Tensor[]): void {
    for (const output of outputs) this.marks.nonDifferentiable.add(output);
  }

  /** Whether missing gradients of outputs come as zeros (the default) or as null. */
  setMaterializeGrads(value: boolean): void {
    this.marks.materialize = value;
  }
}

/** What forward says by the methods of its context. */
export interface Marks {
  save: readonly (Tensor | null)[];
  readonly dirty: Set<Tensor>;
  readonly nonDifferentiable: Set<Tensor>;
  materialize: boolean;
}

/** @throws AutogradError for an argument that forward has changed and does not return. */
function checkDirty(
  name: string,
  dirty: ReadonlySet<Tensor>,
  args: readonly unknown[],
  results: readonly unknown[],
): void {
  for (const tensor of dirty) {
    if (args.includes(tensor) && results.includes(tensor)) continue;
    throw new AutogradError(
      `${name}: markDirty() takes arguments of forward() that it has changed in place, and forward() must return all of them`,
    );
  }
}

function applyFunction(fn: FunctionClass, args: readonly unknown[]): unknown {
  const context = new FunctionContext();
  const { marks } = context;
  const edges = edgesOf(args);
  context.needsInputGrad = edges.map((edge) => edge !== null);
  const result: unknown = noGrad(() => fn.forward(context, ...(args as never[])));
  const several = Array.isArray(result);
  const results = (several ? result : [result]) as readonly unknown[];
  checkDirty(fn.name, marks.dirty, args, results);
  if (!edges.some((edge) => edge !== null)) return result;
  for (const tensor of marks.dirty) checkInplace(fn.name, tensor);
  // An output that is one of the arguments becomes a tensor of its own, with a history of its own.
  const outputs = results.map((output) =>
    isTensor(output) && args.includes(output) && !marks.dirty.has(output) ? output.detach() : output,
  );
  const node = new FunctionNode(fn, args, edges, outputs, context);
  context.node = node;
  outputs.forEach((output, i) => {
    if (!isTensor(output) || !isDifferentiable(output.dtype)) return;
    const stops = marks.nonDifferentiable.has(results[i] as Tensor);
    if (marks.dirty.has(output)) rebase(output, stops ? null : { node, index: i });
    else if (!stops) {
      output.autograd = new Slot(true, node, i);
      const shared = args.some((arg) => isTensor(arg) && arg.storage.root === output.storage.root);
      output.restriction = shared ? 'function' : null;
    }
  });
  return several ? outputs : outputs[0];
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
