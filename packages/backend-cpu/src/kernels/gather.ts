/**
 * @file gather and scatter. Both move elements between a tensor laid out like the index ("near") and one where the index
 * says how far to go along a dimension ("far").
 */
import { type DType, DTypeError, type Scalar, type TypedArray } from '@flambeau/tensor';
import {
  call,
  computeDType,
  dtypeInfo,
  inputs,
  isComplex,
  mergeStrides,
  type Positions,
  realDType,
  type ScatterMode,
  type View,
} from '@flambeau/tensor/internal';
import { generate, mayGenerate } from '../compile/generate.ts';
import { expressionClosure, expressionText } from '../compile/lower.ts';
import { dataOf, loading, scalarValue, storing } from '../compile/memory.ts';

/** What happens at one pair of places: `far[t]` and `near[o]`, as source text and as a function. */
interface Move {
  readonly key: string;
  /** Complex elements are moved as wholes, not lane by lane. */
  readonly whole?: boolean;
  readonly text: string;
  readonly run: (far: TypedArray, near: TypedArray, t: number, o: number) => void;
}

interface Layout {
  readonly sizes: readonly number[];
  readonly far: readonly number[];
  readonly index: readonly number[];
  readonly near: readonly number[];
}

type MoveFunction = (
  layout: Layout,
  far: TypedArray,
  near: TypedArray,
  index: Int32Array,
  f: number,
  i: number,
  o: number,
  step: number,
) => void;

const compiled = new Map<string, MoveFunction>();

/**
 * Source of nested loops over a layout. `rows`: the innermost dimension has one index for all its elements, so the
 * place is found once for each row.
 */
function moveText(move: Move, rank: number, rows: boolean): string {
  const depth = rows ? rank - 1 : rank;
  const constants = Array.from(
    { length: rank },
    (_, d) => `const n${d} = sizes[${d}], df${d} = far[${d}], di${d} = index[${d}], dn${d} = near[${d}];`,
  );
  const inner = rows
    ? `let t = f${depth} + positions[i${depth}] * step, o = o${depth}; for (let c = 0; c < n${depth}; c++, t += df${depth}, o += dn${depth}) { ${move.text} }`
    : `const t = f${depth} + positions[i${depth}] * step, o = o${depth}; ${move.text}`;
  const level = (d: number): string =>
    d === depth
      ? `{ ${inner} }`
      : `for (let c${d} = 0, f${d + 1} = f${d}, i${d + 1} = i${d}, o${d + 1} = o${d}; c${d} < n${d}; c${d}++, f${d + 1} += df${d}, i${d + 1} += di${d}, o${d + 1} += dn${d}) ${level(d + 1)}`;
  return `({ sizes, far, index, near }, x, y, positions, f0, i0, o0, step) => { ${constants.join(' ')} ${level(0)} }`;
}

/** The same without code generation. */
function interpretMove(move: Move): MoveFunction {
  return ({ sizes, far, index, near }, x, y, positions, f, i, o, step) => {
    const walk = (d: number, f: number, i: number, o: number): void => {
      if (d === sizes.length) move.run(x, y, f + positions[i]! * step, o);
      else for (let c = 0; c < sizes[d]!; c++) walk(d + 1, f + c * far[d]!, i + c * index[d]!, o + c * near[d]!);
    };
    walk(0, f, i, o);
  };
}

function moveFunction(move: Move, rank: number, rows: boolean): MoveFunction {
  if (!mayGenerate()) return interpretMove(move);
  const key = `${move.key} ${rank} ${rows}`;
  let run = compiled.get(key);
  if (run === undefined) {
    run = generate<MoveFunction>(moveText(move, rank, rows));
    compiled.set(key, run);
  }
  return run;
}

/** Rows of at least this many gapless elements are copied by TypedArray.set. */
const longRow = 96;

/** Copies whole rows, each found by one index. */
function copyRows(
  layout: Layout,
  far: TypedArray,
  near: TypedArray,
  index: Int32Array,
  f: number,
  i: number,
  o: number,
  step: number,
  into: 'far' | 'near',
): void {
  const last = layout.sizes.length - 1;
  const length = layout.sizes[last]!;
  const [target, source] = into === 'near' ? [near, far] : [far, near];
  const walk = (d: number, f: number, i: number, o: number): void => {
    if (d < last) {
      for (let c = 0; c < layout.sizes[d]!; c++)
        walk(d + 1, f + c * layout.far[d]!, i + c * layout.index[d]!, o + c * layout.near[d]!);
      return;
    }
    const t = f + index[i]! * step;
    const [to, from] = into === 'near' ? [o, t] : [t, o];
    (target as Float32Array).set((source as Float32Array).subarray(from, from + length), to);
  };
  walk(0, f, i, o);
}

/** Strides, in array elements, and where `split` with the two halves of complex elements as one more dimension. */
const inLanes = (strides: readonly number[], lanes: number, split: boolean): number[] => [
  ...strides.map((s) => s * lanes),
  ...(split ? [1] : []),
];

/** Runs `move` for every element of the index. `near` may be one value for all, in an array of its own. */
function moveAll(
  move: Move,
  far: View,
  dim: number,
  index: View,
  near: View | TypedArray,
  copies: 'far' | 'near' | null,
): void {
  if (index.elementCount === 0) return;
  const { lanes } = dtypeInfo(far.dtype);
  const split = lanes > 1 && !move.whole;
  const single = ArrayBuffer.isView(near);
  const { sizes, strides } = mergeStrides(split ? [...index.shape, lanes] : index.shape, [
    inLanes(
      far.strides.map((s, d) => (d === dim ? 0 : s)),
      lanes,
      split,
    ),
    split ? [...index.strides, 0] : index.strides,
    inLanes(single ? index.shape.map(() => 0) : near.strides, lanes, split),
  ]);
  const layout: Layout = { sizes, far: strides[0]!, index: strides[1]!, near: strides[2]! };
  const last = sizes.length - 1;
  const rows = last >= 0 && layout.index[last] === 0;
  const gapless = rows && layout.far[last] === 1 && layout.near[last] === 1 && sizes[last]! >= longRow;
  const [x, y, positions] = [dataOf(far), single ? near : dataOf(near), dataOf(index) as Int32Array];
  const start = { far: far.offset * lanes, index: index.offset, near: single ? 0 : near.offset * lanes };
  const step = (far.strides[dim] ?? 0) * lanes;
  if (gapless && copies !== null) copyRows(layout, x, y, positions, start.far, start.index, start.near, step, copies);
  else moveFunction(move, sizes.length, rows)(layout, x, y, positions, start.far, start.index, start.near, step);
}

/** out[i][j][k] = x[index[i][j][k]][j][k] for dim 0, and so on. `index` is int32, in range. */
export function gather(x: View, dim: number, { view: index }: Positions, out: View): void {
  const move: Move = {
    key: `gather ${dtypeInfo(x.dtype).array.name}`,
    text: 'y[o] = x[t];',
    run: (far, near, t, o) => {
      near[o] = far[t]! as never;
    },
  };
  moveAll(move, x, dim, index, out, 'near');
}

const assign = (dtype: DType): Move => ({
  key: `assign ${dtypeInfo(dtype).array.name}`,
  text: 'x[t] = y[o];',
  run: (far, near, t, o) => {
    far[t] = near[o]! as never;
  },
});

const combining = { add: 'add', mul: 'mul', max: 'max', min: 'min' } as const;
const moves = new Map<string, Move>();

/** far[t] = far[t] · near[o] of complex numbers. */
const complexProduct: Move = {
  key: 'complex product',
  whole: true,
  text: '{ const a = x[t], b = x[t + 1], c = y[o], d = y[o + 1]; x[t] = a * c - b * d; x[t + 1] = a * d + b * c; }',
  run: (far, near, t, o) => {
    const [x, y] = [far as Float64Array, near as Float64Array];
    const [a, b, c, d] = [x[t]!, x[t + 1]!, y[o]!, y[o + 1]!];
    [x[t], x[t + 1]] = [a * c - b * d, a * d + b * c];
  },
};

/** far[t] = far[t] ∘ near[o], with the meaning that the expression IR gives ∘ for the dtype. */
function combine(dtype: DType, mode: Exclude<ScatterMode, 'assign'>): Move {
  if (isComplex(dtype) && mode === 'mul') return complexProduct;
  if (isComplex(dtype) && mode !== 'add') throw new DTypeError(`scatter: '${mode}' is not defined for ${dtype}`);
  const key = `${mode} ${dtype}`;
  let move = moves.get(key);
  if (move === undefined) {
    const real = realDType(dtype);
    const compute = computeDType(real);
    const [old, value] = inputs(2);
    const expression = call(combining[mode], old!, value!);
    const operand = { dtype: real, as: compute };
    const load = loading(real, compute);
    const store = storing(compute, real);
    const { statements, results } = expressionText([expression], [operand, operand], compute, (i) =>
      load.text(i === 0 ? 'x[t]' : 'y[o]'),
    );
    const { run } = expressionClosure(expression, [operand, operand], compute);
    move = {
      key,
      text: `{ ${statements.join(' ')} x[t] = ${store.text(results[0]!)}; }`,
      run: (far, near, t, o) => {
        far[t] = store.run(run([load.run(far[t]), load.run(near[o])])) as never;
      },
    };
    moves.set(key, move);
  }
  return move;
}

/** out[index[i][j][k]][j][k] op= src[i][j][k] for dim 0, and so on. `index` is int32, in range; the last of several wins. */
export function scatter(
  out: View,
  dim: number,
  { view: index }: Positions,
  src: View | Scalar,
  mode: ScatterMode,
): void {
  const move = mode === 'assign' ? assign(out.dtype) : combine(out.dtype, mode);
  moveAll(
    move,
    out,
    dim,
    index,
    typeof src === 'object' ? src : oneValue(src, out.dtype),
    mode === 'assign' ? 'far' : null,
  );
}

/** An array with one element of `dtype`; the imaginary part of a complex one is 0. */
function oneValue(value: Scalar, dtype: DType): TypedArray {
  const { array, lanes } = dtypeInfo(dtype);
  const real = realDType(dtype);
  const compute = computeDType(real);
  const out = new array(lanes);
  out[0] = storing(compute, real).run(scalarValue(value, compute)) as never;
  return out;
}
