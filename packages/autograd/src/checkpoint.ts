/** @file Checkpointing: less memory for more time, by computing parts of the forward pass again in the backward pass. */
import { AutogradError, enableGrad, getRngState, isTensor, noGrad, type Tensor } from '@flambeau/tensor';
import { checkOptions, currentMode, isPlainObject, state } from '@flambeau/tensor/internal';
import { partialPass } from './engine.ts';
// biome-ignore lint/suspicious/noShadowRestrictedNames: PyTorch's name.
import { Function, type FunctionContext } from './function.ts';
import { withGeneratorAt } from './random-state.ts';
import { backward } from './recorder.ts';
import { saveBy } from './saved.ts';

export interface CheckpointOptions {
  /**
   * How: false (the default here; PyTorch asks to say which) saves nothing and computes again what the backward pass asks
   * for; it works with `grad()`, and with inputs that need no gradient. True runs a backward pass of its own within the
   * backward pass: at least one input must require gradients, and only `backward()` without `inputs` works.
   */
  useReentrant?: boolean | undefined;
  /** Whether the second time gets the random numbers of the first, so that dropout has the same masks. Default true. */
  preserveRngState?: boolean | undefined;
}

/** What a function was called with: its arguments may not change until the backward pass. */
type Call = () => unknown;

function checkSynchronous(result: unknown): void {
  if (typeof (result as PromiseLike<unknown> | null)?.then !== 'function') return;
  throw new TypeError(
    'checkpoint(): the function is asynchronous; it must compute its result at once, also a second time',
  );
}

/** A place that a tensor was saved in: the n-th of its checkpoint. */
interface Place {
  readonly number: number;
}

function withoutReentry(call: Call, rngState: Tensor | null): unknown {
  let places = 0;
  const values = new Map<number, Tensor>();
  const recompute = (): void => {
    let position = 0;
    const again = (tensor: Tensor): null => {
      values.set(position++, tensor.detach());
      return null;
    };
    const unneeded = (): never => {
      throw new AutogradError('checkpoint(): the recomputed graph itself cannot be gone through');
    };
    enableGrad(() => withGeneratorAt(rngState, () => saveBy(again, unneeded, call)));
    if (position !== places) {
      throw new AutogradError(
        `checkpoint(): the function saved ${places} tensors the first time and ${position} when it was computed again; it must do the same both times`,
      );
    }
  };
  const pack = (): Place => ({ number: places++ });
  const unpack = ({ number }: Place): Tensor => {
    if (!values.has(number)) recompute();
    const value = values.get(number)!;
    values.delete(number);
    return value;
  };
  return saveBy(pack, unpack, call);
}

const differentiable = (value: unknown): value is Tensor => isTensor(value) && value.requiresGrad;

class CheckpointFunction extends Function {
  static override forward(
    ctx: FunctionContext,
    fn: (...args: unknown[]) => unknown,
    rngState: Tensor | null,
    ...args: unknown[]
  ) {
    ctx.fn = fn;
    ctx.rngState = rngState;
    ctx.args = args.map((arg) => (isTensor(arg) ? null : arg));
    ctx.saveForBackward(...args.map((arg) => (isTensor(arg) ? arg : null)));
    const result = noGrad(() => fn(...args));
    checkSynchronous(result);
    return result as Tensor;
  }

  static override backward(ctx: FunctionContext, ...grads: (Tensor | null)[]): (Tensor | null)[] {
    if (currentMode(partialPass, false)) {
      throw new AutogradError(
        'checkpoint() with useReentrant cannot be gone through by grad(), nor by backward() with inputs; use { useReentrant: false }',
      );
    }
    const saved = ctx.savedTensors as (Tensor | null)[];
    const needs = ctx.needsInputGrad.slice(2);
    const args = saved.map((tensor, i) =>
      tensor === null ? (ctx.args as unknown[])[i] : tensor.detach().requiresGrad_(needs[i]),
    );
    const fn = ctx.fn as (...args: unknown[]) => unknown;
    const result = enableGrad(() => withGeneratorAt(ctx.rngState as Tensor | null, () => fn(...args)));
    const outputs = (Array.isArray(result) ? result : [result]) as unknown[];
    const used = outputs.flatMap((output, i) => (differentiable(output) ? [i] : []));
    if (used.length === 0)
      throw new AutogradError('checkpoint(): none of the outputs requires grad, there is nothing to go back from');
    backward(
      used.map((i) => outputs[i] as Tensor),
      used.map((i) => grads[i]),
    );
    return [null, null, ...args.map((arg) => (isTensor(arg) ? arg.grad : null))];
  }
}

/**
 * Calls `fn(...args)` without keeping what its backward pass needs; that is computed again when the backward pass comes
 * to it. The last argument may be options.
 *
 * ```ts
 * const y = checkpoint((x: Tensor) => block(x), x);
 * const z = checkpoint(block, x, { useReentrant: false, preserveRngState: true });
 * ```
 *
 * `fn` is synchronous and must do the same both times. Random numbers of the global generator are the same both times
 * (`preserveRngState`), those of other generators are not.
 */
export function checkpoint<Args extends readonly unknown[], Out>(
  fn: (...args: Args) => Out,
  ...given: [...Args] | [...Args, options: CheckpointOptions]
): Out {
  const options: CheckpointOptions = isPlainObject(given.at(-1)) ? (given.at(-1) as CheckpointOptions) : {};
  const args = isPlainObject(given.at(-1)) ? given.slice(0, -1) : given;
  checkOptions('checkpoint', options, ['useReentrant', 'preserveRngState']);
  const { useReentrant = false, preserveRngState = true } = options;
  const call = fn as unknown as (...args: unknown[]) => unknown;
  if (!state.gradEnabled) return call(...args) as Out;
  const rngState = preserveRngState ? getRngState() : null;
  if (useReentrant) return CheckpointFunction.apply(call, rngState, ...args) as Out;
  const result = withoutReentry(() => call(...args), rngState);
  checkSynchronous(result);
  return result as Out;
}

/**
 * Runs functions (layers, an `nn.Sequential`) one after the other in `segments` parts of about equal length; all but the
 * last are checkpoints.
 *
 * ```ts
 * const y = checkpointSequential(net, 3, x);
 * ```
 */
export function checkpointSequential(
  functions: Iterable<(x: never) => unknown>,
  segments: number,
  input: Tensor,
  options: CheckpointOptions = {},
): Tensor {
  const list = [...functions] as ((x: unknown) => unknown)[];
  if (!Number.isInteger(segments) || segments < 1 || segments > Math.max(list.length, 1)) {
    throw new RangeError(
      `checkpointSequential(): segments must be from 1 to ${list.length}, the number of functions, got ${segments}`,
    );
  }
  const length = Math.floor(list.length / segments);
  const run =
    (from: number, to?: number) =>
    (x: Tensor): Tensor =>
      list.slice(from, to).reduce((value: unknown, fn) => fn(value), x) as Tensor;
  let x = input;
  for (let i = 0; i < segments - 1; i++) x = checkpoint(run(i * length, (i + 1) * length), x, options);
  return run((segments - 1) * length)(x);
}
