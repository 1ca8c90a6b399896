/** @file Plans of pointwise calls: result dtypes and the kernel for a combination of argument dtypes, made once each. */
import type { Scalar } from './backend.ts';
import { isWrappedNumber } from './complex-scalar.ts';
import { type DType, dtypeInfo, isComplex, realDType } from './dtype.ts';
import { DTypeError } from './errors.ts';
import type { Expr } from './ir/expr.ts';
import { computeDType, type KernelInput, type KernelOutput, type MapKernel, mapKernel } from './ir/kernel.ts';
import { isComplexExpression, realForm } from './ir/real-form.ts';
import type { Pointwise } from './pointwise.ts';
import { canCast, resultType, toComplex, toFloating } from './promotion.ts';
import { backendFor, state } from './state.ts';
import type { Tensor } from './tensor.ts';

/** An argument whose complex numbers have become tensors. */
export type Operand = Tensor | Scalar;

export interface Plan {
  readonly kernel: MapKernel;
  readonly dtypes: readonly DType[];
}

/** 5 bits for each argument on top of 9 for the default and output dtypes, within 53. */
const NUMERIC_KEY_ARGUMENTS = 8;

const scalarCode = (value: Scalar): number =>
  typeof value === 'boolean' ? 14 : typeof value === 'bigint' || Number.isSafeInteger(value) ? 12 : 13;

/** Whether integer scalars, which count as int64, are int32 because the device has no int64. */
const narrowsScalars = (device: string): boolean => device !== 'cpu' && !backendFor(device).dtypes.has('int64');

/** Kernel and result dtypes for these arguments' dtypes, made once for each combination. */
export function planFor(op: Pointwise, args: readonly Operand[], into: DType | null, device: string): Plan {
  const firstParameter = op.arity - (op.parameters ?? 0);
  const narrow = narrowsScalars(device);
  let key: number | string = (into === null ? 1 : 2 + dtypeInfo(into).code) + (narrow ? 256 : 0);
  if (state.defaultDType !== 'float32') key += 16 * dtypeInfo(state.defaultDType).code;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const code =
      typeof arg === 'object'
        ? dtypeInfo(arg.dtype).code + (arg.shape.length === 0 ? zeroDimCode(arg) : 0)
        : i < firstParameter
          ? scalarCode(arg)
          : 15;
    // Numbers stay exact for this many arguments; the kernels of a few optimizers have more.
    key = i < NUMERIC_KEY_ARGUMENTS ? (key as number) * 32 + code : `${key},${code}`;
  }
  let plan = op.plans.get(key);
  if (plan === undefined) {
    plan = makePlan(op, args, into, narrow);
    op.plans.set(key, plan);
  }
  return plan;
}

/** A 0-d tensor ranks below others in type promotion, and one that stands for a number below that. */
const zeroDimCode = (x: Tensor): number => (isComplex(x.dtype) && isWrappedNumber(x) ? 20 : 16);

function makePlan(op: Pointwise, args: readonly Operand[], into: DType | null, narrow: boolean): Plan {
  const parameters = op.arity - (op.parameters ?? 0);
  const operands = args.filter((_, i) => i < parameters && !op.conditions?.includes(i));
  const promoted = op.promotion === 'float' ? toFloating(resultType(...operands)) : resultType(...operands);
  const common = narrow && promoted === 'int64' ? 'int32' : promoted;
  checkDType(op, common);
  if (!isComplex(common) && args.some((arg) => typeof arg === 'object' && isComplex(arg.dtype)))
    throw new DTypeError(`${op.name}(): ${common} tensors take no complex factors; convert them with .to('complex64')`);
  const compute = op.promotion === 'logic' ? 'bool' : computeDType(common);
  const kernelInputs: KernelInput[] = args.map((arg, i) => ({
    dtype: typeof arg === 'object' ? arg.dtype : null,
    as: op.conditions?.includes(i) ? 'bool' : compute,
  }));
  const outputs = op.expressions.map((expr) => plannedOutput(op, expr, compute, common, into));
  const complex = isComplex(compute) || outputs.some((output) => isComplex(output.dtype));
  const kernelOutputs = complex ? outputs : outputs.map(({ expr, dtype }) => ({ expr: realForm(expr), dtype }));
  return {
    kernel: mapKernel(op.name, kernelInputs, kernelOutputs, compute),
    dtypes: outputs.map((output) => output.dtype),
  };
}

/** An expression with the dtype of its result: that of the arguments, or bool, or complex or real as the expression is. */
function plannedOutput(op: Pointwise, expr: Expr, compute: DType, common: DType, into: DType | null): KernelOutput {
  const truth = op.promotion === 'compare' || op.promotion === 'logic';
  const complex = !truth && isComplexExpression(expr, (i) => isComplex(compute) && !op.conditions?.includes(i));
  const dtype = truth ? 'bool' : complex ? toComplex(common) : realDType(common);
  if (into !== null && !canCast(dtype, into)) {
    throw new DTypeError(
      `${op.name}(): the result is ${dtype} and cannot be stored in a tensor of dtype ${into}; convert that with .to('${dtype}')`,
    );
  }
  return { expr, dtype: into ?? dtype };
}

function checkDType(op: Pointwise, common: DType): void {
  const { kind } = dtypeInfo(common);
  if (op.refuses === undefined || !op.refuses.includes(kind)) return;
  const toFloat = kind === 'int' || (kind === 'bool' && op.refuses.includes('int'));
  const remedy = toFloat
    ? "convert with .to('float32')"
    : kind === 'bool'
      ? "convert with .to('int32') or use a logical op"
      : 'convert the inputs first';
  throw new DTypeError(`${op.name}(): not defined for ${common} inputs; ${remedy}`);
}
