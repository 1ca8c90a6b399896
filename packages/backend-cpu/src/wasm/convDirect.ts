/**
 * Convolutions whose groups have very few output channels, above all depthwise ones: so few uses of each source element
 * do not pay for packing it. The sums are taken straight from the staged source, for as many groups at once as fit.
 */
import { cutIntoSlabs, product, type Slab } from '../kernels/convGeometry.ts';
import { stagerFor } from './convStage.ts';
import { type Blocking, copyOut, type Gather, prepareSlab, type SlabPart, tableRoom } from './convTables.ts';
import { layOutGradientTables, stageGradient, type WeightGradient } from './convWeight.ts';
import { ZEROS } from './gemmModule.ts';
import { copyRowsOut, MAX_TABLE, regions, type Scratch } from './scratch.ts';

/** Most output channels of a group for which direct sums are faster. */
const FEW_ROWS = 2;

/** Runs a gather with direct sums. False, with nothing done, where that is slower or memory does not suffice. */
export function directConv(scratch: Scratch, job: Gather): boolean {
  if (job.rows > FEW_ROWS) return false;
  const weights = job.rows * job.channels * product(job.kernel);
  const blocking = blockingFor(scratch, job, job.target.shape.slice(2), tableRoom(scratch.element, job), {
    a: () => weights,
    c: (positions) => job.rows * positions,
  });
  if (blocking === null) return false;
  const { slabs } = blocking;
  const block: Blocking = { rows: blocking.groups * job.rows, channels: job.channels, images: 1, slabs };
  let part: SlabPart | undefined;
  for (const slab of slabs) {
    part = prepareSlab(scratch, job, block, slab, part);
    part.stager.clear(blocking.groups * job.channels);
    for (let group = 0; group < job.groups; group += blocking.groups) {
      sumGroups(scratch, job, block, part, group, Math.min(blocking.groups, job.groups - group));
    }
  }
  return true;
}

interface GroupBlocking {
  /** Groups at once, and slabs of output positions. */
  readonly groups: number;
  readonly slabs: readonly Slab[];
}

/** Elements of the A and C regions that one group needs for so many positions. */
interface Needs {
  a(positions: number): number;
  c(positions: number): number;
}

function blockingFor(
  { element }: Scratch,
  job: Gather | WeightGradient,
  sizes: readonly number[],
  most: number,
  needs: Needs,
): GroupBlocking | null {
  const room = (region: { bytes: number }) => Math.floor(region.bytes / element.bytes);
  if (job.channels * product(job.kernel) > MAX_TABLE) return null;
  const groupsFor = (extent: readonly number[]): number => {
    const positions = product(extent);
    const box = job.channels * product(extent.map((count, d) => job.reach(d, count)));
    const { a, c, init } = { a: needs.a(positions), c: needs.c(positions), init: job.rows };
    return Math.floor(
      Math.min(room(regions.box) / box, room(regions.a) / a, room(regions.c) / c, room(regions.init) / init),
    );
  };
  const slabs = cutIntoSlabs(sizes, (extent) => product(extent) <= most && groupsFor(extent) > 0);
  if (slabs === null) return null;
  const [{ from, to }] = slabs as [Slab];
  return { groups: Math.min(job.groups, groupsFor(to.map((end, d) => end - from[d]!))), slabs };
}

/** Computes some groups of a slab, for all images. */
function sumGroups(
  scratch: Scratch,
  job: Gather,
  blocking: Blocking,
  part: SlabPart,
  group: number,
  groups: number,
): void {
  const { element, heap, conv } = scratch;
  const { bytes } = element;
  const rows = groups * job.rows;
  const c = regions.c.at / bytes;
  stageGroupWeights(scratch, job, part, group, groups);
  for (let image = 0; image < job.target.shape[0]!; image++) {
    part.stager.stage(image, 1, group * job.channels, groups * job.channels);
    if (!part.covered) heap.fill(0, c, c + rows * part.positions);
    for (const phase of part.phases) {
      if (phase.positions === 0) continue;
      conv.direct(
        rows,
        job.rows,
        regions.box.at,
        job.channels * part.stager.plane * bytes,
        phase.rowsAt,
        job.channels * phase.taps.length,
        phase.a,
        phase.columnsAt,
        phase.outAt,
        phase.positions,
        regions.c.at,
        part.positions * bytes,
        job.bias === null ? ZEROS : regions.init.at,
        job.bias === null ? 0 : bytes,
      );
    }
    copyOut(scratch, job, blocking, part, { first: group * job.rows, rows, image, images: 1 });
  }
}

/** Copies weights and bias of some groups. */
function stageGroupWeights(
  { element, heap }: Scratch,
  job: Gather,
  part: SlabPart,
  group: number,
  groups: number,
): void {
  const { data, offset, groupStride, rowStride, channelStride } = job.weights;
  for (const { taps, a } of part.phases) {
    let to = a / element.bytes;
    for (let r = group * job.rows; r < (group + groups) * job.rows; r++) {
      const start = offset + Math.floor(r / job.rows) * groupStride + (r % job.rows) * rowStride;
      for (let c = 0; c < job.channels; c++) {
        for (const tap of taps) heap[to++] = data[start + c * channelStride + tap]!;
      }
    }
  }
  if (job.bias === null) return;
  const { data: bias, offset: first, stride } = job.bias;
  const init = regions.init.at / element.bytes;
  for (let r = 0; r < groups * job.rows; r++) heap[init + r] = bias[first + (group * job.rows + r) * stride]!;
}

/** The gradient of weights with direct sums. False, with nothing done, where that is slower or memory does not suffice. */
export function directWeightGradient(scratch: Scratch, job: WeightGradient): boolean {
  const { element, heap } = scratch;
  const taps = product(job.kernel);
  if (job.rows > FEW_ROWS || job.channels > FEW_ROWS) return false;
  const blocking = blockingFor(scratch, job, job.grad.shape.slice(2), MAX_TABLE, {
    a: (positions) => job.rows * positions,
    c: () => job.rows * job.channels * taps,
  });
  if (blocking === null) return false;
  for (let group = 0; group < job.groups; group += blocking.groups) {
    const groups = Math.min(blocking.groups, job.groups - group);
    let first = true;
    for (const slab of blocking.slabs) {
      first = sumPositions(scratch, job, slab, group, groups, first);
    }
    const size = job.rows * job.channels * taps;
    const at = job.target.offset + group * size;
    copyRowsOut(heap, regions.c.at / element.bytes, job.target.data, at, 1, 0, groups * size);
  }
  return true;
}

/** Adds the sums over a slab, of all images, to the C region, or writes them there if they are the first. */
function sumPositions(
  scratch: Scratch,
  job: WeightGradient,
  slab: Slab,
  group: number,
  groups: number,
  first: boolean,
): boolean {
  const { bytes } = scratch.element;
  const axes = slab.from.map((from, d) => job.axis(d, from, slab.to[d]!));
  const counts = slab.to.map((to, d) => to - slab.from[d]!);
  const stager = stagerFor(scratch, job.source, axes, groups * job.channels);
  layOutGradientTables(scratch, { channels: job.channels, images: 1 }, axes, counts);
  stager.clear(groups * job.channels);
  let accumulate = !first;
  for (let image = 0; image < job.grad.shape[0]!; image++) {
    stager.stage(image, 1, group * job.channels, groups * job.channels);
    stageGradient(scratch, job.grad, slab, group * job.rows, groups * job.rows, image, 1);
    scratch.conv.directWeights(
      groups * job.rows,
      job.rows,
      regions.box.at,
      job.channels * stager.plane * bytes,
      regions.columns.at,
      job.channels * product(job.kernel),
      regions.rows.at,
      product(counts),
      regions.a.at,
      product(counts) * bytes,
      regions.c.at,
      accumulate ? 1 : 0,
    );
    accumulate = true;
  }
  return !accumulate;
}
