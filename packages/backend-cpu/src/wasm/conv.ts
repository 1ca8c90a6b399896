/**
 * Convolutions of float32 or float64 as matrix products that read their source where it lies (see `gemmModule.ts`):
 * rows of A are the weights of one output channel, columns of B are output positions, and the tables of offsets say
 * which element of the staged source each (tap, position) is. No patch is ever written out but the panels that are
 * multiplied at once.
 */
import { cutIntoSlabs, evenPart, product } from '../kernels/convGeometry.ts';
import type { Vector } from '../kernels/matrix.ts';
import {
  type Blocking,
  copyOut,
  type Gather,
  type PhaseTables,
  prepareSlab,
  type SlabPart,
  tableRoom,
} from './convTables.ts';
import { multiplyBlock } from './gemm.ts';
import { ZEROS } from './gemmModule.ts';
import { PANEL_ROW, panelColumns } from './gemmPacking.ts';
import { copyRows, type FloatArray, MAX_ROWS, MAX_TABLE, regions, type Scratch } from './scratch.ts';

/** Bytes of packed panels that are multiplied at once: a share of a second-level cache. */
export const PANELS = 384 * 1024;
/** Fewer rows than this use each packed element so little that the panels may as well fill their region. */
const FEW_ROWS = 16;
/** Longest reduction in one product; more channels are added in further products. */
const REDUCTION = 768;
/** Positions that are worth a call; images smaller than this are taken together. */
const ENOUGH_POSITIONS = 512;

interface ProductBlocking extends Blocking {
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

function blockingFor({ element }: Scratch, job: Gather): ProductBlocking | null {
  const { bytes } = element;
  const width = panelColumns(element);
  const sizes = job.target.shape.slice(2);
  const taps = product(job.kernel);
  const room = (region: { bytes: number }) => Math.floor(region.bytes / bytes);
  const rows = Math.min(job.rows, MAX_ROWS, Math.floor(room(regions.a) / taps));
  const most = Math.floor(Math.min(MAX_TABLE, room(regions.a) / rows) / taps);
  if (rows === 0 || most === 0 || tableRoom(element, job) <= 0) return null;
  const tapsAtOnce = product(
    sizes.map((size, d) => Math.max(...job.axis(d, 0, size).phases.map((p) => p.taps.length))),
  );
  let channels = evenPart(job.channels, Math.min(most, Math.max(1, Math.floor(REDUCTION / tapsAtOnce))));
  const budget = rows < FEW_ROWS ? regions.packed.bytes : PANELS;
  const panels = Math.max(1, Math.floor(budget / (channels * tapsAtOnce * PANEL_ROW)));
  const positions = Math.min(tableRoom(element, job), Math.floor(room(regions.c) / rows), panels * width);
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

/** Which weights: rows from `first` on (counted through all groups), and channels from `channel` on. */
interface WeightBlock {
  readonly first: number;
  readonly rows: number;
  readonly channel: number;
}

/** Elements of the A region between the weights of one block of channels and the next. */
const weightStep = (job: Gather, blocking: ProductBlocking, channel: number): number =>
  blocking.resident ? channel * blocking.rows * product(job.kernel) : 0;

/** Copies a block of weights to the A region: for each phase, rows of (channel, tap). */
function stageWeights(
  { element, heap }: Scratch,
  job: Gather,
  blocking: ProductBlocking,
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
  blocking: ProductBlocking,
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
