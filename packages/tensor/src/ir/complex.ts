/**
 * @file Complex kernels as real ones: every complex value becomes a pair of real nodes, every complex argument two real
 * ones, its lanes. What a backend compiles knows nothing of complex numbers.
 */
import { type DType, dtypeInfo, isComplex, realDType } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { complexTable, imagOf, type Pair } from './complex-functions.ts';
import { compareFunctions, Expr, type ScalarFunction } from './expr.ts';
import { type KernelInput, type MapKernel, mapKernel } from './kernel.ts';

/** Where an argument of the real kernel comes from: a real argument, or a lane of a complex one. */
export interface LaneSource {
  /** Position among the complex kernel's inputs or outputs. */
  readonly place: number;
  /** Real (0) or imaginary (1) parts; null for the argument itself. */
  readonly lane: 0 | 1 | null;
}

/** A complex kernel's real form. */
export interface RealKernel {
  readonly kernel: MapKernel;
  readonly inputs: readonly LaneSource[];
  readonly outputs: readonly LaneSource[];
}

/** Whether a kernel reads, computes or writes complex numbers. */
export const hasComplex = (kernel: Pick<MapKernel, 'inputs' | 'compute'>, outputs: readonly DType[]): boolean =>
  isComplex(kernel.compute) ||
  outputs.some(isComplex) ||
  kernel.inputs.some(({ dtype, as }) => isComplex(as) || (dtype !== null && isComplex(dtype)));

const compares: ReadonlySet<ScalarFunction> = new Set<ScalarFunction>(compareFunctions);

/** Applies a function to pairs. @throws DTypeError for one that complex numbers do not have. */
function applyFunction(kernel: string, fn: ScalarFunction, args: readonly Pair[], dtype: DType): Pair {
  const real = (re: Expr): Pair => ({ re, im: null });
  const [a, b, c] = args as [Pair, Pair, Pair];
  if (fn === 'where') {
    const im = b.im === null && c.im === null ? null : a.re.where(imagOf(b), imagOf(c));
    return { re: a.re.where(b.re, c.re), im };
  }
  const table = complexTable[fn];
  const ofComplex = args.some((arg) => arg.im !== null);
  if (!ofComplex && (table === undefined || !purelyComplex.has(fn)))
    return real(Expr.call(fn, ...args.map((arg) => arg.re)));
  if (fn === 'toBool') return real(a.re.toBool().or(imagOf(a).toBool()));
  if (fn === 'eq') return real(a.re.eq(b.re).and(imagOf(a).eq(imagOf(b))));
  if (fn === 'ne') return real(a.re.ne(b.re).or(imagOf(a).ne(imagOf(b))));
  if (table !== undefined) return table(a, b);
  const remedy = compares.has(fn)
    ? 'complex numbers have no order; use abs() or the real parts'
    : 'use abs() or the real and imaginary parts';
  throw new DTypeError(`${kernel}(): not defined for ${dtype}; ${remedy}`);
}

/** Functions that a real pair, too, only has in its complex form. */
const purelyComplex: ReadonlySet<ScalarFunction> = new Set<ScalarFunction>([
  'complex',
  'conj',
  'real',
  'imag',
  'sgn',
  'angle',
]);

/**
 * Lowers expressions of one kernel; shared nodes once. `dtype` is the complex one that is computed with, `inputs` what
 * each input is among real ones.
 */
export function pairLowering(name: string, dtype: DType, inputs: readonly Pair[]): (node: Expr) => Pair {
  const done = new Map<Expr, Pair>();
  const lowered = (node: Expr): Pair => {
    if (node.kind === 'call') return applyFunction(name, node.fn!, node.args.map(visit), dtype);
    // The parts of a complex64 constant are float32 numbers, also where they are computed with as doubles.
    return { re: dtype === 'complex64' ? Expr.const(Math.fround(node.value)) : node, im: null };
  };
  const visit = (node: Expr): Pair => {
    if (node.kind === 'input') return inputs[node.value]!;
    let result = done.get(node);
    if (result === undefined) {
      result = lowered(node);
      done.set(node, result);
    }
    return result;
  };
  return visit;
}

/** The real inputs that a complex kernel's inputs become, and each one's pair among them. */
export function splitInputs(
  inputs: readonly KernelInput[],
  compute: DType,
): { inputs: KernelInput[]; sources: LaneSource[]; pairs: Pair[] } {
  const made: KernelInput[] = [];
  const sources: LaneSource[] = [];
  const take = (dtype: DType | null, as: DType, place: number, lane: LaneSource['lane']): Expr => {
    sources.push({ place, lane });
    return Expr.input(made.push({ dtype, as }) - 1);
  };
  const pairs = inputs.map(({ dtype, as }, place): Pair => {
    const seen = isComplex(as) ? compute : as;
    if (dtype === null || !isComplex(dtype)) {
      const re = take(dtype, seen, place, null);
      return { re, im: isComplex(as) ? Expr.const(0) : null };
    }
    const part = realDType(dtype);
    if (as === 'bool') {
      const [re, im] = [take(part, compute, place, 0), take(part, compute, place, 1)];
      return { re: re.toBool().or(im.toBool()), im: null };
    }
    const re = take(part, seen, place, 0);
    return { re, im: isComplex(as) ? take(part, seen, place, 1) : null };
  });
  return { inputs: made, sources, pairs };
}

/** The dtype that a kernel's real form computes in: `wide` in place of a complex one's parts, where that is given. */
export function realCompute(compute: DType, kernelInputs: readonly KernelInput[], wide?: DType): DType {
  if (isComplex(compute)) return wide ?? realDType(compute);
  if (dtypeInfo(compute).kind !== 'bool') return compute;
  const found = kernelInputs.find(({ dtype }) => dtype !== null && isComplex(dtype));
  return found === undefined ? compute : (wide ?? realDType(found.dtype!));
}

/**
 * The real form of a kernel. `wide` is the dtype to compute in (complex64 in doubles: rounded once, and nothing
 * overflows on the way); by default it is that of the parts.
 * @throws DTypeError where the kernel needs something that complex numbers do not have.
 */
export function realKernel(kernel: MapKernel, wide?: DType): RealKernel {
  const compute = realCompute(kernel.compute, kernel.inputs, wide);
  const { inputs, sources, pairs } = splitInputs(kernel.inputs, compute);
  const lower = pairLowering(kernel.name, kernel.compute, pairs);
  const outputs: { expr: Expr; dtype: DType }[] = [];
  const targets: LaneSource[] = [];
  kernel.outputs.forEach(({ expr, dtype }, place) => {
    const value = lower(expr);
    // As a bool a number is whether it is not 0; otherwise only its real part is kept.
    const re = dtype === 'bool' && value.im !== null ? value.re.toBool().or(value.im.toBool()) : value.re;
    outputs.push({ expr: re, dtype: realDType(dtype) });
    targets.push({ place, lane: isComplex(dtype) ? 0 : null });
    if (!isComplex(dtype)) return;
    outputs.push({ expr: imagOf(value), dtype: realDType(dtype) });
    targets.push({ place, lane: 1 });
  });
  return {
    kernel: mapKernel(`${kernel.name} of complex numbers`, inputs, outputs, compute),
    inputs: sources,
    outputs: targets,
  };
}
