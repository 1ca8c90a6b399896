/** @file A naive model of indexing: which elements an index names, element by element, after the rules of PyTorch's documentation. */

/** The shape of the result and, row-major, the row-major positions of its elements in the source. */
export interface Named {
  readonly shape: readonly number[];
  readonly positions: readonly number[];
}

/** One axis of the result: positions in one source dimension, or none for a new axis. */
interface Axis {
  readonly dim: number | null;
  readonly list: readonly number[];
}

interface Advanced {
  readonly dim: number;
  readonly shape: readonly number[];
  readonly list: readonly number[];
}

/** How the model is told what an index is: lists of positions with a shape, or masks with the source dimensions they cover. */
export type ModelIndex =
  | { readonly kind: 'integer'; readonly value: number }
  | {
      readonly kind: 'slice';
      readonly start: number | null;
      readonly stop: number | null;
      readonly step: number | null;
    }
  | { readonly kind: 'new' }
  | { readonly kind: 'ellipsis' }
  | { readonly kind: 'list'; readonly shape: readonly number[]; readonly list: readonly number[] }
  | { readonly kind: 'mask'; readonly shape: readonly number[]; readonly flags: readonly boolean[] };

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Coordinates of the i-th element, row-major. */
function coordinates(shape: readonly number[], i: number): number[] {
  const out: number[] = [];
  let rest = i;
  for (let d = shape.length - 1; d >= 0; d--) {
    out.unshift(rest % shape[d]!);
    rest = Math.floor(rest / shape[d]!);
  }
  return out;
}

/** Python's `range(*slice(start, stop, step).indices(size))`. */
function slicePositions(size: number, start: number | null, stop: number | null, step: number | null): number[] {
  const bound = (value: number): number => Math.max(0, Math.min(size, value < 0 ? value + size : value));
  const out: number[] = [];
  for (let i = bound(start ?? 0); i < bound(stop ?? size); i += step ?? 1) out.push(i);
  return out;
}

const consumed = (index: ModelIndex): number =>
  index.kind === 'mask' ? index.shape.length : index.kind === 'new' || index.kind === 'ellipsis' ? 0 : 1;

/** Axes in the order of the view, each either basic or advanced; integers leave none but fix a coordinate. */
function axesOf(
  shape: readonly number[],
  indices: readonly ModelIndex[],
): { axes: (Axis | Advanced)[]; fixed: Map<number, number> } {
  const rest = shape.length - indices.reduce((sum, index) => sum + consumed(index), 0);
  const list: readonly ModelIndex[] = indices.some((index) => index.kind === 'ellipsis')
    ? indices
    : [...indices, { kind: 'ellipsis' }];
  const axes: (Axis | Advanced)[] = [];
  const fixed = new Map<number, number>();
  let dim = 0;
  const whole = (d: number): Axis => ({ dim: d, list: Array.from({ length: shape[d]! }, (_, i) => i) });
  for (const index of list) {
    const size = shape[dim]!;
    if (index.kind === 'new') axes.push({ dim: null, list: [0] });
    else if (index.kind === 'ellipsis') for (let k = 0; k < rest; k++) axes.push(whole(dim + k));
    else if (index.kind === 'integer') fixed.set(dim, index.value < 0 ? index.value + size : index.value);
    else if (index.kind === 'slice')
      axes.push({ dim, list: slicePositions(size, index.start, index.stop, index.step) });
    else if (index.kind === 'list')
      axes.push({ dim, shape: index.shape, list: index.list.map((i) => (i < 0 ? i + size : i)) });
    else {
      const found = index.flags.flatMap((flag, i) => (flag ? [coordinates(index.shape, i)] : []));
      for (let k = 0; k < index.shape.length; k++) {
        axes.push({ dim: dim + k, shape: [found.length], list: found.map((c) => c[k]!) });
      }
    }
    dim += index.kind === 'ellipsis' ? rest : consumed(index);
  }
  return { axes, fixed };
}

function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const ndim = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: ndim }, (_, i) => {
    const sizes = shapes.map((s) => s[s.length - ndim + i] ?? 1);
    return sizes.find((n) => n !== 1) ?? 1;
  });
}

/** The element of a broadcast list at coordinates of the common shape. */
function pick({ shape, list }: Advanced, at: readonly number[]): number {
  const own = at.slice(at.length - shape.length).map((c, d) => (shape[d] === 1 ? 0 : c));
  return list[own.reduce((sum, c, d) => sum * shape[d]! + c, 0)]!;
}

/** The elements of a tensor of `shape` that `indices` name. */
export function nameElements(shape: readonly number[], indices: readonly ModelIndex[]): Named {
  const { axes, fixed } = axesOf(shape, indices);
  const advanced = axes.filter((axis): axis is Advanced => 'shape' in axis);
  const places = axes.flatMap((axis, k) => ('shape' in axis ? [k] : []));
  const adjacent = places.every((k, i) => i === 0 || k === places[i - 1]! + 1);
  const block = broadcast(advanced.map((axis) => axis.shape));
  const basic = axes.filter((axis): axis is Axis => !('shape' in axis));
  const before = advanced.length > 0 && adjacent ? axes.slice(0, places[0]!).length : 0;
  const sizes = basic.map((axis) => axis.list.length);
  const out = advanced.length === 0 ? sizes : [...sizes.slice(0, before), ...block, ...sizes.slice(before)];
  const positions = Array.from({ length: product(out) }, (_, i) => {
    const c = coordinates(out, i);
    const source = shape.map((_, d) => fixed.get(d) ?? 0);
    const blockCoordinates = c.slice(before, before + block.length);
    for (const axis of advanced) source[axis.dim] = pick(axis, blockCoordinates);
    basic.forEach((axis, k) => {
      if (axis.dim !== null)
        source[axis.dim] = axis.list[c[k < before ? k : advanced.length === 0 ? k : k + block.length]!]!;
    });
    return source.reduce((sum, value, d) => sum * shape[d]! + value, 0);
  });
  return { shape: out, positions };
}
