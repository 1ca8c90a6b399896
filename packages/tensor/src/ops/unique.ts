/** @file Distinct values: unique and uniqueConsecutive, and their asynchronous forms. */
import { signature, type Trailing } from '../args.ts';
import { type DistinctCall, type DistinctResult, distinct, distinctAsync } from '../distinct.ts';
import type { Tensor } from '../tensor.ts';

export interface UniqueConsecutiveOptions {
  /** Also for each input the position of its value in the result. */
  returnInverse?: boolean | undefined;
  /** Also how often each value occurs. */
  returnCounts?: boolean | undefined;
  /** Compares slices along this dimension instead of elements. */
  dim?: number | null | undefined;
}

export interface UniqueOptions extends UniqueConsecutiveOptions {
  /** Accepted for PyTorch's sake: the result is always sorted. */
  sorted?: boolean | undefined;
}

/** A tensor, or a list of as many as were asked for. */
export type UniqueResult<O> = O extends { returnInverse: true; returnCounts: true }
  ? [output: Tensor, inverse: Tensor, counts: Tensor]
  : O extends { returnInverse: true }
    ? [output: Tensor, inverse: Tensor]
    : O extends { returnCounts: true }
      ? [output: Tensor, counts: Tensor]
      : Tensor;

type Several = Tensor | Tensor[];
type UniquePositions = Trailing<
  [sorted: boolean, returnInverse: boolean, returnCounts: boolean, dim: number | null],
  UniqueOptions
>;
type ConsecutivePositions = Trailing<
  [returnInverse: boolean, returnCounts: boolean, dim: number | null],
  UniqueConsecutiveOptions
>;

/** A function of a family with options `O` and positional arguments `P`. */
export interface UniqueFunction<O, P extends unknown[]> {
  <const Given extends O = O>(self: Tensor, options?: Given): UniqueResult<Given>;
  (self: Tensor, ...args: P): Several;
  /** The method's type; there is no such property at run time. */
  readonly methodType: {
    <const Given extends O = O>(options?: Given): UniqueResult<Given>;
    (...args: P): Several;
  };
}

export interface UniqueAsyncFunction<O, P extends unknown[]> {
  <const Given extends O = O>(self: Tensor, options?: Given): Promise<UniqueResult<Given>>;
  (self: Tensor, ...args: P): Promise<Several>;
  readonly methodType: {
    <const Given extends O = O>(options?: Given): Promise<UniqueResult<Given>>;
    (...args: P): Promise<Several>;
  };
}

const defaults = { returnInverse: false, returnCounts: false, dim: null };
const parsers = {
  unique: signature<Required<UniqueOptions>>('unique', ['sorted', 'returnInverse', 'returnCounts', 'dim'], {
    ...defaults,
    sorted: true,
  }),
  uniqueConsecutive: signature<Required<UniqueConsecutiveOptions>>(
    'uniqueConsecutive',
    ['returnInverse', 'returnCounts', 'dim'],
    defaults,
  ),
};

function callOf(op: DistinctCall['op'], args: readonly unknown[]): DistinctCall {
  const { returnInverse, returnCounts, dim } = parsers[op](args);
  return { op, dim: dim ?? null, returnInverse: returnInverse ?? false, returnCounts: returnCounts ?? false };
}

const resultOf = (results: DistinctResult): Several => (results.length === 1 ? results[0] : [...results]);

const now =
  (op: DistinctCall['op']) =>
  (self: Tensor, ...args: readonly unknown[]): Several =>
    resultOf(distinct(self, callOf(op, args)));
const later =
  (op: DistinctCall['op']) =>
  async (self: Tensor, ...args: readonly unknown[]): Promise<Several> =>
    resultOf(await distinctAsync(self, callOf(op, args)));

/**
 * The distinct values in ascending order, or the distinct slices along `dim` in lexicographic order; with
 * `returnInverse` and `returnCounts` a list of tensors. Every NaN is a value of its own. CPU only.
 *
 * ```ts
 * tensor([3, 1, 3]).unique(); // tensor([1., 3.])
 * const [values, inverse, counts] = x.unique({ returnInverse: true, returnCounts: true });
 * ```
 */
export const unique = now('unique') as unknown as UniqueFunction<UniqueOptions, UniquePositions>;

/** {@link unique} on every device. */
export const uniqueAsync = later('unique') as unknown as UniqueAsyncFunction<UniqueOptions, UniquePositions>;

/** The values (or slices along `dim`) without the repetitions that follow one another. CPU only. */
export const uniqueConsecutive = now('uniqueConsecutive') as unknown as UniqueFunction<
  UniqueConsecutiveOptions,
  ConsecutivePositions
>;

/** {@link uniqueConsecutive} on every device. */
export const uniqueConsecutiveAsync = later('uniqueConsecutive') as unknown as UniqueAsyncFunction<
  UniqueConsecutiveOptions,
  ConsecutivePositions
>;
