/** @file Reductions: an entry is a way of combining, with a pointwise prologue and epilogue. Kernels are made for each dtype. */
import type { Scalar } from './backend.ts';
import { type DType, dtypeInfo, isComplex } from './dtype.ts';
import { IndexError } from './errors.ts';
import { type Expr, inputs } from './ir/expr.ts';
import { computeDType, type ReduceKernel, type ReduceKind, reduceKernel } from './ir/kernel.ts';
import { realForm } from './ir/real-form.ts';
import { broadcastShapes, formatShape, wrapDims } from './shape.ts';
import { backendFor } from './state.ts';
import { Tensor } from './tensor.ts';

/** Dimensions as PyTorch users give them: none (or an empty list) means all. */
export type Dims = number | readonly number[] | null;

export interface ReductionSpec {
  readonly name: string;
  readonly kind: ReduceKind;
  /** What is combined, of the inputs. Default: the first input itself. */
  readonly prologue?: (...inputs: Expr[]) => Expr;
  /** What becomes of the combined value; further arguments are scalars given on each call. */
  readonly epilogue?: (result: Expr, ...scalars: Expr[]) => Expr;
}

export interface Reduction extends ReductionSpec {
  readonly kernels: Map<number, ReduceKernel>;
}

/** The dtypes of one call. */
export interface ReductionDTypes {
  /** What values are combined in. */
  readonly compute: DType;
  readonly output: DType;
  /** What the prologue sees its inputs as, when that is not `compute`. */
  readonly as?: DType;
}

/** Makes a reduction that is called by {@link reduceTensors}. */
export function reduction(spec: ReductionSpec): Reduction {
  return { ...spec, kernels: new Map() };
}

const operands = inputs(8);

function kernelFor(op: Reduction, args: readonly (Tensor | Scalar)[], dtypes: ReductionDTypes): ReduceKernel {
  const compute = computeDType(dtypes.compute);
  const as = computeDType(dtypes.as ?? compute);
  let key = (dtypeInfo(compute).code * 16 + dtypeInfo(as).code) * 16 + dtypeInfo(dtypes.output).code;
  for (const arg of args) key = key * 16 + (typeof arg === 'object' ? dtypeInfo(arg.dtype).code : 15);
  let kernel = op.kernels.get(key);
  if (kernel === undefined) {
    const form = isComplex(as) || isComplex(compute) ? (expr: Expr) => expr : realForm;
    kernel = reduceKernel({
      name: op.name,
      kind: op.kind,
      inputs: args.map((arg) => ({ dtype: typeof arg === 'object' ? arg.dtype : null, as })),
      prologue: form(op.prologue === undefined ? operands[0]! : op.prologue(...operands.slice(0, args.length))),
      compute,
      epilogue: op.epilogue === undefined ? null : op.epilogue(...(operands as [Expr, ...Expr[]])),
      output: dtypes.output,
    });
    op.kernels.set(key, kernel);
  }
  return kernel;
}

/** `shape` with size 1 at `dims`. */
export function keptShape(shape: readonly number[], dims: readonly number[]): number[] {
  const out = [...shape];
  for (const d of dims) out[d] = 1;
  return out;
}

/** `shape` without `dims`, unless they are kept with size 1. */
export function reducedShape(shape: readonly number[], dims: readonly number[], keepdim: boolean): readonly number[] {
  return keepdim ? keptShape(shape, dims) : shape.filter((_, d) => !dims.includes(d));
}

/** Sorted dimensions to reduce over. @throws IndexError for one out of range or given twice. */
export function reduceDims(op: string, dim: Dims | undefined, ndim: number): number[] {
  return wrapDims(op, typeof dim === 'object' && dim !== null && dim.length === 0 ? null : dim, ndim);
}

/** @throws IndexError when `dims` hold no elements, for reductions that have no value for nothing (extremes). */
export function checkReducible(op: string, x: Tensor, dims: readonly number[]): void {
  const empty = dims.find((d) => x.shape[d] === 0);
  if (empty === undefined) return;
  throw new IndexError(
    `${op}(): cannot reduce dimension ${empty} of a tensor of shape ${formatShape(x.shape)}: it has no elements, and there is no value for that; give a dim that is not empty`,
  );
}

/** Runs a reduction over `dims` (sorted, not negative) of its inputs' common shape; no history. */
export function reduceTensors(
  op: Reduction,
  args: readonly (Tensor | Scalar)[],
  dims: readonly number[],
  keepdim: boolean,
  dtypes: ReductionDTypes,
  scalars: readonly Scalar[] = [],
): Tensor {
  const [lead] = args as readonly [Tensor];
  let shape = lead.shape;
  for (const arg of args)
    if (typeof arg === 'object' && arg !== lead) shape = broadcastShapes(op.name, shape, arg.shape);
  const kept = keptShape(shape, dims);
  const backend = backendFor(lead.device);
  let elements = 1;
  for (const size of kept) elements *= size;
  const out = new Tensor(backend.allocate(dtypes.output, elements), dtypes.output, kept);
  backend.reduce(kernelFor(op, args, dtypes), args, dims, out, scalars);
  return keepdim || dims.length === 0 ? out : new Tensor(out.storage, out.dtype, reducedShape(shape, dims, false));
}
