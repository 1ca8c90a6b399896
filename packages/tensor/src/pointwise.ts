/**
 * @file Pointwise ops: an entry is an expression with promotion rules and, where the automatic rule would not do, a
 * stated derivative. From it come the out-of-place, in-place and `out` forms and the backward kernels.
 */
import { autocastOperands } from './autocast.ts';
import type { Scalar } from './backend.ts';
import { isComplexValue, wrapNumber } from './complex-scalar.ts';
import { type DTypeKind, isComplex, isDifferentiable, realDType } from './dtype.ts';
import { AutogradError, DeviceError, ShapeError } from './errors.ts';
import { checkWritable, copyValues, overwrite } from './inplace.ts';
import { complexGradients, conjugated, differentiate } from './ir/derivative.ts';
import { type Expr, inputs, inputsOf, substitute } from './ir/expr.ts';
import { realForm } from './ir/real-form.ts';
import { needsCopy } from './overlap.ts';
import { type Operand, type Plan, planFor } from './pointwise-plan.ts';
import { type RecordedInput, tracks } from './record.ts';
import { broadcastShapes, formatShape, sameShape } from './shape.ts';
import { backendFor, state } from './state.ts';
import { Tensor } from './tensor.ts';
import type { ComplexValue } from './values.ts';

/**
 * How the dtypes of arguments decide the computation's and the result's:
 * - `promote`: both are the arguments' common dtype;
 * - `float`: the same, but integers and bools become the default floating dtype;
 * - `compare`: computed in the common dtype, result bool;
 * - `logic`: arguments are taken as bools (nonzero is true), result bool.
 */
export type Promotion = 'promote' | 'float' | 'compare' | 'logic';

/** Gradients by each input, given the gradient of the result. `null`: none ever flows. */
export type StatedDerivative = (grad: Expr, inputs: readonly Expr[], result: Expr) => readonly (Expr | null)[];

export interface PointwiseSpec {
  /** PyTorch's name in camelCase. */
  readonly name: string;
  /** PyTorch's graph node name, where it is not `<Name>Backward0`. */
  readonly node?: string;
  readonly promotion: Promotion;
  /** Trailing inputs that are numbers of the formula (`alpha`, `eps`) and take no part in promotion. */
  readonly parameters?: number;
  /** Inputs that are conditions: taken as bool, no part in promotion, no gradient. */
  readonly conditions?: readonly number[];
  readonly derivative?: StatedDerivative;
  /** False where PyTorch gives results that never require gradients (floorDivide, nextafter). */
  readonly differentiable?: boolean;
  /** Integers may make the kernel throw midway (division by zero): in-place forms then compute before they write. */
  readonly throws?: boolean;
  /** Kinds of dtype that PyTorch refuses for this op. */
  readonly refuses?: readonly DTypeKind[];
}

/** The kernel that computes gradients of a pointwise op for a set of its inputs. */
export interface BackwardPlan {
  readonly op: Pointwise;
  /** Which values the op reads, in order: 'grad', 'result' or an input's position. */
  readonly reads: readonly ('grad' | 'result' | number)[];
  /** For each wanted input: position of its gradient among the op's outputs, or 'grad' where it is just the gradient. */
  readonly outputs: readonly (number | 'grad')[];
  /** Whether it is for complex numbers. */
  readonly complex: boolean;
}

export interface Pointwise extends PointwiseSpec {
  readonly arity: number;
  readonly expressions: readonly Expr[];
  readonly plans: Map<number | string, Plan>;
  /**
   * The gradients' plan for the inputs whose bits are set in `needs`. Compiled once for each set. `complex`: an input or
   * the result is, so gradients follow PyTorch's convention for complex numbers.
   */
  backward(needs: number, complex: boolean): BackwardPlan;
}

/** Complex numbers `{ re, im }` become 0-d tensors that count as numbers in type promotion. */
export type PointwiseArgument = Tensor | Scalar | ComplexValue;

/** Makes a pointwise op of `arity` inputs from its expression. */
export function pointwise(
  arity: number,
  expression: (...inputs: Expr[]) => Expr | readonly Expr[],
  spec: PointwiseSpec,
): Pointwise {
  const made = expression(...inputs(arity));
  const expressions = (Array.isArray(made) ? made : [made]) as readonly Expr[];
  const backwards = new Map<number, BackwardPlan>();
  const op: Pointwise = {
    ...spec,
    arity,
    expressions,
    plans: new Map(),
    backward(needs, complex) {
      const key = complex ? -needs : needs;
      let plan = backwards.get(key);
      if (plan === undefined) {
        plan = backwardPlan(op, needs, complex);
        backwards.set(key, plan);
      }
      return plan;
    },
  };
  return op;
}

/** Inputs are numbered in the derivative's expressions as: the op's inputs, then its result, then the gradient. */
function backwardPlan(op: Pointwise, needs: number, complex: boolean): BackwardPlan {
  if (op.expressions.length > 1) throw new AutogradError(`${op.name}() with several results has no derivative`);
  const all = inputs(op.arity + 2);
  const [result, grad] = [all[op.arity]!, all[op.arity + 1]!];
  const xs = all.slice(0, op.arity);
  const derivative = complex ? complexDerivative(op, grad, xs, result) : realDerivative(op, grad, xs, result);
  const gradients: Expr[] = [];
  const outputs: (number | 'grad')[] = [];
  for (let i = 0; i < op.arity; i++) {
    if ((needs & (1 << i)) === 0) continue;
    const gradient = derivative(i);
    if (gradient === null || gradient === undefined)
      throw new AutogradError(`${op.name}() has no derivative by argument ${i}`);
    outputs.push(gradient === grad ? 'grad' : gradients.push(gradient) - 1);
  }
  const used = inputsOf(gradients);
  // The gradient comes first: a kernel needs at least one tensor of the full shape.
  if (!used.includes(op.arity + 1)) used.push(op.arity + 1);
  used.sort((a, b) => (a === op.arity + 1 ? -1 : b === op.arity + 1 ? 1 : a - b));
  const renumbered = inputs(used.length);
  const backward = pointwise(
    used.length,
    () => gradients.map((g) => substitute(g, (i) => renumbered[used.indexOf(i)]!)),
    {
      name: `${op.name}Backward`,
      node: `${nodeName(op)}Backward0`,
      promotion: 'promote',
      conditions: used.flatMap((i, position) => (op.conditions?.includes(i) ? [position] : [])),
    },
  );
  return {
    op: backward,
    reads: used.map((i) => (i === op.arity ? 'result' : i === op.arity + 1 ? 'grad' : i)),
    outputs,
    complex,
  };
}

/** The gradient by each input. */
type Derivative = (input: number) => Expr | null | undefined;

function realDerivative(op: Pointwise, grad: Expr, xs: readonly Expr[], result: Expr): Derivative {
  const stated = op.derivative?.(grad, xs, result);
  const expression = realForm(op.expressions[0]!);
  return (i) => {
    const gradient = stated === undefined ? grad.mul(differentiate(expression, i)) : stated[i];
    return gradient && realForm(gradient);
  };
}

function complexDerivative(op: Pointwise, grad: Expr, xs: readonly Expr[], result: Expr): Derivative {
  const { derivative } = op;
  const gradients =
    derivative === undefined
      ? complexGradients(op.expressions[0]!, grad, op.arity)
      : conjugated((g) => derivative(g, xs, result), grad);
  return (i) => gradients[i];
}

/** PyTorch's name of the graph node of an op. */
export function nodeName(op: PointwiseSpec): string {
  return op.node ?? `${op.name[0]!.toUpperCase()}${op.name.slice(1)}Backward0`;
}

function wrongOperand(op: Pointwise, operand: unknown): TypeError {
  const what = Array.isArray(operand) ? 'an array' : operand == null ? String(operand) : `a ${typeof operand}`;
  return new TypeError(
    `${op.name}(): expected tensors and numbers, got ${what}; make a tensor of data with tensor(...)`,
  );
}

/** The arguments with complex numbers as tensors. */
const withNumbers = (args: readonly PointwiseArgument[]): Operand[] =>
  args.map((arg) => (isComplexValue(arg) ? wrapNumber(arg) : arg));

interface Common {
  readonly lead: Tensor;
  readonly shape: readonly number[];
}

/** The tensor that decides device, and the common shape; null where complex numbers must become tensors first. */
function commonShape(op: Pointwise, args: readonly PointwiseArgument[]): Common | null {
  let lead: Tensor | null = null;
  let shape: readonly number[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as Operand;
    if (typeof arg !== 'object') {
      if (typeof arg === 'number' || typeof arg === 'bigint' || typeof arg === 'boolean') continue;
      throw wrongOperand(op, arg);
    }
    if (arg === null || arg.storage === undefined) {
      if (isComplexValue(arg)) return null;
      throw wrongOperand(op, arg);
    }
    if (lead === null) [lead, shape] = [arg, arg.shape];
    else {
      if (arg.storage.device !== lead.storage.device) throw mixedDevices(op.name, lead, arg);
      if (arg.shape !== shape) shape = broadcastShapes(op.name, shape, arg.shape);
    }
  }
  if (lead === null) throw new TypeError(`${op.name}(): at least one argument must be a tensor`);
  return { lead, shape };
}

export function mixedDevices(op: string, a: Tensor, b: Tensor): DeviceError {
  return new DeviceError(
    `${op}(): arguments are on different devices, '${a.device}' and '${b.device}'; move one with .to(device) or await .cpu()`,
  );
}

/** Calls a pointwise op. */
export function callPointwise(op: Pointwise, args: readonly PointwiseArgument[]): Tensor {
  return callPointwiseAll(op, args)[0]!;
}

/** Calls a pointwise op with several results. */
export function callPointwiseAll(op: Pointwise, given: readonly PointwiseArgument[]): Tensor[] {
  if (state.autocasting) given = autocastOperands(op.name, given);
  const common = commonShape(op, given);
  if (common === null) return callPointwiseAll(op, withNumbers(given));
  const args = given as readonly Operand[];
  const { lead, shape } = common;
  const plan = planFor(op, args, null, lead.storage.device);
  const backend = backendFor(lead.storage.device);
  const outputs: Tensor[] = [];
  let elements = 1;
  for (let i = 0; i < shape.length; i++) elements *= shape[i]!;
  for (let i = 0; i < plan.dtypes.length; i++) {
    const dtype = plan.dtypes[i]!;
    outputs.push(new Tensor(backend.allocate(dtype, elements), dtype, shape));
  }
  backend.map(plan.kernel, args, outputs);
  recordPointwise(op, args, outputs);
  return outputs;
}

function recordPointwise(op: Pointwise, args: readonly RecordedInput[], outputs: readonly Tensor[]): void {
  if (!state.gradEnabled || op.differentiable === false) return;
  for (let i = 0; i < args.length; i++) {
    if (!tracks(args[i])) continue;
    state.recorder!.recordPointwise(op, args, outputs);
    return;
  }
}

const wantsGrad = (args: readonly Operand[]): boolean => state.gradEnabled && args.some(tracks);

/**
 * Writes the op's result into `out`: the in-place form when `out` is also an argument.
 * @throws ShapeError when the result does not have `out`'s shape, DTypeError when its dtype cannot hold it.
 */
export function callPointwiseInto(
  op: Pointwise,
  given: readonly PointwiseArgument[],
  out: Tensor,
  inplace: boolean,
): Tensor {
  const common = commonShape(op, given);
  if (common === null) return callPointwiseInto(op, withNumbers(given), out, inplace);
  const args = given as readonly Operand[];
  const { lead, shape } = common;
  if (out.storage.device !== lead.storage.device) throw mixedDevices(op.name, lead, out);
  const name = inplace ? `${op.name}_` : op.name;
  if (!sameShape(shape, out.shape)) {
    throw new ShapeError(
      `${name}(): the result has shape ${formatShape(shape)}, which does not fit the output's ${formatShape(out.shape)}`,
    );
  }
  const plan = planFor(op, args, out.dtype, lead.storage.device);
  checkWritable(name, out, !inplace && wantsGrad([...args, out]));
  if (inplace && (wantsGrad(args) || (state.gradEnabled && out.requiresGrad))) {
    return overwrite(name, out, () => callPointwise(op, args));
  }
  if (op.throws && !isDifferentiable(out.dtype)) {
    copyValues(out, callPointwise(op, args));
    return out;
  }
  const backend = backendFor(lead.storage.device);
  const safe = args.map((arg) => (typeof arg === 'object' && needsCopy(arg, out) ? arg.clone() : arg));
  backend.map(plan.kernel, safe, [out]);
  out.storage.version++;
  return out;
}

/** The parts of complex elements as a last dimension, without history; real elements stand for both. */
function partsOf(x: Tensor): Tensor {
  const { storage, dtype, shape, strides, offset } = x;
  if (!isComplex(dtype)) return new Tensor(storage, dtype, [...shape, 1], [...strides, 0], offset);
  const steps = [...strides.map((stride) => 2 * stride), 1];
  return new Tensor(storage, realDType(dtype), [...shape, 2], steps, 2 * offset);
}

/**
 * Writes the results of an op of several expressions into `outs`, which may be among its arguments, without history: an
 * optimizer updates a parameter and its buffers in one pass. All `outs` have one dtype and the arguments' common shape.
 * Complex numbers count as two real ones, as PyTorch's optimizers take them.
 */
export function callPointwiseOver(op: Pointwise, args: readonly Operand[], outs: readonly Tensor[]): void {
  const { lead, shape } = commonShape(op, args)!;
  for (const out of outs) {
    if (out.storage.device !== lead.storage.device) throw mixedDevices(op.name, lead, out);
    if (!sameShape(shape, out.shape) || out.dtype !== outs[0]!.dtype) {
      throw new ShapeError(
        `${op.name}(): the outputs must be ${outs[0]!.dtype} of shape ${formatShape(shape)}, got ${out.dtype} of ${formatShape(out.shape)}`,
      );
    }
    checkWritable(op.name, out);
  }
  if (isComplex(outs[0]!.dtype)) {
    callPointwiseOver(
      op,
      args.map((arg) => (typeof arg === 'object' ? partsOf(arg) : arg)),
      outs.map(partsOf),
    );
    return;
  }
  const plan = planFor(op, args, outs[0]!.dtype, lead.storage.device);
  const safe = args.map((arg) =>
    typeof arg === 'object' && outs.some((out) => needsCopy(arg, out)) ? arg.detach().clone() : arg,
  );
  backendFor(lead.storage.device).map(plan.kernel, safe, outs);
  for (const out of outs) out.storage.version++;
}

/**
 * A public pointwise function: `f(self, …)`, with its in-place form beside it. `Self` is what the first operand may be:
 * where scalars may come first, `div(1, x)` is right.
 */
export interface PointwiseFunction<Args extends unknown[], Self = Tensor> {
  (self: Self, ...args: Args): Tensor;
  /** `self.f_(…)`: overwrites self with the result and returns it. */
  readonly inplace: (self: Tensor, ...args: Args) => Tensor;
}

/** What a public function's arguments come to: an op, its arguments, and where the result goes. */
export type Prepared = readonly [op: Pointwise, args: readonly PointwiseArgument[], out?: Tensor | undefined];

/** Makes the public function from the translation of its arguments. */
export function pointwiseFunction<Args extends unknown[], Self extends PointwiseArgument = Tensor>(
  prepare: (self: Self | Tensor, ...args: Args) => Prepared,
): PointwiseFunction<Args, Self | Tensor> {
  const call = (self: Self | Tensor, ...args: Args): Tensor => {
    const [op, operands, out] = prepare(self, ...args);
    return out === undefined ? callPointwise(op, operands) : callPointwiseInto(op, operands, out, false);
  };
  const inplace = (self: Tensor, ...args: Args): Tensor => {
    const [op, operands] = prepare(self, ...args);
    return callPointwiseInto(op, operands, self, true);
  };
  return Object.assign(call, { inplace });
}
