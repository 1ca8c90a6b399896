/** @file What the functions of linear algebra share: checks of matrices, the device's routines, several `out`s. */
import { allocateLike } from '../allocate.ts';
import { type DType, isComplex, realDType } from '../dtype.ts';
import { DeviceError, DTypeError, LinAlgError, ShapeError } from '../errors.ts';
import { checkWritable, intoOut } from '../inplace.ts';
import { untracked } from '../modes.ts';
import { type Named, named } from '../named.ts';
import { mixedDevices } from '../pointwise.ts';
import { canCast } from '../promotion.ts';
import { tracks } from '../record.ts';
import { broadcastShapes, formatShape, sameShape } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import type { LinalgRoutines } from './routines.ts';

const notThere = (op: string, { device }: Tensor): DeviceError =>
  new DeviceError(`${op}(): device '${device}' cannot compute it; use \`await x.cpu()\` first`);

/** A routine of x's device. @throws DeviceError where there is none. */
export function routineOf<Name extends keyof LinalgRoutines>(op: string, x: Tensor, name: Name): LinalgRoutines[Name] {
  const routine = backendFor(x.device).routines[name];
  if (routine === undefined) throw notThere(op, x);
  return routine as LinalgRoutines[Name];
}

const factored: readonly DType[] = ['float32', 'float64', 'complex64', 'complex128'];

/** @throws DTypeError for what is neither float32 nor float64 nor complex. */
export function checkDType(op: string, x: Tensor): void {
  if (factored.includes(x.dtype)) return;
  throw new DTypeError(
    `${op}(): needs a float32, float64 or complex tensor, got ${x.dtype}; convert with .to('float32')`,
  );
}

/** @throws ShapeError for fewer than two dimensions, DTypeError as checkDType. */
export function checkMatrix(op: string, x: Tensor): void {
  if (x.ndim < 2) throw new ShapeError(`${op}(): needs at least 2 dimensions, got shape ${formatShape(x.shape)}`);
  checkDType(op, x);
}

/** @throws ShapeError unless the last two sizes are equal, and as checkMatrix. */
export function checkSquare(op: string, x: Tensor): void {
  checkMatrix(op, x);
  if (x.shape.at(-1) !== x.shape.at(-2))
    throw new ShapeError(`${op}(): matrices must be square, got shape ${formatShape(x.shape)}`);
}

/** @throws DTypeError or DeviceError where two operands do not agree. */
export function checkAlike(op: string, a: Tensor, b: Tensor): void {
  if (a.device !== b.device) throw mixedDevices(op, a, b);
  if (a.dtype !== b.dtype)
    throw new DTypeError(
      `${op}(): operands must have one dtype, got ${a.dtype} and ${b.dtype}; convert one with .to(dtype)`,
    );
}

export const batchOf = (x: Tensor): readonly number[] => x.shape.slice(0, -2);

/** A batch of matrices repeated to a larger batch. */
export const expandBatch = (x: Tensor, batch: readonly number[]): Tensor => x.expand([...batch, ...x.shape.slice(-2)]);

/** Both with the batch dimensions that they broadcast to. */
export function commonBatch(op: string, a: Tensor, b: Tensor): [Tensor, Tensor] {
  const batch = broadcastShapes(op, batchOf(a), batchOf(b));
  return [expandBatch(a, batch), expandBatch(b, batch)];
}

/**
 * The same values in double precision, without history: results are rounded once, at the end.
 * @throws DeviceError where the device has no routines for what comes next.
 */
export function inDouble(op: string, x: Tensor): Tensor {
  routineOf(op, x, 'lu');
  return untracked(() => x.detach().to(isComplex(x.dtype) ? 'complex128' : 'float64'));
}

/** Fresh memory for real numbers that belong to a real or complex tensor. */
export const allocateReal = (x: Tensor, shape: readonly number[]): Tensor => allocateLike(x, shape, realDType(x.dtype));

/** Whether the right side of A X = B is a vector for each matrix: as PyTorch decides it. */
export const isVectorSide = (a: Tensor, b: Tensor): boolean =>
  b.ndim === 1 || (b.ndim === a.ndim - 1 && b.shape.join() === a.shape.slice(0, -1).join());

/** Numbers of a small integer tensor. @throws DeviceError where they cannot be read at once. */
export function integersOf(op: string, x: Tensor): number[] {
  if (backendFor(x.device).readSync === null) throw notThere(op, x);
  return Array.from(x.toTypedArraySync() as ArrayLike<number | bigint>, Number);
}

/** @throws LinAlgError where a matrix of the batch has an `info` other than 0. */
export function checkInfo(op: string, info: Tensor, describe: (info: number) => string): void {
  const list = integersOf(op, info);
  const bad = list.findIndex((value) => value !== 0);
  if (bad < 0) return;
  const which = info.ndim === 0 ? '' : `(batch element ${bad}): `;
  throw new LinAlgError(`${op}: ${which}${describe(list[bad]!)}`);
}

export const describeSingular = (info: number): string =>
  `the matrix is singular (element ${info} of U's diagonal is zero)`;

/** @throws LinAlgError when a routine says that matrix number `failed` (not −1) could not be done. */
export function checkConverged(op: string, failed: number): void {
  if (failed >= 0) {
    throw new LinAlgError(
      `${op}(): matrix ${failed} has NaN or infinite elements, or the algorithm did not converge for it; check its values`,
    );
  }
}

/** A named tuple of results, copied into `out` where that is given. */
export function namedInto<const Names extends readonly string[]>(
  op: string,
  names: Names,
  inputs: readonly Tensor[],
  out: readonly Tensor[] | undefined,
  compute: () => readonly Tensor[],
): Named<Names, Tensor> {
  const text = op.replace('.', '_').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (out === undefined) return named(names, compute(), text);
  if (out.length !== names.length)
    throw new TypeError(
      `${op}(): out must be a list of ${names.length} tensors (${names.join(', ')}), got ${out.length}`,
    );
  const recorded = state.gradEnabled && [...out, ...inputs].some(tracks);
  for (const target of out) checkWritable(op, target, recorded);
  const results = compute();
  const copy = (i: number): Tensor => intoOut(op, out[i], inputs, () => results[i]!);
  // One that does not fit throws before the others are written.
  const fits = (target: Tensor, i: number): boolean =>
    sameShape(target.shape, results[i]!.shape) && canCast(results[i]!.dtype, target.dtype);
  const misfit = out.findIndex((target, i) => !fits(target, i));
  if (misfit >= 0) copy(misfit);
  return named(
    names,
    results.map((_, i) => copy(i)),
    text,
  );
}

/** `{ out }` of a function with several results. */
export interface OutsOption {
  /** Receives the results. */
  out?: readonly Tensor[] | undefined;
}
