/** @file Functions of several tensors' shapes: broadcasting, grids, block matrices, products, combinations; triangle positions. */
import { checkOptions, isPlainObject, signature } from '../args.ts';
import { filled, integersFrom, type TensorOptions } from '../creation.ts';
import { promoteTypes } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { sameDevice } from '../positions.ts';
import { broadcastShapes as broadcastTwo, formatShape } from '../shape.ts';
import { isTensor, type Tensor } from '../tensor.ts';
import { indexSelect } from './gather.ts';
import { cat, stack } from './join.ts';
import { expand, reshape } from './views.ts';

/** Tensors given as a list or spread. */
type TensorList = readonly Tensor[] | [tensors: readonly Tensor[]];

function tensorList(op: string, args: readonly unknown[]): readonly Tensor[] {
  const list = (args.length === 1 && Array.isArray(args[0]) ? args[0] : args) as readonly Tensor[];
  if (list.length === 0 || !list.every(isTensor)) throw new TypeError(`${op}(): expects at least one tensor`);
  sameDevice(op, list[0]!, ...list);
  return list;
}

/**
 * The shape that all of the given ones broadcast to; a number stands for a shape of one dimension.
 *
 * ```ts
 * broadcastShapes([2, 1], [3], [4, 1, 1]); // [4, 2, 3]
 * ```
 * @throws ShapeError when they do not fit.
 */
export function broadcastShapes(...shapes: (number | readonly number[])[]): number[] {
  const lists = shapes.map((shape) => (typeof shape === 'number' ? [shape] : shape));
  return [...lists.reduce((a, b) => broadcastTwo('broadcastShapes', a, b), [] as readonly number[])];
}

/** All tensors expanded to their common shape. Views. */
export function broadcastTensors(...tensors: TensorList): Tensor[] {
  const list = tensorList('broadcastTensors', tensors);
  const shape = list.reduce<readonly number[]>((common, x) => broadcastTwo('broadcastTensors', common, x.shape), []);
  return list.map((x) => expand(x, shape));
}

export interface MeshgridOptions {
  /** 'ij' (default): the first tensor runs along dimension 0. 'xy': along dimension 1, as in plots. */
  indexing?: 'ij' | 'xy' | undefined;
}

/**
 * Grids of coordinates: for each vector a tensor with one dimension per vector, in which it runs along its own. Views.
 *
 * ```ts
 * const [rows, columns] = meshgrid(arange(2), arange(3));
 * columns.toArraySync(); // [[0, 1, 2], [0, 1, 2]]
 * ```
 */
export function meshgrid(
  ...args:
    | [...tensors: Tensor[]]
    | [...tensors: Tensor[], options: MeshgridOptions]
    | [tensors: readonly Tensor[], options?: MeshgridOptions]
): Tensor[] {
  const last = args[args.length - 1];
  const options = isPlainObject(last) ? (last as MeshgridOptions) : {};
  checkOptions('meshgrid', options, ['indexing']);
  const { indexing = 'ij' } = options;
  if (indexing !== 'ij' && indexing !== 'xy')
    throw new TypeError(`meshgrid(): indexing must be 'ij' or 'xy', got ${JSON.stringify(indexing)}`);
  const list = tensorList('meshgrid', isPlainObject(last) ? args.slice(0, -1) : args);
  const bad = list.find((x) => x.ndim > 1 || x.dtype !== list[0]!.dtype);
  if (bad !== undefined) {
    throw new ShapeError(
      `meshgrid(): expects vectors of one dtype, got shape ${formatShape(bad.shape)} of ${bad.dtype} beside ${list[0]!.dtype}`,
    );
  }
  const swap = indexing === 'xy' && list.length > 1;
  const ordered = swap ? [list[1]!, list[0]!, ...list.slice(2)] : list;
  const shape = ordered.map((x) => x.elementCount);
  const grids = ordered.map((x, d) =>
    expand(
      reshape(
        x,
        shape.map((n, k) => (k === d ? n : 1)),
      ),
      shape,
    ),
  );
  return swap ? [grids[1]!, grids[0]!, ...grids.slice(2)] : grids;
}

/** All combinations of one element of each vector, as rows. One vector gives itself. */
export function cartesianProd(...tensors: TensorList): Tensor {
  const list = tensorList('cartesianProd', tensors);
  const bad = list.find((x) => x.ndim !== 1);
  if (bad !== undefined) throw new ShapeError(`cartesianProd(): expects vectors, got shape ${formatShape(bad.shape)}`);
  if (list.length === 1) return list[0]!;
  return stack(
    meshgrid([...list]).map((grid) => reshape(grid, -1)),
    1,
  );
}

export interface CombinationsOptions {
  /** Elements in each combination. Default 2. */
  r?: number | undefined;
  /** Whether an element may come more than once. Default false. */
  withReplacement?: boolean | undefined;
}

/** Combinations of `r` (2) elements of a vector, as rows, in order of position. */
export function combinations(
  input: Tensor,
  ...args: [r?: number | CombinationsOptions, withReplacement?: boolean | CombinationsOptions]
): Tensor {
  const options: CombinationsOptions = {};
  args.forEach((arg, i) => {
    if (isPlainObject(arg)) {
      checkOptions('combinations', arg, ['r', 'withReplacement']);
      Object.assign(options, arg);
    } else if (arg !== undefined) Object.assign(options, i === 0 ? { r: arg } : { withReplacement: arg });
  });
  const { r = 2, withReplacement = false } = options;
  if (input.ndim !== 1) throw new ShapeError(`combinations(): expects a vector, got shape ${formatShape(input.shape)}`);
  if (!Number.isInteger(r) || r < 0)
    throw new RangeError(`combinations(): r must be an integer of at least 0, got ${r}`);
  if (r === 0) return filled('combinations', [0], 0, { dtype: input.dtype, device: input.device });
  const rows = choices(input.elementCount, r, withReplacement);
  const index = integersFrom(rows.flat(), [rows.length * r], { device: input.device });
  return reshape(indexSelect(input, 0, index), [rows.length, r]);
}

/** Ascending lists of r positions below n. */
function choices(n: number, r: number, repeated: boolean): number[][] {
  let lists: number[][] = [[]];
  for (let k = 0; k < r; k++) {
    lists = lists.flatMap((list) => {
      const last = list[list.length - 1];
      const first = last === undefined ? 0 : repeated ? last : last + 1;
      return Array.from({ length: Math.max(n - first, 0) }, (_, i) => [...list, first + i]);
    });
  }
  return lists;
}

export interface VanderOptions {
  /** Number of columns. Default: the length of the vector. */
  N?: number | null | undefined;
  /** Whether powers grow from left to right. Default false. */
  increasing?: boolean | undefined;
}

/**
 * The powers of a vector's elements as columns, the highest first.
 *
 * ```ts
 * vander(tensor([2, 3]), 3).toArraySync(); // [[4, 2, 1], [9, 3, 1]]
 * ```
 */
export function vander(
  x: Tensor,
  ...args: [N?: number | null | VanderOptions, increasing?: boolean | VanderOptions]
): Tensor {
  const { N, increasing } = vanderArguments(args);
  if (x.ndim !== 1) throw new ShapeError(`vander(): expects a vector, got shape ${formatShape(x.shape)}`);
  const count = N ?? x.shape[0]!;
  if (!Number.isInteger(count) || count < 0)
    throw new RangeError(`vander(): N must be an integer of at least 0, got ${count}`);
  const powers = Array.from({ length: count }, (_, i) => (increasing ? i : count - 1 - i));
  return x.unsqueeze(1).pow(integersFrom(powers, [count], { device: x.device }));
}
const vanderArguments = signature<{ N: number | null; increasing: boolean }>('vander', ['N', 'increasing'], {
  N: null,
  increasing: false,
});

/** A matrix with the given ones along its diagonal and zeros elsewhere; vectors count as rows. */
export function blockDiag(...tensors: TensorList): Tensor {
  const list = tensorList('blockDiag', tensors);
  const bad = list.find((x) => x.ndim > 2);
  if (bad !== undefined)
    throw new ShapeError(`blockDiag(): expects at most 2 dimensions, got shape ${formatShape(bad.shape)}`);
  const blocks = list.map((x) => (x.ndim === 2 ? x : reshape(x, 1, x.elementCount)));
  const dtype = blocks.map((x) => x.dtype).reduce(promoteTypes);
  const width = blocks.reduce((sum, x) => sum + x.shape[1]!, 0);
  let left = 0;
  const bands = blocks.map((x) => {
    const [rows, columns] = x.shape as readonly [number, number];
    const zero = (n: number): Tensor => filled('blockDiag', [rows, n], 0, { dtype, device: x.device });
    const band = cat([zero(left), x, zero(width - left - columns)], 1);
    left += columns;
    return band;
  });
  return cat(bands, 0);
}

type TriangleArguments = [
  offset?: number | ({ offset?: number | undefined } & TensorOptions),
  options?: { offset?: number | undefined } & TensorOptions,
];

/** Row and column positions for which `keep(column − row)` holds, as [2, count]. */
function trianglePositions(
  op: string,
  row: number,
  column: number,
  args: TriangleArguments,
  keep: (difference: number, offset: number) => boolean,
): Tensor {
  const options = args.find(isPlainObject) as ({ offset?: number } & TensorOptions) | undefined;
  checkOptions(op, options ?? {}, ['offset', 'dtype', 'device', 'requiresGrad']);
  const { offset = typeof args[0] === 'number' ? args[0] : 0, ...rest } = options ?? {};
  for (const n of [row, column])
    if (!Number.isInteger(n) || n < 0)
      throw new RangeError(`${op}(): rows and columns must be integers of at least 0, got ${row} and ${column}`);
  const [rows, columns]: [number[], number[]] = [[], []];
  for (let i = 0; i < row; i++) {
    for (let j = 0; j < column; j++) {
      if (!keep(j - i, offset)) continue;
      rows.push(i);
      columns.push(j);
    }
  }
  return integersFrom([...rows, ...columns], [2, rows.length], rest);
}

/** Positions [row, column] of the elements on and below a diagonal of a `row` × `column` matrix, as int32 [2, count]. */
export function trilIndices(row: number, column: number, ...args: TriangleArguments): Tensor {
  return trianglePositions('trilIndices', row, column, args, (difference, offset) => difference <= offset);
}

/** Positions [row, column] of the elements on and above a diagonal of a `row` × `column` matrix, as int32 [2, count]. */
export function triuIndices(row: number, column: number, ...args: TriangleArguments): Tensor {
  return trianglePositions('triuIndices', row, column, args, (difference, offset) => difference >= offset);
}
