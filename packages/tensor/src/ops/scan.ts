/** @file Running sums, products, extremes and log-sum-exps along one dimension, and differences. */
import { signature, type Trailing } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import type { ScanKind } from '../backend.ts';
import { type DType, type DTypeAlias, isComplex, isDifferentiable, isFloating, toDType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { inplaceOf, intoOut } from '../inplace.ts';
import { type ValuesIndices, valuesIndices } from '../named.ts';
import { asVector } from '../positions.ts';
import { record } from '../record.ts';
import { wrapDim } from '../shape.ts';
import { backendFor, state } from '../state.ts';
import { Tensor } from '../tensor.ts';
import { cat } from './join.ts';
import type { OutOption } from './make.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface ScanOps {
  cumsum: { readonly dim: number };
  cumprod: { readonly dim: number };
  logcumsumexp: { readonly dim: number };
  /** Running extremes; the second output says where each came from. */
  cumulativeExtreme: { readonly dim: number; readonly node: string };
}

export interface CumulativeOptions extends OutOption {
  /** Converts first; also the result's dtype. */
  dtype?: DType | DTypeAlias | undefined;
}

/** A cumulative sum or product, with its in-place form beside it. */
export interface CumulativeFunction {
  (self: Tensor, dim: number, options?: CumulativeOptions): Tensor;
  readonly inplace: (self: Tensor, dim: number, options?: { dtype?: DType | DTypeAlias | undefined }) => Tensor;
}

function checkOrdered(op: string, self: Tensor): void {
  if (isComplex(self.dtype)) throw new DTypeError(`${op}(): complex numbers (${self.dtype}) have no order`);
}

function fresh(x: Tensor, dtype: DType): Tensor {
  return new Tensor(backendFor(x.device).allocate(dtype, x.elementCount), dtype, x.shape);
}

/** The scan of a tensor; no history. */
function scanOf(kind: ScanKind, self: Tensor, dim: number, dtype: DType): Tensor {
  const x = asVector(self);
  const out = fresh(x, dtype);
  backendFor(x.device).scan(kind, x, dim, out, null);
  return self.ndim > 0 ? out : new Tensor(out.storage, dtype, []);
}

function cumulative(op: 'cumsum' | 'cumprod', kind: ScanKind): CumulativeFunction {
  const parse = signature<{ dim: number; dtype: DType | undefined; out: Tensor | undefined }>(op, ['dim'], {
    dtype: undefined,
    out: undefined,
  });
  const f = (self: Tensor, ...args: [dim: number, options?: CumulativeOptions]): Tensor => {
    if (state.autocasting) [self] = autocastOperands(op, [self] as const);
    const { dim: asked, dtype, out } = parse(args);
    const dim = wrapDim(op, asked, self.ndim);
    // Sums and products of bool and integers below 64 bits are int32.
    const target =
      dtype !== undefined
        ? toDType(dtype)
        : isDifferentiable(self.dtype) || self.dtype === 'int64'
          ? self.dtype
          : 'int32';
    return intoOut(op, out, [self], () => record(op, [self], scanOf(kind, self, dim, target), { dim }));
  };
  return Object.assign(f, { inplace: inplaceOf(op, f) });
}

/**
 * Sums of the elements up to each one along `dim`. Integers and bools under 64 bits give int32.
 *
 * ```ts
 * tensor([1, 2, 3]).cumsum(0); // tensor([1., 3., 6.])
 * ```
 */
export const cumsum: CumulativeFunction = cumulative('cumsum', 'sum');

/** Products of the elements up to each one along `dim`. */
export const cumprod: CumulativeFunction = cumulative('cumprod', 'prod');

const parseLog = signature<{ dim: number; out: Tensor | undefined }>('logcumsumexp', ['dim'], { out: undefined });

/** Logarithms of the cumulative sums of exponentials along `dim`, without overflow. @throws DTypeError for integers. */
export function logcumsumexp(self: Tensor, dim: number, options: OutOption = {}): Tensor {
  const { out } = parseLog([dim, options]);
  const along = wrapDim('logcumsumexp', dim, self.ndim);
  if (!isFloating(self.dtype))
    throw new DTypeError(
      `logcumsumexp(): needs a floating point tensor, got ${self.dtype}; convert with .to('float32')`,
    );
  return intoOut('logcumsumexp', out, [self], () =>
    record('logcumsumexp', [self], scanOf('logsumexp', self, along, self.dtype), { dim: along }),
  );
}

interface ExtremeScanOptions {
  /** Receive values and indices. */
  out?: readonly [Tensor, Tensor] | undefined;
}

function cumulativeExtreme(
  op: 'cummax' | 'cummin',
): (self: Tensor, dim: number, options?: ExtremeScanOptions) => ValuesIndices {
  const parse = signature<{ dim: number; out: readonly [Tensor, Tensor] | undefined }>(op, ['dim'], { out: undefined });
  return (self, dim, options = {}) => {
    const { out } = parse([dim, options]);
    checkOrdered(op, self);
    const along = wrapDim(op, dim, self.ndim);
    const x = asVector(self);
    const [values, indices] = [fresh(x, x.dtype), fresh(x, 'int32')];
    backendFor(x.device).scan(op === 'cummax' ? 'max' : 'min', x, along, values, indices);
    const results = [values, indices].map((t) => (self.ndim > 0 ? t : new Tensor(t.storage, t.dtype, []))) as [
      Tensor,
      Tensor,
    ];
    record('cumulativeExtreme', [self], results, {
      dim: along,
      node: op === 'cummax' ? 'CummaxBackward0' : 'CumminBackward0',
    });
    return valuesIndices(op, self, results, out);
  };
}

/** The greatest of the elements up to each one along `dim`, and their positions: the latest of equal ones. NaN wins. */
export const cummax: (self: Tensor, dim: number, options?: ExtremeScanOptions) => ValuesIndices =
  cumulativeExtreme('cummax');

/** The least of the elements up to each one along `dim`, and their positions: the latest of equal ones. NaN wins. */
export const cummin: (self: Tensor, dim: number, options?: ExtremeScanOptions) => ValuesIndices =
  cumulativeExtreme('cummin');

export interface DiffOptions extends OutOption {
  /** How often. Default 1. */
  n?: number | undefined;
  /** Default: the last. */
  dim?: number | undefined;
  /** Put before the tensor along `dim` first. */
  prepend?: Tensor | null | undefined;
  /** Put after it. */
  append?: Tensor | null | undefined;
}

type DiffArguments = Trailing<[n: number, dim: number, prepend: Tensor | null, append: Tensor | null], DiffOptions>;

const parseDiff = signature<{
  n: number;
  dim: number;
  prepend: Tensor | null;
  append: Tensor | null;
  out: Tensor | undefined;
}>('diff', ['n', 'dim', 'prepend', 'append'], { n: 1, dim: -1, prepend: null, append: null, out: undefined });

/**
 * The n-th differences of neighbours along `dim`; for bools whether they differ.
 *
 * ```ts
 * tensor([1, 3, 2]).diff(); // tensor([ 2., -1.])
 * ```
 * @throws ShapeError for a 0-d tensor, RangeError for a negative n.
 */
export function diff(self: Tensor, ...args: DiffArguments): Tensor {
  const { n, dim: asked, prepend, append, out } = parseDiff(args);
  if (self.ndim === 0) throw new ShapeError('diff(): needs a tensor of at least one dimension, got a 0-d one');
  if (!Number.isInteger(n) || n < 0) throw new RangeError(`diff(): n must be an integer of at least 0, got ${n}`);
  const dim = wrapDim('diff', asked, self.ndim);
  return intoOut('diff', out, [self], () => {
    if (n === 0) return self.clone();
    const parts = [prepend, self, append].filter((part): part is Tensor => part !== null);
    let x = parts.length > 1 ? cat(parts, { dim }) : self;
    for (let i = 0; i < n && x.shape[dim]! > 0; i++) {
      const size = x.shape[dim]! - 1;
      const [after, before] = [x.narrow(dim, 1, size), x.narrow(dim, 0, size)];
      x = x.dtype === 'bool' ? after.logicalXor(before) : after.sub(before);
    }
    return x;
  });
}
