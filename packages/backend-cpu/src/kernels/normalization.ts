/**
 * @file Normalization and its gradients, fused: each row is read while it is in the cache, and everything in between is
 * computed in double precision.
 */
import {
  broadcastStrides,
  keptShape,
  type Loops,
  mergeStrides,
  type NormalizationGradients,
  type NormalizationSpec,
  numelOf,
  type RunningStatistics,
  type View,
} from '@flambeau/tensor/internal';
import { dataOf } from '../compile/memory.ts';

type Floats = Float32Array | Float64Array;

/** Rows of several arrays: the loops over rows, those along a row but the innermost, and that one's size and strides. */
interface Rows {
  readonly kept: Loops;
  readonly outer: Loops;
  readonly size: number;
  readonly steps: readonly number[];
  /** Number of elements of a row. */
  readonly length: number;
}

/** `strides` has an entry for each dimension of `shape`; the first array decides the order of the loops. */
function rowsOver(shape: readonly number[], dims: readonly number[], strides: readonly (readonly number[])[]): Rows {
  const lead = strides[0]!;
  const over = (list: number[]): Loops => {
    list.sort((a, b) => Math.abs(lead[b]!) - Math.abs(lead[a]!));
    return mergeStrides(
      list.map((d) => shape[d]!),
      strides.map((s) => list.map((d) => s[d]!)),
    );
  };
  const kept = over(shape.map((_, d) => d).filter((d) => !dims.includes(d)));
  const reduced = over([...dims]);
  return {
    kept,
    outer: { sizes: reduced.sizes.slice(0, -1), strides: reduced.strides.map((s) => s.slice(0, -1)) },
    size: reduced.sizes.at(-1) ?? 1,
    steps: reduced.strides.map((s) => s.at(-1) ?? 0),
    length: numelOf(reduced.sizes),
  };
}

const stridesIn = (shape: readonly number[], view: View): readonly number[] =>
  broadcastStrides(view.shape, view.strides, shape);

/** Calls `visit` for every position of the loops, with the arrays' places there in `at`, which is as before afterwards. */
function walk({ sizes, strides }: Loops, at: number[], visit: () => void, depth = 0): void {
  if (depth === sizes.length) {
    visit();
    return;
  }
  const size = sizes[depth]!;
  for (let i = 0; i < size; i++) {
    walk({ sizes, strides }, at, visit, depth + 1);
    for (let v = 0; v < at.length; v++) at[v]! += strides[v]![depth]!;
  }
  for (let v = 0; v < at.length; v++) at[v]! -= strides[v]![depth]! * size;
}

/** Σ x of a run. Neighbours are added in four chains: an addition waits for the one before. */
function sumOf(x: Floats, p: number, step: number, size: number): number {
  let a = 0;
  if (step !== 1) {
    for (let i = 0; i < size; i++, p += step) a += x[p]!;
    return a;
  }
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 3 < size; i += 4) {
    a += x[p + i]!;
    b += x[p + i + 1]!;
    c += x[p + i + 2]!;
    d += x[p + i + 3]!;
  }
  for (; i < size; i++) a += x[p + i]!;
  return a + b + (c + d);
}

/** Σ (x − center)². */
function squaresOf(x: Floats, p: number, step: number, size: number, center: number): number {
  let a = 0;
  if (step !== 1) {
    for (let i = 0; i < size; i++, p += step) a += (x[p]! - center) ** 2;
    return a;
  }
  let b = 0;
  let i = 0;
  for (; i + 1 < size; i += 2) {
    const e = x[p + i]! - center;
    const f = x[p + i + 1]! - center;
    a += e * e;
    b += f * f;
  }
  if (i < size) a += (x[p + i]! - center) ** 2;
  return a + b;
}

/** A weight of 1 or a bias of 0, as an array like the others: loops over one kind of array are faster. */
const constant = (value: number, like: Floats): Floats =>
  like instanceof Float32Array ? Float32Array.of(value) : Float64Array.of(value);

/** See Fused.normalization in the contract. */
export function normalization(
  x: View,
  weight: View | null,
  bias: View | null,
  { dims, eps }: NormalizationSpec,
  out: View,
  mean: View,
  rstd: View,
  running: RunningStatistics | null,
): true {
  const { shape } = x;
  const nowhere = shape.map(() => 0);
  const views = [x, out, weight, bias, mean, rstd, running?.mean ?? null, running?.variance ?? null];
  const rows = rowsOver(
    shape,
    dims,
    views.map((view) => (view === null ? nowhere : stridesIn(shape, view))),
  );
  const arrays = views.map((view) => view && (dataOf(view) as Floats));
  const [input, output] = arrays as [Floats, Floats];
  const [scales, shifts] = [arrays[2] ?? constant(1, input), arrays[3] ?? constant(0, input)];
  const { size, steps, length } = rows;
  const step = steps[0]!;
  const at = views.map((view) => view?.offset ?? 0);
  const { momentum } = running ?? { momentum: 0 };
  walk(rows.kept, at, () => {
    let total = 0;
    walk(rows.outer, at, () => {
      total += sumOf(input, at[0]!, step, size);
    });
    const center = total / length;
    let squares = 0;
    walk(rows.outer, at, () => {
      squares += squaresOf(input, at[0]!, step, size, center);
    });
    const scale = 1 / Math.sqrt(squares / length + eps);
    arrays[4]![at[4]!] = center;
    arrays[5]![at[5]!] = scale;
    update(arrays[6] ?? null, at[6]!, center, momentum);
    update(arrays[7] ?? null, at[7]!, squares / (length - 1), momentum);
    walk(rows.outer, at, () => {
      apply(
        input,
        at[0]!,
        step,
        output,
        at[1]!,
        steps[1]!,
        size,
        center,
        scale,
        scales,
        at[2]!,
        steps[2]!,
        shifts,
        at[3]!,
        steps[3]!,
      );
    });
  });
  return true;
}

function update(running: Floats | null, at: number, value: number, momentum: number): void {
  if (running !== null) running[at] = running[at]! * (1 - momentum) + value * momentum;
}

function apply(
  x: Floats,
  p: number,
  stepX: number,
  y: Floats,
  q: number,
  stepY: number,
  size: number,
  center: number,
  scale: number,
  weight: Floats,
  w: number,
  stepW: number,
  bias: Floats,
  b: number,
  stepB: number,
): void {
  if (stepW === 0 && stepB === 0) {
    const factor = scale * weight[w]!;
    const shift = bias[b]!;
    if (stepX === 1 && stepY === 1) for (let i = 0; i < size; i++) y[q + i] = (x[p + i]! - center) * factor + shift;
    else for (let i = 0; i < size; i++, p += stepX, q += stepY) y[q] = (x[p]! - center) * factor + shift;
    return;
  }
  for (let i = 0; i < size; i++, p += stepX, q += stepY, w += stepW, b += stepB) {
    y[q] = (x[p]! - center) * scale * weight[w]! + bias[b]!;
  }
}

/** What the last {@link sums} added up: Σ g and Σ g (x − center). */
let [sumG, sumGX] = [0, 0];

/** Sums over a run of a row whose elements share their weight. */
function sums(
  g: Floats,
  q: number,
  stepG: number,
  x: Floats,
  p: number,
  stepX: number,
  size: number,
  center: number,
): void {
  let a = 0;
  let b = 0;
  if (stepG !== 1 || stepX !== 1) {
    for (let i = 0; i < size; i++, q += stepG, p += stepX) {
      a += g[q]!;
      b += g[q]! * (x[p]! - center);
    }
    sumG = a;
    sumGX = b;
    return;
  }
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i + 1 < size; i += 2) {
    const e = g[q + i]!;
    const f = g[q + i + 1]!;
    a += e;
    b += f;
    c += e * (x[p + i]! - center);
    d += f * (x[p + i + 1]! - center);
  }
  if (i < size) {
    a += g[q + i]!;
    c += g[q + i]! * (x[p + i]! - center);
  }
  sumG = a + b;
  sumGX = c + d;
}

/** The same with a weight for each element, which is part of the sums but not of those that go to `own`, times `scale`. */
function varyingSums(
  g: Floats,
  q: number,
  stepG: number,
  x: Floats,
  p: number,
  stepX: number,
  size: number,
  center: number,
  scale: number,
  weight: Floats,
  w: number,
  stepW: number,
  own: readonly [weights: Float64Array, biases: Float64Array] | null,
  s: number,
  stepS: number,
): void {
  let a = 0;
  let b = 0;
  for (let i = 0; i < size; i++, p += stepX, q += stepG, w += stepW) {
    const weighted = g[q]! * weight[w]!;
    a += weighted;
    b += weighted * (x[p]! - center);
    if (own === null) continue;
    own[0][s]! += g[q]! * (x[p]! - center) * scale;
    own[1][s]! += g[q]!;
    s += stepS;
  }
  sumG = a;
  sumGX = b;
}

function inputGradient(
  g: Floats,
  q: number,
  stepG: number,
  x: Floats,
  p: number,
  stepX: number,
  out: Floats,
  o: number,
  stepO: number,
  size: number,
  center: number,
  scale: number,
  weight: Floats,
  w: number,
  stepW: number,
  less: number,
  factor: number,
): void {
  if (stepX === 1 && stepG === 1 && stepO === 1 && stepW === 0) {
    const [own, share, shift] = [weight[w]! * scale, factor * scale, less * scale];
    for (let i = 0; i < size; i++) out[o + i] = g[q + i]! * own - (x[p + i]! - center) * share - shift;
    return;
  }
  for (let i = 0; i < size; i++, p += stepX, q += stepG, o += stepO, w += stepW) {
    out[o] = (g[q]! * weight[w]! - less - (x[p]! - center) * factor) * scale;
  }
}

/** See Fused.normalizationBackward in the contract. */
export function normalizationBackward(
  grad: View,
  x: View,
  weight: View | null,
  mean: View,
  rstd: View,
  dims: readonly number[],
  shared: readonly number[],
  gradients: NormalizationGradients,
): true {
  const { shape } = x;
  const nowhere = shape.map(() => 0);
  const views = [x, grad, gradients.x, weight, mean, rstd];
  // The parameters' gradients add up here, row-major.
  const factors = keptShape(shape, shared);
  const slots = broadcastStrides(
    factors,
    factors.map((_, d) => numelOf(factors.slice(d + 1))),
    shape,
  );
  const rows = rowsOver(shape, dims, [
    ...views.map((view) => (view === null ? nowhere : stridesIn(shape, view))),
    slots,
  ]);
  const parameters = gradients.weight !== null || gradients.bias !== null;
  const weightSums = new Float64Array(parameters ? numelOf(factors) : 1);
  const biasSums = new Float64Array(weightSums.length);
  const arrays = views.map((view) => view && (dataOf(view) as Floats));
  const [input, slope, target, scales] = [arrays[0]!, arrays[1]!, arrays[2], arrays[3] ?? constant(1, arrays[0]!)];
  const { size, steps, length } = rows;
  const [stepX, stepG, stepO, stepW, , , stepS] = steps as [number, number, number, number, number, number, number];
  const at = [...views.map((view) => view?.offset ?? 0), 0];
  walk(rows.kept, at, () => {
    const [center, scale] = [arrays[4]![at[4]!]!, arrays[5]![at[5]!]!];
    let [first, second] = [0, 0];
    walk(rows.outer, at, () => {
      const [p, q, w, s] = [at[0]!, at[1]!, at[3]!, at[6]!];
      if (stepW === 0 && stepS === 0) {
        sums(slope, q, stepG, input, p, stepX, size, center);
        first += sumG * scales[w]!;
        second += sumGX * scales[w]!;
        if (!parameters) return;
        biasSums[s]! += sumG;
        weightSums[s]! += sumGX * scale;
        return;
      }
      const own = parameters ? ([weightSums, biasSums] as const) : null;
      varyingSums(slope, q, stepG, input, p, stepX, size, center, scale, scales, w, stepW, own, s, stepS);
      first += sumG;
      second += sumGX;
    });
    if (!target) return;
    const [less, factor] = [first / length, (second / length) * scale * scale];
    walk(rows.outer, at, () => {
      inputGradient(
        slope,
        at[1]!,
        stepG,
        input,
        at[0]!,
        stepX,
        target,
        at[2]!,
        stepO,
        size,
        center,
        scale,
        scales,
        at[3]!,
        stepW,
        less,
        factor,
      );
    });
  });
  store(gradients.weight, weightSums);
  store(gradients.bias, biasSums);
  return true;
}

/** Writes row-major values to a view of fresh, row-major memory. */
function store(view: View | null, values: Float64Array): void {
  if (view !== null) (dataOf(view) as Floats).set(values, view.offset);
}
