/**
 * Copies the part of a convolution's (or pooling's) source that a slab of outputs reads into the box region: channel
 * after channel, padding where the part lies outside of the source.
 */
import { type Axis, product, stridesOf } from '../kernels/convGeometry.ts';
import type { Operand } from '../kernels/operand.ts';
import { copyRows, type FloatArray, MAX_TABLE, regions, type Scratch, writeSums } from './scratch.ts';

export interface Stager {
  /** Elements of one channel in the box. */
  readonly plane: number;
  /** Fills that many channels, where part of the box lies outside of the source; staging leaves that part alone. */
  clear(channels: number, value?: number): void;
  /** Fills the box with some channels of some images; `channel` counts from the source's first. */
  stage(image: number, images: number, channel: number, channels: number): void;
}

/** Prepares staging of a source [images, channels, ...spatial] for one slab, with room for `most` channels an image. */
export function stagerFor(scratch: Scratch, source: Operand<FloatArray>, axes: readonly Axis[], most: number): Stager {
  const sizes = source.shape.slice(2);
  const { strides, offset } = source;
  const inside = axes.map(({ start, length }, d) => {
    const from = Math.min(length, Math.max(0, -start));
    return { from, to: Math.max(from, Math.min(length, sizes[d]! - start)) };
  });
  const padded = inside.some(({ from, to }, d) => from > 0 || to < axes[d]!.length);
  const plane = product(axes.map(({ length }) => length));
  const copy = inside.some(({ from, to }) => from === to)
    ? () => {}
    : channelCopier({ scratch, source, sizes, axes, inside, plane, padded });
  const stage: Stager['stage'] = (image, images, channel, channels) => {
    for (let i = 0; i < images; i++) {
      const from = offset + (image + i) * strides[0]! + channel * strides[1]!;
      copy(from, regions.box.at / scratch.element.bytes + i * most * plane, channels);
    }
  };
  const at = regions.box.at / scratch.element.bytes;
  const clear: Stager['clear'] = (channels, value = 0) => {
    if (padded) scratch.heap.fill(value, at, at + channels * plane);
  };
  return { plane, clear, stage };
}

interface Staging {
  readonly scratch: Scratch;
  readonly source: Operand<FloatArray>;
  /** Spatial sizes of the source. */
  readonly sizes: readonly number[];
  readonly axes: readonly Axis[];
  /** Along each axis, the part of the box that is inside of the source. */
  readonly inside: readonly { readonly from: number; readonly to: number }[];
  readonly plane: number;
  readonly padded: boolean;
}

/** Copies `channels` channels, from element `from` of the source on, to element `to` of the heap. */
type ChannelCopier = (from: number, to: number, channels: number) => void;

function channelCopier(staging: Staging): ChannelCopier {
  const { scratch, source, sizes, axes, plane, padded } = staging;
  const dense = stridesOf(sizes);
  const strides = source.strides.slice(2);
  if (!sizes.every((size, d) => size === 1 || strides[d] === dense[d])) return stridedCopier(staging);
  // With every axis but the first whole, what the box takes from a channel is one run of memory.
  if (!padded && axes.every(({ length }, d) => d === 0 || length === sizes[d])) {
    const first = axes[0]!.start * dense[0]!;
    return (from, to, channels) =>
      copyRows(scratch.heap, to, source.data, from + first, channels, source.strides[1]!, plane);
  }
  return spreadCopier(staging, dense) ?? stridedCopier(staging);
}

/** Copies runs of memory to the raw region, and lays out their rows from there; null where a channel has no room. */
function spreadCopier({ scratch, source, sizes, axes, inside, plane }: Staging, dense: number[]): ChannelCopier | null {
  const { heap, words, conv, element } = scratch;
  const { bytes } = element;
  const last = sizes.length - 1;
  const firstRow = axes[0]!.start + inside[0]!.from;
  const rawPlane = (inside[0]!.to - inside[0]!.from) * dense[0]!;
  const room = Math.floor(regions.raw.bytes / bytes / rawPlane);
  const rows = product(inside.slice(0, last).map(({ from, to }) => to - from));
  if (room === 0 || rows > MAX_TABLE) return null;
  const boxStrides = stridesOf(axes.map(({ length }) => length));
  const offsets = (stride: readonly number[], origin: (d: number) => number) =>
    inside.map(({ from, to }, d) =>
      Array.from({ length: d === last ? 1 : to - from }, (_, i) => (origin(d) + from + i) * stride[d]! * bytes),
    );
  const fromTable = regions.spread.at;
  const toTable = fromTable + rows * 4;
  writeSums(
    words,
    fromTable,
    offsets(dense, (d) => axes[d]!.start - (d === 0 ? firstRow : 0)),
  );
  writeSums(
    words,
    toTable,
    offsets(boxStrides, () => 0),
  );
  const length = inside[last]!.to - inside[last]!.from;
  const channelStride = source.strides[1]!;
  const skip = firstRow * dense[0]!;
  return (from, to, channels) => {
    for (let c = 0; c < channels; c += room) {
      const count = Math.min(room, channels - c);
      const start = from + c * channelStride + skip;
      copyRows(heap, regions.raw.at / bytes, source.data, start, count, channelStride, rawPlane);
      const target = (to + c * plane) * bytes;
      conv.spread(regions.raw.at, target, fromTable, toTable, rows, length, count, rawPlane * bytes, plane * bytes);
    }
  };
}

/** Copies element by element, whatever the strides. */
function stridedCopier({ scratch, source, axes, inside, plane }: Staging): ChannelCopier {
  const { heap } = scratch;
  const { data } = source;
  const [, channelStride, ...strides] = source.strides as [number, number, ...number[]];
  const boxStrides = stridesOf(axes.map(({ length }) => length));
  const copy = (d: number, from: number, to: number): void => {
    const [step, boxStep] = [strides[d]!, boxStrides[d]!];
    let at = from + (axes[d]!.start + inside[d]!.from) * step;
    for (let i = inside[d]!.from; i < inside[d]!.to; i++, at += step) {
      if (d === strides.length - 1) heap[to + i] = data[at]!;
      else copy(d + 1, at, to + i * boxStep);
    }
  };
  return (from, to, channels) => {
    for (let c = 0; c < channels; c++) copy(0, from + c * channelStride, to + c * plane);
  };
}
