/** @file Variance and standard deviation: what var, std, varMean and stdMean share. */
import { signature, type Trailing } from './args.ts';
import { isDifferentiable, realDType } from './dtype.ts';
import { DTypeError } from './errors.ts';
import { intoOut } from './inplace.ts';
import { squaredMagnitude } from './ir/expr.ts';
import { computeDType } from './ir/kernel.ts';
import type { OutOption } from './ops/make.ts';
import type { ReduceOptions } from './ops/reduce.ts';
import { record } from './record.ts';
import { type Dims, type Reduction, reduceDims, reduceTensors, reduction } from './reduction.ts';
import type { Tensor } from './tensor.ts';

export interface VarOptions extends ReduceOptions {
  /** Divides by n − 1 (the default) or by n. */
  unbiased?: boolean | undefined;
  /** Divides by n − correction, instead of `unbiased`. Default 1. */
  correction?: number | null | undefined;
}

/** `(unbiased)`, or `(dim, unbiased, keepdim)` each of which may be left off or named. */
export type VarArguments =
  | [unbiased: boolean, options?: OutOption]
  | Trailing<[dim: Dims, unbiased: boolean, keepdim: boolean], VarOptions>;

/** What those arguments come to. */
export interface Spread {
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  readonly correction: number;
  readonly all: boolean;
  readonly out: Tensor | undefined;
}

interface Parsed {
  dim: Dims;
  unbiased: boolean | undefined;
  keepdim: boolean;
  correction: number | null | undefined;
  out: Tensor | undefined;
}

const defaults = { dim: null, unbiased: undefined, keepdim: false, correction: undefined, out: undefined };

/** Makes the parser of the arguments of var and its kin. @throws DTypeError unless the tensor is a floating one. */
export function spreadArguments(op: string): (self: Tensor, args: readonly unknown[]) => Spread {
  const parse = signature<Parsed>(op, ['dim', 'unbiased', 'keepdim'], defaults);
  return (self, args) => {
    const { dim, unbiased, keepdim, correction, out } = parse(
      typeof args[0] === 'boolean' ? [undefined, ...args] : args,
    );
    if (unbiased !== undefined && typeof correction === 'number')
      throw new TypeError(`${op}(): give unbiased or correction, not both`);
    if (!isDifferentiable(self.dtype))
      throw new DTypeError(`${op}(): needs a floating point tensor, got ${self.dtype}; convert with .to('float32')`);
    return {
      dims: reduceDims(op, dim, self.ndim),
      keepdim,
      correction: correction ?? (unbiased === false ? 0 : 1),
      all: dim === null,
      out,
    };
  };
}

const varOp = reduction({
  name: 'var',
  kind: 'sum',
  prologue: (x, mean) => squaredMagnitude(x!.sub(mean!)),
  epilogue: (total, freedom) => total.div(freedom!),
});
const stdOp = reduction({ ...varOp, name: 'std', epilogue: (total, freedom) => total.div(freedom!).sqrt() });
const meanOp = reduction({ name: 'mean', kind: 'sum', epilogue: (total, count) => total.div(count!) });

/** The mean of squared deviations from the mean, or its root: in two passes, which loses no digits to cancellation. */
export function spreadOf(which: 'var' | 'std', self: Tensor, { dims, keepdim, correction, all, out }: Spread): Tensor {
  const op: Reduction = which === 'var' ? varOp : stdOp;
  const count = dims.reduce((n, d) => n * self.shape[d]!, 1);
  // 16-bit floats keep the mean in float32.
  const wide = computeDType(self.dtype);
  const output = realDType(self.dtype);
  return intoOut(which, out, [self], () => {
    const mean = reduceTensors(meanOp, [self], dims, true, { compute: wide, output: wide }, [count]);
    const result = reduceTensors(op, [self, mean], dims, keepdim, { compute: realDType(wide), as: wide, output }, [
      Math.max(0, count - correction),
    ]);
    return record(which, [self], result, { dims, keepdim, all, correction });
  });
}
