/**
 * @file Kernels: expressions with dtypes, ready for a backend to compile.
 *
 * The meaning is fixed, whatever the backend:
 * - every node has a dtype. Inputs are cast from their storage dtype (`dtype`) to `as` on loading; constants and scalar
 *   arguments are cast to the computation dtype before use; comparisons and logic give bool; `where` takes the dtype of
 *   its branches; all other functions that of their first argument. Results are cast to the output's dtype on storing.
 * - float32 nodes are rounded to float32 each (transcendental functions are evaluated in higher precision, then
 *   rounded); float16 and bfloat16 compute in float32 and round on storing.
 * - integers wrap around in two's complement at their own width; int64 in 64 bits. Casts from floating point to
 *   integers truncate.
 * - complex dtypes lower to pairs of real nodes (complex.ts): a backend only compiles kernels without them.
 */
import { type DType, dtypeInfo } from '../dtype.ts';
import { compareFunctions, type Expr, logicFunctions, type ScalarFunction } from './expr.ts';

export interface KernelInput {
  /** The dtype in memory, or null for a scalar argument that comes as a JavaScript value. */
  readonly dtype: DType | null;
  /** The dtype that the expression sees. */
  readonly as: DType;
}

export interface KernelOutput {
  readonly expr: Expr;
  readonly dtype: DType;
}

/** A pointwise kernel: scalar expressions over inputs, one for each output. */
export interface MapKernel {
  readonly name: string;
  readonly inputs: readonly KernelInput[];
  readonly outputs: readonly KernelOutput[];
  /** The dtype of constants and of bools turned into numbers. */
  readonly compute: DType;
  /** The CPU backend's compiled form; a field, because tiny tensors feel a map lookup. Others have maps of their own. */
  cpu: unknown;
}

/**
 * How a reduction combines values. NaN counts as extreme. 'argmax' and 'argmin' give the position of the first extreme
 * value, row-major over the reduced dimensions, as int32. Over no elements sums are 0, products 1, 'any' false, 'all'
 * true; callers do not ask for extremes then.
 */
export type ReduceKind = 'sum' | 'prod' | 'max' | 'min' | 'argmax' | 'argmin' | 'any' | 'all';

/** A reduction with a pointwise prologue on its inputs and an epilogue on its result (`epilogue` input 0 is the result, then scalars). */
export interface ReduceKernel {
  readonly name: string;
  readonly kind: ReduceKind;
  readonly inputs: readonly KernelInput[];
  readonly prologue: Expr;
  /** The dtype of the combined values: float32 sums may accumulate in a wider type. */
  readonly compute: DType;
  readonly epilogue: Expr | null;
  readonly output: DType;
  cpu: unknown;
}

/** float16 and bfloat16 compute in float32. */
export const computeDType = (dtype: DType): DType => (dtype === 'float16' || dtype === 'bfloat16' ? 'float32' : dtype);

const boolResult: ReadonlySet<ScalarFunction> = new Set<ScalarFunction>([
  ...compareFunctions,
  ...logicFunctions,
  'toBool',
]);

/** The dtype of every node of a kernel's expressions. */
export function nodeDTypes(
  expressions: readonly Expr[],
  kernelInputs: readonly KernelInput[],
  compute: DType,
): (node: Expr) => DType {
  const known = new Map<Expr, DType>();
  const visit = (node: Expr): DType => {
    let dtype = known.get(node);
    if (dtype === undefined) {
      dtype = infer(node);
      known.set(node, dtype);
    }
    return dtype;
  };
  const infer = (node: Expr): DType => {
    if (node.kind === 'const') return compute;
    if (node.kind === 'input') return kernelInputs[node.value]!.as;
    if (boolResult.has(node.fn!)) return 'bool';
    if (node.fn === 'toReal') return compute;
    return visit(node.fn === 'where' ? node.args[1]! : node.args[0]!);
  };
  for (const expression of expressions) visit(expression);
  return visit;
}

export function mapKernel(
  name: string,
  kernelInputs: readonly KernelInput[],
  outputs: readonly KernelOutput[],
  compute: DType,
): MapKernel {
  return { name, inputs: kernelInputs, outputs, compute, cpu: null };
}

export function reduceKernel(spec: Omit<ReduceKernel, 'cpu'>): ReduceKernel {
  return { ...spec, cpu: null };
}

/** A stable text of a kernel, for pipeline caches and error messages. */
export function kernelText(kernel: MapKernel): string {
  const args = kernel.inputs.map((input, i) => `$${i}: ${input.dtype ?? 'scalar'} as ${input.as}`);
  return `${kernel.name}(${args.join(', ')}) → ${kernel.outputs.map((o) => `${o.dtype} ${o.expr}`).join(', ')}`;
}

/** Code for each dtype of a list, for cache keys: one small number. */
export function dtypeKey(list: readonly (DType | null)[]): number {
  let key = 1;
  for (const dtype of list) key = key * 16 + (dtype === null ? 15 : dtypeInfo(dtype).code);
  return key;
}
