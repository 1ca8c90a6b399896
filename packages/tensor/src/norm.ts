/** @file p-norms: what norm and linalg.vectorNorm share. */
import { type DType, isDifferentiable, realDType } from './dtype.ts';
import { DTypeError } from './errors.ts';
import { call, squaredMagnitude } from './ir/expr.ts';
import { record } from './record.ts';
import { checkReducible, type Reduction, reduceTensors, reduction } from './reduction.ts';
import type { Tensor } from './tensor.ts';

export interface Norm {
  /** The public op's name, for errors. */
  readonly op: string;
  /** PyTorch's graph node name. */
  readonly node: string;
  readonly p: number;
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly all: boolean;
  /** Converts first. */
  readonly dtype: DType | undefined;
}

const nonzeroOp = reduction({ name: 'norm', kind: 'sum', prologue: (x) => x!.toBool().toReal() });
const absoluteOp = reduction({ name: 'norm', kind: 'sum', prologue: (x) => x!.abs() });
const euclideanOp = reduction({
  name: 'norm',
  kind: 'sum',
  prologue: (x) => squaredMagnitude(x!),
  epilogue: (total) => total.sqrt(),
});
const greatestOp = reduction({ name: 'norm', kind: 'max', prologue: (x) => x!.abs() });
const leastOp = reduction({ name: 'norm', kind: 'min', prologue: (x) => x!.abs() });
const powerOp = reduction({
  name: 'norm',
  kind: 'sum',
  prologue: (x, p) => x!.abs().pow(call('real', p!)),
  epilogue: (total, root) => total.pow(root!),
});

function reductionFor(p: number): Reduction {
  if (p === 0) return nonzeroOp;
  if (p === 1) return absoluteOp;
  if (p === 2) return euclideanOp;
  return p === Number.POSITIVE_INFINITY ? greatestOp : p === Number.NEGATIVE_INFINITY ? leastOp : powerOp;
}

/** The p-norm over some dimensions, recorded. @throws DTypeError unless the tensor or `dtype` is a floating one. */
export function normOver(self: Tensor, { op, node, p, dims, keepdim, all, dtype }: Norm): Tensor {
  const x = dtype === undefined ? self : self.to(dtype);
  if (!isDifferentiable(x.dtype))
    throw new DTypeError(
      `${op}(): needs a floating point tensor, got ${x.dtype}; pass { dtype: 'float32' } or convert with .to('float32')`,
    );
  if (Math.abs(p) === Number.POSITIVE_INFINITY) checkReducible(op, x, dims);
  const which = reductionFor(p);
  const power = which === powerOp;
  // PyTorch's kernel takes p as a float32, whatever the tensor's dtype.
  const exponent = Math.fround(p);
  const result = reduceTensors(
    which,
    power ? [x, exponent] : [x],
    dims,
    keepdim,
    { compute: realDType(x.dtype), as: x.dtype, output: realDType(x.dtype) },
    power ? [1 / exponent] : [],
  );
  return record('norm', [x], result, { p, dims, keepdim, all, node });
}
