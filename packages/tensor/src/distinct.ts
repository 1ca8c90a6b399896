/** @file Distinct values of a tensor: what unique and uniqueConsecutive share. Their number depends on the data, so they work on values read from the device. */
import { type DType, dtypeInfo, type TypedArray } from './dtype.ts';
import { DeviceError } from './errors.ts';
import { numelOf, wrapDim } from './shape.ts';
import { backendFor } from './state.ts';
import { Tensor } from './tensor.ts';
import { decoder } from './values.ts';

export interface DistinctCall {
  readonly op: 'unique' | 'uniqueConsecutive';
  /** Entries are slices along this dimension; null: elements. */
  readonly dim: number | null;
  readonly returnInverse: boolean;
  readonly returnCounts: boolean;
}

/** The distinct entries, and where asked for the entry of each input and how many there are of each. */
export type DistinctResult = readonly [Tensor, ...Tensor[]];

/** `rows` entries of `width` elements each, one after another. */
interface Rows {
  readonly data: TypedArray;
  readonly dtype: DType;
  readonly rows: number;
  readonly width: number;
}

/** Orders two rows lexicographically; NaN is greater than numbers and other NaNs. */
function comparison({ data, dtype, width }: Rows): (a: number, b: number) => number {
  const value = decoder(dtype, data);
  return (a, b) => {
    for (let i = 0; i < width; i++) {
      const [x, y] = [value(a * width + i), value(b * width + i)];
      if (x === y) continue;
      if (x < y || Number.isNaN(y)) return -1;
      return 1;
    }
    return 0;
  };
}

interface Groups {
  /** A row of each group. */
  readonly first: readonly number[];
  /** The group of each row. */
  readonly inverse: Int32Array;
  readonly counts: readonly number[];
}

/** Groups of equal neighbours in the order given. */
function group(rows: Rows, order: ArrayLike<number>): Groups {
  const compare = comparison(rows);
  const inverse = new Int32Array(rows.rows);
  const [first, counts]: [number[], number[]] = [[], []];
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    if (i === 0 || compare(order[i - 1]!, row) !== 0) {
      first.push(row);
      counts.push(0);
    }
    inverse[row] = first.length - 1;
    counts[counts.length - 1]!++;
  }
  return { first, inverse, counts };
}

/** What is read from the device for a call, and how its results are put together. */
interface Prepared {
  /** Entries along the first dimension. */
  readonly source: Tensor;
  /** Positions of elements in sorted order, where elements (and not slices) are to be sorted. */
  readonly order: Tensor | null;
  finish(data: TypedArray, order: TypedArray | null): DistinctResult;
}

function prepare(self: Tensor, { op, dim: asked, returnInverse, returnCounts }: DistinctCall): Prepared {
  const dim = asked === null || self.ndim === 0 ? null : wrapDim(op, asked, self.ndim);
  const x = self.detach();
  const source = dim === null ? x.flatten() : x.transpose(dim, 0).contiguous();
  const rows = source.shape[0]!;
  const width = numelOf(source.shape.slice(1));
  const backend = backendFor(self.device);
  const finish = (data: TypedArray, sorted: TypedArray | null): DistinctResult => {
    const entries: Rows = { data, dtype: self.dtype, rows, width };
    const order = (sorted as Int32Array | null) ?? Int32Array.from({ length: rows }, (_, i) => i);
    if (sorted === null && op === 'unique') order.sort((a, b) => comparison(entries)(a, b) || a - b);
    const { first, inverse, counts } = group(entries, order);
    const made = (values: TypedArray, dtype: DType, shape: readonly number[]): Tensor =>
      new Tensor(backend.upload(dtype, values), dtype, shape);
    const distinct = made(takeRows(entries, first), self.dtype, [first.length, ...source.shape.slice(1)]);
    return [
      dim === null ? distinct : distinct.transpose(0, dim),
      ...(returnInverse ? [made(inverse, 'int32', dim === null ? self.shape : [rows])] : []),
      ...(returnCounts ? [made(Int32Array.from(counts), 'int32', [counts.length])] : []),
    ];
  };
  return { source, order: dim === null && op === 'unique' ? source.argsort() : null, finish };
}

/** The rows at some positions, one after another. */
function takeRows({ data, dtype, width }: Rows, positions: readonly number[]): TypedArray {
  const { array, lanes } = dtypeInfo(dtype);
  const step = width * lanes;
  const out = new array(positions.length * step);
  positions.forEach((row, i) => {
    out.set(data.subarray(row * step, (row + 1) * step) as never, i * step);
  });
  return out;
}

/** @throws DeviceError off the CPU, naming the asynchronous form. */
export function distinct(self: Tensor, call: DistinctCall): DistinctResult {
  const { readSync } = backendFor(self.device);
  if (readSync === null)
    throw new DeviceError(
      `${call.op}(): how many results there are depends on values on device '${self.device}'; use \`await x.${call.op}Async()\``,
    );
  const { source, order, finish } = prepare(self, call);
  return finish(readSync(source), order === null ? null : readSync(order));
}

/** The same on every device. */
export async function distinctAsync(self: Tensor, call: DistinctCall): Promise<DistinctResult> {
  const { source, order, finish } = prepare(self, call);
  const { read } = backendFor(self.device);
  const [data, sorted] = await Promise.all([read(source), order === null ? null : read(order)]);
  return finish(data, sorted);
}
