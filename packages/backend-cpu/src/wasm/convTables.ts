/**
 * What all kernels for a convolution share: its description, and for a slab of its outputs the tables of offsets that
 * say where each (tap, position) is in the staged source.
 */
import { type Axis, type Phase, product, type Slab, stridesOf } from '../kernels/convGeometry.ts';
import type { Vector } from '../kernels/matrix.ts';
import type { Operand } from '../kernels/operand.ts';
import { type Stager, stagerFor } from './convStage.ts';
import type { Element } from './element.ts';
import { panelColumns } from './gemmPacking.ts';
import { copyRowsOut, type FloatArray, MAX_TABLE, regions, type Scratch, writeSums } from './scratch.ts';

/** Where weight (row, channel, tap) of a group is: `offset` plus each index times its stride. */
export interface Weights {
  readonly data: FloatArray;
  readonly offset: number;
  readonly groupStride: number;
  readonly rowStride: number;
  readonly channelStride: number;
  readonly kernelStrides: readonly number[];
}

/**
 * target[n, g·rows + i, position] = bias + Σ over channels and taps of weight(g, i, channel, tap) · source, with the
 * geometry of {@link Axis}.
 */
export interface Gather {
  readonly groups: number;
  /** Output channels and source channels of one group. */
  readonly rows: number;
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly weights: Weights;
  readonly source: Operand<FloatArray>;
  /** Contiguous [images, groups · rows, ...sizes]. */
  readonly target: Operand<FloatArray>;
  readonly bias: Vector<FloatArray> | null;
  /** How outputs `from` to `to` along axis d read the source, and the longest box that `count` of them read. */
  axis(d: number, from: number, to: number): Axis;
  reach(d: number, count: number): number;
}

/** How much of the work is in scratch at once. */
export interface Blocking {
  /** Rows of the result, source channels of each, and images. */
  readonly rows: number;
  readonly channels: number;
  readonly images: number;
  readonly slabs: readonly Slab[];
}

/** Most positions whose tables have room, with those of all phases; not positive when there are too many phases. */
export function tableRoom(element: Element, job: Gather): number {
  const phases = product(job.target.shape.slice(2).map((size, d) => job.axis(d, 0, size).phases.length));
  return MAX_TABLE - phases * panelColumns(element);
}

/** A phase with its tables in scratch. */
export interface PhaseTables {
  /** Offsets of the taps in a channel of the weights. */
  readonly taps: readonly number[];
  /** Positions in one image. */
  readonly positions: number;
  /** Addresses of its weights, and of the tables of its B's rows, B's columns and C's columns. */
  readonly a: number;
  readonly rowsAt: number;
  readonly columnsAt: number;
  readonly outAt: number;
}

/** A slab of output positions, ready to be computed. */
export interface SlabPart {
  readonly slab: Slab;
  /** What its tables depend on. */
  readonly layout: string;
  readonly positions: number;
  readonly stager: Stager;
  readonly phases: readonly PhaseTables[];
  /** Whether some tap reaches every position. */
  readonly covered: boolean;
}

/** Prepares a slab; the tables of the one before are kept where it has the same layout. */
export function prepareSlab(
  scratch: Scratch,
  job: Gather,
  blocking: Blocking,
  slab: Slab,
  before: SlabPart | undefined,
): SlabPart {
  const axes = slab.from.map((from, d) => job.axis(d, from, slab.to[d]!));
  const stager = stagerFor(scratch, job.source, axes, blocking.channels);
  const sizes = slab.to.map((to, d) => to - slab.from[d]!);
  const positions = product(sizes);
  const alone = blocking.slabs.length === 1;
  const layout = alone ? '' : JSON.stringify([sizes, axes.map(({ length, phases }) => [length, phases])]);
  const phases = layout === before?.layout ? before.phases : layOutTables(scratch, job, blocking, axes, sizes);
  const covered = phases.reduce((total, phase) => total + phase.positions, 0) === positions;
  stager.clear(blocking.images * blocking.channels);
  return { slab, layout, positions, stager, phases, covered };
}

/** Writes the tables of every phase: one phase of each axis, combined. */
function layOutTables(
  { element, words }: Scratch,
  job: Gather,
  blocking: Blocking,
  axes: readonly Axis[],
  sizes: readonly number[],
): PhaseTables[] {
  const { bytes } = element;
  const width = panelColumns(element);
  const boxStrides = stridesOf(axes.map(({ length }) => length));
  const plane = product(axes.map(({ length }) => length));
  const outStrides = stridesOf(sizes);
  const every = (count: number, step: number) => Array.from({ length: count }, (_, i) => i * step * bytes);
  let [a, rowsAt, columnsAt, outAt] = [regions.a.at, regions.rows.at, regions.columns.at, regions.columnsOut.at];
  return combinations(axes.map(({ phases }) => phases)).map((phase) => {
    const tables = {
      taps: tapOffsets(phase, job.weights),
      positions: product(phase.map((p) => p.positions)),
      a,
      rowsAt,
      columnsAt,
      outAt,
    };
    const shifts = phase.map(({ taps }, d) => taps.map(({ shift }) => shift * boxStrides[d]! * bytes));
    const reads = phase.map((p, d) => every(p.positions, p.sourceStep * boxStrides[d]!));
    const writes = phase.map((p, d) =>
      every(p.positions, p.outStep * outStrides[d]!).map((at) => at + p.outStart * outStrides[d]! * bytes),
    );
    if (tables.positions > 0) {
      rowsAt += 4 * writeSums(words, rowsAt, [every(blocking.channels, plane), ...shifts]);
      columnsAt += 4 * writeSums(words, columnsAt, [every(blocking.images, blocking.channels * plane), ...reads]);
      outAt += 4 * writeSums(words, outAt, [every(blocking.images, blocking.rows * product(sizes)), ...writes]);
      // The last panel reads whole vectors of offsets; the first entry again never looks adjacent to the last.
      for (let i = 1; i < width; i++, columnsAt += 4) words[columnsAt / 4] = words[tables.columnsAt / 4]!;
    }
    a += blocking.rows * blocking.channels * tables.taps.length * bytes;
    return tables;
  });
}

const combinations = <T>(lists: readonly (readonly T[])[]): T[][] =>
  lists.reduce<T[][]>((found, list) => found.flatMap((head) => list.map((item) => [...head, item])), [[]]);

/** Where the taps of a phase are in a channel of the weights, in the order of the table of rows. */
function tapOffsets(phase: readonly Phase[], { kernelStrides }: Weights): number[] {
  const along = phase.map(({ taps }, d) => taps.map(({ index }) => index * kernelStrides[d]!));
  return combinations(along).map((offsets) => offsets.reduce((sum, offset) => sum + offset, 0));
}

export interface Results {
  readonly first: number;
  readonly rows: number;
  readonly image: number;
  readonly images: number;
}

/** Copies the C region, [images, rows, positions], to the target. */
export function copyOut(
  { element, heap }: Scratch,
  { target }: Gather,
  blocking: Blocking,
  part: SlabPart,
  block: Results,
): void {
  const { first, rows, image, images } = block;
  const [imageStride, rowStride, ...strides] = target.strides as [number, number, ...number[]];
  const start = part.slab.from.reduce((sum, from, d) => sum + from * strides[d]!, target.offset + first * rowStride);
  const c = regions.c.at / element.bytes;
  const { positions } = part;
  if (imageStride === blocking.rows * positions) {
    copyRowsOut(heap, c, target.data, start + image * imageStride, images * rows, rowStride, positions);
    return;
  }
  for (let i = 0; i < images; i++) {
    const from = c + i * blocking.rows * positions;
    copyRowsOut(heap, from, target.data, start + (image + i) * imageStride, rows, rowStride, positions);
  }
}
