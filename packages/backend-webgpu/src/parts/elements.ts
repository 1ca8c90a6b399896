/** @file How pointwise kernels, reductions and kernels along a dimension are cut. */
import { Tensor } from '@flambeau/tensor';
import { type Backend, state, type View } from '@flambeau/tensor/internal';
import { viewed } from '../kernels/places.ts';
import { draw } from '../kernels/random.ts';
import { isArg, reduceParts } from '../kernels/reduce.ts';
import { scanParts } from '../kernels/scan.ts';
import { shortRow } from '../kernels/sort.ts';
import { type Axis, type CallsOf, type Device, fulfil, over } from './calls.ts';
import { copyInParts, isView, mapCall, viewsOf, withViews } from './copy.ts';
import { everywhere, type Views } from './windows.ts';

export const pointwiseCalls = ({
  commands,
  backend,
}: Device): CallsOf<Pick<Backend, 'map' | 'indexOffsets' | 'random'>> => ({
  map: (kernel, inputs, outputs) => mapCall(backend.map, kernel, inputs, outputs),
  indexOffsets(terms, out) {
    const views = [...terms.map(({ index }) => index), out];
    return {
      op: terms[0]?.op ?? 'index',
      views,
      axes: over(out.shape, views),
      run([own]) {
        const ownTerms = terms.map((term, i) => ({ ...term, index: own![i]! }));
        backend.indexOffsets(ownTerms, own!.at(-1)!);
      },
    };
  },
  random(distribution, out, generator) {
    const { kind } = distribution;
    // A permutation is drawn on the host, and copied in parts.
    if (kind === 'randperm')
      return { op: kind, views: [], axes: [], run: () => backend.random(distribution, out, generator) };
    return {
      op: kind,
      views: [out],
      axes: [],
      together: over(out.shape, [out]),
      inOrder: true,
      run(parts) {
        draw(
          commands,
          distribution,
          parts.map(([own]) => own!),
          generator,
        );
      },
    };
  },
});

/** The sizes of the dimensions that views broadcast to. */
const broadcastSizes = (views: readonly View[], rank: number): number[] =>
  Array.from({ length: rank }, (_, d) =>
    views.reduce((size, { shape }) => (size === 1 ? (shape[d - rank + shape.length] ?? 1) : size), 1),
  );

/** Sorts rows that lie apart in memory as copies that do not. @returns false where they lie together already */
function sortCopies(
  device: Device,
  views: readonly [x: View, values: View, indices: View],
  dim: number,
  descending: boolean,
): boolean {
  const { commands, memory } = device;
  const last = views[0].shape.length - 1;
  if (dim === last && views.every((view) => view.isContiguous())) return false;
  const order = [...views[0].shape.keys()].filter((d) => d !== dim).concat(dim);
  const ordered = (list: readonly number[]): number[] => order.map((d) => list[d]!);
  const sideways = views.map((view) => viewed(view, ordered(view.shape), ordered(view.strides)));
  const copies: Tensor[] = [];
  try {
    for (const { storage, dtype, shape, elementCount } of sideways)
      copies.push(new Tensor(memory.allocate(storage.device, dtype, elementCount), dtype, shape));
    const [x, values, indices] = copies as [Tensor, Tensor, Tensor];
    copyInParts(commands, memory, sideways[0]!, x);
    const { sort } = reductionCalls(device);
    if (!fulfil(sort(x, last, descending, values, indices), memory.bindingLimit)) return false;
    copyInParts(commands, memory, values, sideways[1]!);
    copyInParts(commands, memory, indices, sideways[2]!);
    return true;
  } finally {
    for (const { storage } of copies) memory.dispose(storage);
  }
}

export const reductionCalls = ({
  commands,
  memory,
  backend,
}: Device): CallsOf<Pick<Backend, 'reduce' | 'scan' | 'sort'>> => ({
  reduce(kernel, inputs, dims, output, scalars) {
    const views = [...viewsOf(inputs), output];
    const shape = broadcastSizes(views, output.shape.length);
    return {
      op: kernel.name,
      views,
      axes: over(shape, views, (d) => !dims.includes(d)),
      together: over(shape, views, (d) => dims.includes(d)),
      inOrder: isArg(kernel),
      // Twice the least that the partial results of parts take: a part may make several.
      extra: (own, parts) => (parts === 1 ? 0 : 16 * own.at(-1)!.elementCount * parts),
      run(parts) {
        const lists = parts.map((own) => withViews(inputs, own));
        reduceParts(commands, memory, kernel, lists, dims, parts[0]!.at(-1)!, scalars);
      },
    };
  },
  scan(kind, x, dim, out, indices) {
    const views = [x, out, indices];
    return {
      op: `scan ${kind}`,
      views,
      axes: over(x.shape, views, (d) => d !== dim),
      together: over(x.shape, views, (d) => d === dim),
      // The last results of a part, and their positions, are what the next goes on from.
      extra: ([own], parts) => (parts === 1 ? 0 : (8 * own!.elementCount) / own!.shape[dim]!),
      run(parts) {
        if (parts.length === 1) backend.scan(kind, parts[0]![0]!, dim, parts[0]![1]!, parts[0]![2]!);
        else scanParts(commands, memory, kind, dim, parts as readonly (readonly [View, View, View | null])[]);
      },
    };
  },
  sort(x, dim, descending, values, indices) {
    const views = [x, values, indices];
    const device = { commands, memory, backend };
    return {
      op: 'sort',
      views,
      axes: over(x.shape, views, (d) => d !== dim),
      // Pairs of a key and a position.
      extra: ([own]) => (own!.shape[dim]! > shortRow ? 8 * own!.elementCount : 0),
      run: ([own]) => backend.sort(own![0]!, dim, descending, own![1]!, own![2]!),
      otherwise: () => sortCopies(device, [x, values, indices], dim, descending),
    };
  },
});

/** The axes of an index and what goes along with it; the table before them is cut beside `dim` only. */
const indexed = (index: View, views: Views, dim: number): Axis[] =>
  over(index.shape, views)
    .filter(([, own]) => own! >= 0)
    .map((axis) => (axis[1] === dim ? axis.with(0, -1) : axis));

/** Elements of a view that are not the same in memory. */
const distinct = ({ shape, strides }: View): number =>
  shape.reduce((n, size, d) => (strides[d] === 0 ? n : n * size), 1);

export const indexingCalls = ({ backend }: Device): CallsOf<Pick<Backend, 'gather' | 'scatter'>> => ({
  gather(x, dim, index, out) {
    const views = [x, index.view, out];
    return {
      op: 'gather',
      views,
      table: 0,
      axes: indexed(index.view, views, dim),
      run([own]) {
        const positions = { ...index, view: own![1]! };
        for (const window of everywhere(own![0]!)) backend.gather(window, dim, positions, own![2]!);
      },
    };
  },
  scatter(out, dim, index, src, mode) {
    const views = [out, index.view, isView(src) ? src : null];
    return {
      op: 'scatter',
      views,
      table: 0,
      axes: indexed(index.view, views, dim),
      // Pairs to sort, where the order of what goes to one place is fixed.
      extra: ([, own]) => (state.deterministic ? 8 * distinct(own!) : 0),
      run([own]) {
        const positions = { ...index, view: own![1]! };
        for (const window of everywhere(own![0]!)) backend.scatter(window, dim, positions, own![2] ?? src, mode);
      },
    };
  },
});
