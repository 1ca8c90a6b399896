/** @file Compares results with golden values, by the tolerances of the golden data. */
import { type DType, isTensor, type Tensor } from '@flambeau/tensor';
import { bfloat16ToNumber, dtypeInfo, float16ToNumber } from '@flambeau/tensor/internal';
import { type GoldenTensor, isGoldenComplex, isGoldenDType, isGoldenTensor } from './decode.ts';

export interface Tolerance {
  readonly atol: number;
  readonly rtol: number;
}

const defaults: Partial<Record<DType, number>> = {
  float32: 1e-5,
  complex64: 1e-5,
  float64: 1e-9,
  complex128: 1e-9,
  float16: 1e-3,
  bfloat16: 1e-2,
};

/** The tolerance of `ops`: `|got − want| ≤ tol · (1 + |want|)`; integers and booleans exactly. */
export function opsTolerance(dtype: DType, override?: number): Tolerance {
  const tol = defaults[dtype] === undefined ? 0 : (override ?? defaults[dtype]);
  return { atol: tol, rtol: tol };
}

export const exact: Tolerance = { atol: 0, rtol: 0 };

const formatShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Elements as numbers or bigints; complex ones as pairs of numbers. `data` as golden tensors store it. */
export function elements(dtype: DType, data: ArrayLike<number | bigint>): ArrayLike<number | bigint> {
  if (dtype === 'float16') return Float64Array.from(data as Uint16Array, float16ToNumber);
  if (dtype === 'bfloat16') return Float64Array.from(data as Uint16Array, bfloat16ToNumber);
  return data;
}

/** Whether two values agree; infinities only with themselves, NaN with NaN. */
function close(got: number | bigint, want: number | bigint, { atol, rtol }: Tolerance): boolean {
  if (typeof got === 'bigint' && typeof want === 'bigint') return got === want;
  const [g, w] = [Number(got), Number(want)];
  if (g === w) return true;
  if (Number.isNaN(w) || Number.isNaN(g)) return Number.isNaN(w) && Number.isNaN(g);
  if (!Number.isFinite(g) || !Number.isFinite(w)) return false;
  return Math.abs(g - w) <= atol + rtol * Math.abs(w);
}

const show = (value: number | bigint): string => (typeof value === 'bigint' ? `${value}n` : String(value));

/** The first difference of two lists of elements, or null. */
export function compareElements(
  got: ArrayLike<number | bigint>,
  want: ArrayLike<number | bigint>,
  tolerance: Tolerance,
): string | null {
  let worst = -1;
  let count = 0;
  for (let i = 0; i < want.length; i++) {
    if (close(got[i]!, want[i]!, tolerance)) continue;
    if (worst < 0) worst = i;
    count++;
  }
  if (worst < 0) return null;
  return `${count} of ${want.length} values differ, first at ${worst}: got ${show(got[worst]!)}, expected ${show(want[worst]!)}`;
}

export interface TensorComparison {
  readonly tolerance?: Tolerance;
  /** Accept int32 where PyTorch has int64. */
  readonly narrowIntegers?: boolean;
  /** Compare only dtype and shape. */
  readonly metaOnly?: boolean;
}

/** Difference in dtype or shape, or null. */
export function compareMeta(got: unknown, want: GoldenTensor, narrowIntegers = false): string | null {
  if (!isTensor(got))
    return `got ${describe(got)}, expected a ${want.dtype} tensor of shape ${formatShape(want.shape)}`;
  const narrowed = narrowIntegers && want.dtype === 'int64' && got.dtype === 'int32';
  if (got.dtype !== want.dtype && !narrowed) return `got dtype ${got.dtype}, expected ${want.dtype}`;
  const same = got.shape.length === want.shape.length && got.shape.every((size, i) => size === want.shape[i]);
  return same ? null : `got shape ${formatShape(got.shape)}, expected ${formatShape(want.shape)}`;
}

/** The first difference between a tensor and its golden, or null. */
export async function compareTensor(
  got: unknown,
  want: GoldenTensor,
  options: TensorComparison = {},
): Promise<string | null> {
  const meta = compareMeta(got, want, options.narrowIntegers);
  if (meta !== null || options.metaOnly) return meta;
  const values = await (got as Tensor).detach().toTypedArray();
  const tolerance = options.tolerance ?? opsTolerance(want.dtype);
  return compareElements(values, elements(want.dtype, want.data), tolerance);
}

/** Positions in rows of `want` of the values nearest to those of `got`, each used once. For results in any order. */
export function matchRows(got: ArrayLike<number | bigint>, want: GoldenTensor): number[] {
  const { lanes } = dtypeInfo(want.dtype);
  const target = elements(want.dtype, want.data);
  const row = want.shape.at(-1) ?? 1;
  const count = target.length / lanes;
  const distance = (i: number, j: number): number => {
    let sum = 0;
    for (let lane = 0; lane < lanes; lane++)
      sum += Math.abs(Number(got[i * lanes + lane]) - Number(target[j * lanes + lane]));
    return Number.isNaN(sum) ? Infinity : sum;
  };
  const order: number[] = [];
  for (let start = 0; start < count; start += row) {
    const free = Array.from({ length: row }, (_, i) => start + i);
    for (let i = start; i < start + row; i++) {
      let best = 0;
      for (let k = 1; k < free.length; k++) if (distance(i, free[k]!) < distance(i, free[best]!)) best = k;
      order.push(...free.splice(best, 1));
    }
  }
  return order;
}

/** The rows' elements of a golden tensor taken in another order. */
export function reorder(golden: GoldenTensor, order: readonly number[]): GoldenTensor {
  const { lanes } = dtypeInfo(golden.dtype);
  const data = golden.data.slice() as Float64Array;
  const source = golden.data as Float64Array;
  order.forEach((from, to) => {
    for (let lane = 0; lane < lanes; lane++) data[to * lanes + lane] = source[from * lanes + lane]!;
  });
  return { ...golden, data };
}

/** Short text of any value, for messages. */
export function describe(value: unknown): string {
  if (isTensor(value)) return `a ${value.dtype} tensor of shape ${formatShape(value.shape)}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'function') return 'a function';
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** The first difference between a result that is no tensor and its golden, or null. */
export function comparePlain(got: unknown, want: unknown, tolerance: Tolerance = exact): string | null {
  if (isGoldenDType(want)) return got === want.dtype ? null : `got ${describe(got)}, expected dtype ${want.dtype}`;
  if (isGoldenComplex(want)) {
    const pair = got as { re?: number; im?: number } | null;
    const same = close(pair?.re ?? Number.NaN, want.re, tolerance) && close(pair?.im ?? Number.NaN, want.im, tolerance);
    return same ? null : `got ${describe(got)}, expected ${want.re}+${want.im}j`;
  }
  if (typeof want === 'number' || typeof want === 'bigint') {
    const number = typeof got === 'number' || typeof got === 'bigint';
    return number && close(got, want, tolerance) ? null : `got ${describe(got)}, expected ${String(want)}`;
  }
  return Object.is(got, want) ? null : `got ${describe(got)}, expected ${describe(want)}`;
}

/**
 * Pairs each leaf of a golden result with the leaf of ours in the same place.
 * @throws an Error when the nesting differs.
 */
export function pairLeaves(got: unknown, want: unknown): (readonly [got: unknown, want: unknown])[] {
  if (!Array.isArray(want)) return [[got, want]];
  if (!Array.isArray(got)) throw new Error(`got ${describe(got)}, expected a list of ${want.length}`);
  if (got.length !== want.length) throw new Error(`got a list of ${got.length}, expected ${want.length}`);
  return want.flatMap((item, i) => pairLeaves(got[i], item));
}

/** The first difference between a nested result and its golden, or null. */
export async function compareValue(
  got: unknown,
  want: unknown,
  options: TensorComparison = {},
): Promise<string | null> {
  let pairs: (readonly [unknown, unknown])[];
  try {
    pairs = pairLeaves(got, want);
  } catch (error) {
    return (error as Error).message;
  }
  for (const [g, w] of pairs) {
    const difference = isGoldenTensor(w) ? await compareTensor(g, w, options) : comparePlain(g, w, options.tolerance);
    if (difference !== null) return difference;
  }
  return null;
}
