/** Max pooling of float32 over blocks in scratch memory. */
import {
  type AxisSizes,
  cutIntoSlabs,
  forwardAxis,
  forwardReach,
  product,
  type Slab,
  stridesOf,
} from '../kernels/convGeometry.ts';
import type { Operand } from '../kernels/operand.ts';
import { stagerFor } from './convStage.ts';
import { copyRowsOut, MAX_TABLE, regions, type Scratch, writeSums } from './scratch.ts';

export interface MaxPooling {
  /** [images, channels, ...]. */
  readonly source: Operand<Float32Array>;
  /** Contiguous, of one shape. */
  readonly values: Operand<Float32Array>;
  readonly indices: Operand<Int32Array>;
  readonly sizes: readonly AxisSizes[];
}

/** Windows that are computed together; tables are filled up to a multiple. */
const LANES = 4;
/** Tables, and the indices of the results, are in regions that pooling has no other use for. */
const positionsAt = regions.a.at;
const firstsAt = regions.a.at + regions.a.bytes / 2;

/** Pools. False, with nothing done, when some window has no input, or memory does not suffice. */
export function maxPoolInScratch(scratch: Scratch, job: MaxPooling): boolean {
  const { source, values, sizes } = job;
  const [images, channels, ...inputs] = source.shape as [number, number, ...number[]];
  const outputs = values.shape.slice(2);
  const boxOf = (extent: readonly number[]) => product(extent.map((count, d) => forwardReach(sizes[d]!, count)));
  const planesFor = (extent: readonly number[]) =>
    Math.floor(Math.min(regions.box.bytes / 4 / boxOf(extent), (regions.c.bytes / 4 - LANES) / product(extent)));
  const slabs = cutIntoSlabs(outputs, (extent) => product(extent) <= MAX_TABLE && planesFor(extent) > 0);
  const reads = sizes.every((axis, d) => firstInputs(axis, 0, outputs[d]!).every((first) => first < inputs[d]!));
  if (slabs === null || !reads || product(sizes.map(({ kernel }) => kernel)) > MAX_TABLE) return false;
  const planes = Math.min(images * channels, planesFor(slabs[0]!.to.map((to, d) => to - slabs[0]!.from[d]!)));
  // Images that lie one after another are so many more channels.
  const joined = images === 1 || source.strides[0] === channels * source.strides[1]!;
  const [outer, inner] = joined ? [1, images * channels] : [images, channels];
  for (const slab of slabs) {
    const pool = slabPooler(scratch, job, slab, planes);
    for (let image = 0; image < outer; image++) {
      for (let channel = 0; channel < inner; channel += planes) {
        pool(image, channel, Math.min(planes, inner - channel), image * inner + channel);
      }
    }
  }
  return true;
}

/** First inputs that windows `from` to `to` along an axis read. */
function firstInputs({ stride, padding, dilation }: AxisSizes, from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => {
    const start = (from + i) * stride - padding;
    return start < 0 ? start + Math.ceil(-start / dilation) * dilation : start;
  });
}

/** Prepares a slab: gives what pools `count` planes, from a channel of an image on, into output planes from `first` on. */
function slabPooler(scratch: Scratch, { source, values, indices, sizes }: MaxPooling, slab: Slab, planes: number) {
  const { heap, words, pool } = scratch;
  const axes = sizes.map((axis, d) => forwardAxis(axis, slab.from[d]!, slab.to[d]!));
  const stager = stagerFor(scratch, source, axes, planes);
  stager.clear(planes, -Infinity);
  const steps = stridesOf(source.shape.slice(2));
  const boxSteps = stridesOf(axes.map(({ length }) => length));
  const counts = slab.to.map((to, d) => to - slab.from[d]!);
  const along = (scale: readonly number[], lists: readonly (readonly number[])[]) =>
    lists.map((list, d) => list.map((index) => index * scale[d]!));
  const range = (count: number, step: number, start = 0) => Array.from({ length: count }, (_, i) => start + i * step);
  const bytes = boxSteps.map((step) => step * 4);
  const taps = sizes.map(({ kernel, dilation }) => range(kernel, dilation));
  const starts = sizes.map(({ stride, padding }, d) => range(counts[d]!, stride, slab.from[d]! * stride - padding));
  const firsts = sizes.map((axis, d) => firstInputs(axis, slab.from[d]!, slab.to[d]!));
  const count = writeSums(words, regions.rows.at, along(bytes, taps));
  writeSums(words, regions.columnsOut.at, along(steps, taps));
  const reads = sizes.map(({ stride }, d) => range(counts[d]!, stride));
  const windows = writeSums(words, regions.columns.at, along(bytes, reads));
  writeSums(words, positionsAt, along(steps, starts));
  writeSums(words, firstsAt, along(steps, firsts));
  for (let i = windows; i % LANES > 0; i++) words[regions.columns.at / 4 + i] = words[regions.columns.at / 4]!;
  const outPlane = product(values.shape.slice(2));
  const outSteps = stridesOf(values.shape.slice(2));
  const start = slab.from.reduce((sum, from, d) => sum + from * outSteps[d]!, 0);
  const [c, found] = [regions.c.at, regions.packed.at];
  return (image: number, channel: number, planeCount: number, first: number): void => {
    stager.stage(image, 1, channel, planeCount);
    const [rows, shifts, columns] = [regions.rows.at, regions.columnsOut.at, regions.columns.at];
    pool.maxima(
      planeCount,
      regions.box.at,
      stager.plane * 4,
      rows,
      shifts,
      count,
      columns,
      positionsAt,
      firstsAt,
      windows,
      c,
      found,
      windows * 4,
    );
    const at = first * outPlane + start;
    copyRowsOut(heap as Float32Array, c / 4, values.data, values.offset + at, planeCount, outPlane, windows);
    copyRowsOut(words, found / 4, indices.data, indices.offset + at, planeCount, outPlane, windows);
  };
}
