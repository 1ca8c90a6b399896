/**
 * The gradient of a convolution's weights, for float32 or float64: the product of the output's gradient (rows: output
 * channels, reduction: output positions) and the source at (position, tap), summed over images. The tables of offsets
 * are those of the forward pass with their roles exchanged.
 */
import { type Axis, cutIntoSlabs, evenPart, product, type Slab, stridesOf } from '../kernels/convGeometry.ts';
import type { Operand } from '../kernels/operand.ts';
import { PANELS } from './conv.ts';
import { stagerFor } from './convStage.ts';
import { multiplyBlock } from './gemm.ts';
import { ZEROS } from './gemmModule.ts';
import { PANEL_ROW, panelColumns } from './gemmPacking.ts';
import { copyRows, copyRowsOut, type FloatArray, MAX_TABLE, regions, type Scratch, writeSums } from './scratch.ts';

/** Most output channels at once, so that there is room for as many columns of C. */
const ROWS = 512;
/** Images with fewer positions than this are taken together: shorter reductions do not pay for reading C. */
const ENOUGH_POSITIONS = 32;

export interface WeightGradient {
  readonly groups: number;
  /** Output channels and source channels of one group. */
  readonly rows: number;
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly source: Operand<FloatArray>;
  readonly grad: Operand<FloatArray>;
  /** Contiguous [groups · rows, channels, ...kernel]. */
  readonly target: Operand<FloatArray>;
  /** How outputs `from` to `to` along axis d read the source, and the longest box that `count` of them read. */
  axis(d: number, from: number, to: number): Axis;
  reach(d: number, count: number): number;
}

interface Blocking {
  readonly rows: number;
  readonly channels: number;
  readonly images: number;
  readonly slabs: readonly Slab[];
}

/** Output channels from `row` on and source channels from `channel` on, of one group. */
interface Block {
  readonly group: number;
  readonly row: number;
  readonly rows: number;
  readonly channel: number;
  readonly channels: number;
}

/** Computes the gradient. False, with nothing done, when not even one output position fits in scratch memory. */
export function gradientOfWeights(scratch: Scratch, job: WeightGradient): boolean {
  const blocking = blockingFor(scratch, job);
  if (blocking === null) return false;
  const { bytes } = scratch.element;
  const taps = product(job.kernel);
  scratch.kernels.fillTable(regions.columnsOut.at, 0, bytes, blocking.channels * taps);
  for (let group = 0; group < job.groups; group++) {
    for (let row = 0; row < job.rows; row += blocking.rows) {
      const rows = Math.min(blocking.rows, job.rows - row);
      for (let channel = 0; channel < job.channels; channel += blocking.channels) {
        const channels = Math.min(blocking.channels, job.channels - channel);
        sumBlock(scratch, job, blocking, { group, row, rows, channel, channels });
        const { data, offset } = job.target;
        const at = offset + ((group * job.rows + row) * job.channels + channel) * taps;
        copyRowsOut(scratch.heap, regions.c.at / bytes, data, at, rows, job.channels * taps, channels * taps);
      }
    }
  }
  return true;
}

function blockingFor({ element }: Scratch, job: WeightGradient): Blocking | null {
  const room = (region: { bytes: number }) => Math.floor(region.bytes / element.bytes);
  const taps = product(job.kernel);
  const rows = evenPart(job.rows, Math.min(ROWS, Math.floor(room(regions.c) / taps)));
  const most = Math.floor(Math.min(MAX_TABLE, room(regions.c) / rows) / taps);
  if (!(most > 0)) return null;
  let channels = evenPart(job.channels, most);
  const width = panelColumns(element);
  const panels = Math.ceil((channels * taps) / width);
  const positions = Math.max(
    1,
    Math.min(MAX_TABLE, Math.floor(room(regions.a) / rows), Math.floor(PANELS / (panels * PANEL_ROW))),
  );
  const boxOf = (extent: readonly number[]) => product(extent.map((count, d) => job.reach(d, count)));
  const fits = (extent: readonly number[]) => product(extent) <= positions && boxOf(extent) <= room(regions.box);
  const slabs = cutIntoSlabs(job.grad.shape.slice(2), fits);
  if (slabs === null) return null;
  const extent = slabs[0]!.to.map((to, d) => to - slabs[0]!.from[d]!);
  channels = evenPart(job.channels, Math.min(channels, Math.floor(room(regions.box) / boxOf(extent))));
  const count = product(extent);
  const together = Math.min(job.grad.shape[0]!, positions / count, room(regions.box) / (channels * boxOf(extent)));
  const images = slabs.length > 1 || count >= ENOUGH_POSITIONS ? 1 : Math.max(1, Math.floor(together));
  return { rows, channels, images, slabs };
}

/** Sums the products of all slabs and images in the C region. */
function sumBlock(scratch: Scratch, job: WeightGradient, blocking: Blocking, block: Block): void {
  const images = job.grad.shape[0]!;
  let layout = '';
  for (const [index, slab] of blocking.slabs.entries()) {
    const axes = slab.from.map((from, d) => job.axis(d, from, slab.to[d]!));
    const stager = stagerFor(scratch, job.source, axes, blocking.channels);
    const counts = slab.to.map((to, d) => to - slab.from[d]!);
    const signature = counts.join();
    if (signature !== layout) layOutGradientTables(scratch, blocking, axes, counts);
    layout = signature;
    stager.clear(blocking.images * blocking.channels);
    for (let image = 0; image < images; image += blocking.images) {
      const count = Math.min(blocking.images, images - image);
      stager.stage(image, count, block.group * job.channels + block.channel, block.channels);
      stageGradient(scratch, job.grad, slab, block.group * job.rows + block.row, block.rows, image, count);
      multiply(scratch, job, block, count * product(counts), index > 0 || image > 0);
    }
  }
}

/** Rows of B are positions, columns (channel, tap). */
export function layOutGradientTables(
  { element, words }: Scratch,
  blocking: { readonly channels: number; readonly images: number },
  axes: readonly Axis[],
  counts: readonly number[],
): void {
  const { bytes } = element;
  const strides = stridesOf(axes.map(({ length }) => length));
  const plane = product(axes.map(({ length }) => length));
  const every = (count: number, step: number) => Array.from({ length: count }, (_, i) => i * step * bytes);
  const phases = axes.map((axis) => axis.phases[0]!);
  const reads = phases.map(({ sourceStep }, d) => every(counts[d]!, sourceStep * strides[d]!));
  writeSums(words, regions.rows.at, [every(blocking.images, blocking.channels * plane), ...reads]);
  const shifts = phases.map(({ taps }, d) => taps.map(({ shift }) => shift * strides[d]! * bytes));
  const columns = regions.columns.at;
  const end = columns / 4 + writeSums(words, columns, [every(blocking.channels, plane), ...shifts]);
  // The last panel reads whole vectors of offsets; the first entry again never looks adjacent to the last.
  words.fill(words[columns / 4]!, end, end + panelColumns(element) - 1);
}

/** Copies a slab of some channels of the output's gradient to the A region: rows of (image, position). */
export function stageGradient(
  { element, heap }: Scratch,
  grad: Operand<FloatArray>,
  slab: Slab,
  row: number,
  rows: number,
  image: number,
  images: number,
): void {
  const [imageStride, rowStride, ...strides] = grad.strides as [number, number, ...number[]];
  const counts = slab.to.map((to, d) => to - slab.from[d]!);
  const first = grad.offset + image * imageStride + row * rowStride;
  const start = slab.from.reduce((sum, from, d) => sum + from * strides[d]!, first);
  const at = regions.a.at / element.bytes;
  const dense = stridesOf(grad.shape.slice(2));
  if (images === 1 && counts.every((count, d) => count === 1 || strides[d] === dense[d])) {
    copyRows(heap, at, grad.data, start, rows, rowStride, product(counts));
    return;
  }
  let to = at;
  const copy = (d: number, from: number): void => {
    const step = strides[d]!;
    for (let i = 0; i < counts[d]!; i++) {
      if (d === strides.length - 1) heap[to++] = grad.data[from + i * step]!;
      else copy(d + 1, from + i * step);
    }
  };
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < images; i++) copy(0, start + r * rowStride + i * imageStride);
  }
}

function multiply(scratch: Scratch, job: WeightGradient, block: Block, k: number, accumulate: boolean): void {
  const { element, kernels } = scratch;
  const n = block.channels * product(job.kernel);
  const packed = regions.packed.at;
  kernels.packPanels(regions.box.at, regions.rows.at, regions.columns.at, k, n, packed, k * PANEL_ROW);
  multiplyBlock(scratch, {
    m: block.rows,
    n,
    k,
    a: regions.a.at,
    rowA: k * element.bytes,
    packed,
    rowC: n * element.bytes,
    columnsOut: regions.columnsOut.at,
    accumulate,
    init: ZEROS,
    initRow: 0,
    initColumn: 0,
    alpha: 1,
  });
}
