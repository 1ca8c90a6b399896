/**
 * Convolutions of float32 or float64 as matrix products that read their source where it lies (see `gemmModule.ts`):
 * rows of A are the weights of one output channel, columns of B are output positions, and the tables of offsets say
 * which element of the staged source each (tap, position) is. No patch is ever written out but the panels that are
 * multiplied at once.
 */
import { type Axis, cutIntoSlabs, type Phase, product, type Slab, stridesOf } from '../kernels/convGeometry.ts';
import type { Vector } from '../kernels/matrix.ts';
import type { Operand } from '../kernels/operand.ts';
import { type Stager, stagerFor } from './convStage.ts';
import { multiplyBlock } from './gemm.ts';
import { PANEL_ROW, panelColumns, ZEROS } from './gemmModule.ts';
import {
  copyRows,
  copyRowsOut,
  type FloatArray,
  MAX_ROWS,
  MAX_TABLE,
  regions,
  type Scratch,
  writeSums,
} from './scratch.ts';

/** Bytes of packed panels that are multiplied at once: a share of a second-level cache. */
export const PANELS = 384 * 1024;
/** Fewer rows than this use each packed element so little that the panels may as well fill their region. */
const FEW_ROWS = 16;
/** Longest reduction in one product; more channels are added in further products. */
const REDUCTION = 768;
/** Positions that are worth a call; images smaller than this are taken together. */
const ENOUGH_POSITIONS = 512;

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

/** Sizes of the blocks that a convolution is computed in. */
interface Blocking {
  readonly rows: number;
  readonly channels: number;
  readonly images: number;
  readonly slabs: readonly Slab[];
  /** Whether the weights of all channels fit in scratch, so that they are staged once for all images. */
  readonly resident: boolean;
}

/** Runs a gather. False, with nothing done, when not even one output fits in scratch memory. */
export function gatherConv(scratch: Scratch, job: Gather): boolean {
  const blocking = blockingFor(scratch, job);
  if (blocking === null) return false;
  let staged = -1;
  let part: SlabPart | undefined;
  for (const slab of blocking.slabs) {
    part = prepareSlab(scratch, job, blocking, slab, part);
    for (let first = 0; first < job.groups * job.rows; first += job.rows) {
      for (let row = 0; row < job.rows; row += blocking.rows) {
        const rows = Math.min(blocking.rows, job.rows - row);
        if (job.bias !== null) stageRowBias(scratch, job.bias, first + row, rows);
        if (blocking.resident && staged !== first + row) {
          for (let channel = 0; channel < job.channels; channel += blocking.channels) {
            stageWeights(scratch, job, blocking, part, { first: first + row, rows, channel });
          }
          staged = first + row;
        }
        gatherRows(scratch, job, blocking, part, first + row, rows);
      }
    }
  }
  return true;
}

function blockingFor({ element }: Scratch, job: Gather): Blocking | null {
  const { bytes } = element;
  const width = panelColumns(element);
  const sizes = job.target.shape.slice(2);
  const taps = product(job.kernel);
  const room = (region: { bytes: number }) => Math.floor(region.bytes / bytes);
  const rows = Math.min(job.rows, MAX_ROWS, Math.floor(room(regions.a) / taps));
  const most = Math.floor(Math.min(MAX_TABLE, room(regions.a) / rows) / taps);
  if (rows === 0 || most === 0) return null;
  const tapsAtOnce = product(
    sizes.map((size, d) => Math.max(...job.axis(d, 0, size).phases.map((p) => p.taps.length))),
  );
  let channels = evenPart(job.channels, Math.min(most, Math.max(1, Math.floor(REDUCTION / tapsAtOnce))));
  const budget = rows < FEW_ROWS ? regions.packed.bytes : PANELS;
  const panels = Math.max(1, Math.floor(budget / (channels * tapsAtOnce * PANEL_ROW)));
  const positions = Math.min(MAX_TABLE / 2, Math.floor(room(regions.c) / rows), panels * width);
  const boxOf = (extent: readonly number[]) => product(extent.map((count, d) => job.reach(d, count)));
  const slabs = cutIntoSlabs(sizes, (extent) => product(extent) <= positions && boxOf(extent) <= room(regions.box));
  if (slabs === null) return null;
  const extent = slabs[0]!.to.map((to, d) => to - slabs[0]!.from[d]!);
  const box = boxOf(extent);
  channels = evenPart(job.channels, Math.min(channels, Math.floor(room(regions.box) / box)));
  const together = Math.floor(Math.min(positions, ENOUGH_POSITIONS) / product(extent));
  const held = Math.floor(room(regions.box) / (channels * box));
  const images = slabs.length > 1 ? 1 : Math.max(1, Math.min(together, job.target.shape[0]!, held));
  return {
    rows,
    channels,
    images,
    slabs,
    resident: rows * channels * Math.ceil(job.channels / channels) * taps <= room(regions.a),
  };
}

/** The size of equal parts of at most `most` that `size` is cut into. */
export const evenPart = (size: number, most: number): number => Math.ceil(size / Math.ceil(size / most));

/** A phase with its tables in scratch. */
interface PhaseTables {
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
interface SlabPart {
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
function prepareSlab(
  scratch: Scratch,
  job: Gather,
  blocking: Blocking,
  slab: Slab,
  before: SlabPart | undefined,
): SlabPart {
  const { bytes } = scratch.element;
  const axes = slab.from.map((from, d) => job.axis(d, from, slab.to[d]!));
  const stager = stagerFor(scratch, job.source, axes, blocking.channels);
  const sizes = slab.to.map((to, d) => to - slab.from[d]!);
  const positions = product(sizes);
  const layout = JSON.stringify([sizes, axes.map(({ length, phases }) => [length, phases])]);
  const phases = layout === before?.layout ? before.phases : layOutTables(scratch, job, blocking, axes, sizes);
  const covered = phases.reduce((total, phase) => total + phase.positions, 0) === positions;
  const box = regions.box.at / bytes;
  if (stager.padded) scratch.heap.fill(0, box, box + blocking.images * blocking.channels * stager.plane);
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

/** Which weights: rows from `first` on (counted through all groups), and channels from `channel` on. */
interface WeightBlock {
  readonly first: number;
  readonly rows: number;
  readonly channel: number;
}

/** Elements of the A region between the weights of one block of channels and the next. */
const weightStep = (job: Gather, blocking: Blocking, channel: number): number =>
  blocking.resident ? channel * blocking.rows * product(job.kernel) : 0;

/** Copies a block of weights to the A region: for each phase, rows of (channel, tap). */
function stageWeights(
  { element, heap }: Scratch,
  job: Gather,
  blocking: Blocking,
  part: SlabPart,
  { first, rows, channel }: WeightBlock,
): void {
  const { data, offset, groupStride, rowStride, channelStride } = job.weights;
  const channels = Math.min(blocking.channels, job.channels - channel);
  const group = Math.floor(first / job.rows);
  const start = offset + group * groupStride + (first - group * job.rows) * rowStride + channel * channelStride;
  for (const { taps, a } of part.phases) {
    let to = a / element.bytes + weightStep(job, blocking, channel);
    const count = taps.length;
    if (channelStride === count && taps.every((tap, i) => tap === i)) {
      copyRows(heap, to, data, start, rows, rowStride, channels * count);
      continue;
    }
    for (let i = 0; i < rows; i++) {
      for (let c = 0; c < channels; c++) {
        const from = start + i * rowStride + c * channelStride;
        for (let t = 0; t < count; t++) heap[to++] = data[from + taps[t]!]!;
      }
    }
  }
}

/** Spreads the bias of each row over a panel's columns. */
function stageRowBias({ element, heap }: Scratch, bias: Vector<FloatArray>, first: number, rows: number): void {
  const width = panelColumns(element);
  const at = regions.init.at / element.bytes;
  for (let i = 0; i < rows; i++) {
    heap.fill(bias.data[bias.offset + (first + i) * bias.stride]!, at + i * width, at + (i + 1) * width);
  }
}

/** Computes `rows` rows from `first` on, of all images. */
function gatherRows(
  scratch: Scratch,
  job: Gather,
  blocking: Blocking,
  part: SlabPart,
  first: number,
  rows: number,
): void {
  const { element, heap } = scratch;
  const { stager, phases, positions } = part;
  const channel0 = Math.floor(first / job.rows) * job.channels;
  const c = regions.c.at / element.bytes;
  const images = job.target.shape[0]!;
  for (let image = 0; image < images; image += blocking.images) {
    const count = Math.min(blocking.images, images - image);
    if (!part.covered) heap.fill(0, c, c + count * blocking.rows * positions);
    for (let channel = 0; channel < job.channels; channel += blocking.channels) {
      const channels = Math.min(blocking.channels, job.channels - channel);
      stager.stage(image, count, channel0 + channel, channels);
      if (!blocking.resident) stageWeights(scratch, job, blocking, part, { first, rows, channel });
      for (const phase of phases) {
        multiplyPhase(scratch, phase, {
          rows,
          images: count,
          channels,
          positions,
          a: phase.a + weightStep(job, blocking, channel) * element.bytes,
          biased: job.bias !== null,
          accumulate: channel > 0,
        });
      }
    }
    copyOut(scratch, job, blocking, part, { first, rows, image, images: count });
  }
}

interface PhaseProduct {
  readonly rows: number;
  readonly images: number;
  readonly channels: number;
  readonly positions: number;
  readonly a: number;
  readonly biased: boolean;
  readonly accumulate: boolean;
}

function multiplyPhase(scratch: Scratch, phase: PhaseTables, counts: PhaseProduct): void {
  const { element, kernels } = scratch;
  const n = counts.images * phase.positions;
  const k = counts.channels * phase.taps.length;
  if (n === 0) return;
  kernels.packPanels(regions.box.at, phase.rowsAt, phase.columnsAt, k, n, regions.packed.at, k * PANEL_ROW);
  multiplyBlock(scratch, {
    m: counts.rows,
    n,
    k,
    a: counts.a,
    rowA: k * element.bytes,
    packed: regions.packed.at,
    rowC: counts.positions * element.bytes,
    columnsOut: phase.outAt,
    accumulate: counts.accumulate,
    init: counts.biased ? regions.init.at : ZEROS,
    initRow: counts.biased ? PANEL_ROW : 0,
    initColumn: 0,
    alpha: 1,
  });
}

interface Results {
  readonly first: number;
  readonly rows: number;
  readonly image: number;
  readonly images: number;
}

/** Copies the C region, [images, rows, positions], to the target. */
function copyOut(
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
