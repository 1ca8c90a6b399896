/**
 * @file Convolutions as gathers. Both the forward pass and the gradient of the input compute, at each output position, a
 * sum over taps of a weight times a source element; what differs is where the taps read. One axis at a time:
 *
 * - forward, output i and tap t read source i · stride - padding + t · dilation;
 * - gradient of the input, position i and tap t read the output gradient at (i + padding - t · dilation) / stride where
 *   that is an integer. Positions of one remainder modulo the stride use the same taps, so they are a phase of their
 *   own: a stride-1 gather whose results lie `stride` apart. No multiplication by inserted zeros is ever done.
 */

/** A convolution's parameters along one spatial axis. */
export interface AxisSizes {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
}

/** A tap: its index in the kernel, and where it reads at the first position, counted from the start of the box. */
export interface Tap {
  readonly index: number;
  readonly shift: number;
}

/** Positions that use the same taps; taps are in ascending order of shift. */
export interface Phase {
  readonly taps: readonly Tap[];
  readonly positions: number;
  /** Source elements from one position to the next. */
  readonly sourceStep: number;
  /** First output, counted from the start of the range, and outputs from one position to the next. */
  readonly outStart: number;
  readonly outStep: number;
}

/** How a range of outputs reads its source: from a box of `length` elements that starts at `start` (may be negative). */
export interface Axis {
  readonly start: number;
  readonly length: number;
  readonly phases: readonly Phase[];
}

/** The outputs `from` to `to` (exclusive) of a forward axis. */
export function forwardAxis(sizes: AxisSizes, from: number, to: number): Axis {
  const { kernel, stride, padding, dilation } = sizes;
  const taps = Array.from({ length: kernel }, (_, index) => ({ index, shift: index * dilation }));
  const phase = { taps, positions: to - from, sourceStep: stride, outStart: 0, outStep: 1 };
  return {
    start: from * stride - padding,
    length: forwardReach(sizes, to - from),
    phases: [phase],
  };
}

/** Longest box that `count` adjacent outputs of a forward axis read. */
export const forwardReach = ({ kernel, stride, dilation }: AxisSizes, count: number): number =>
  (count - 1) * stride + (kernel - 1) * dilation + 1;

/**
 * The positions `from` to `to` (exclusive) of the input's gradient. Remainders that no tap has are left out; the others
 * have a phase even without positions, so that phases do not depend on the range.
 */
export function backwardAxis({ kernel, stride, padding, dilation }: AxisSizes, from: number, to: number): Axis {
  const found: { taps: { index: number; at: number }[]; first: number; count: number; remainder: number }[] = [];
  for (let remainder = 0; remainder < stride; remainder++) {
    // Positions of this remainder are stride · j + remainder - padding, for j from `first` on.
    const first = Math.ceil((from + padding - remainder) / stride);
    const last = Math.floor((to - 1 + padding - remainder) / stride);
    const taps: { index: number; at: number }[] = [];
    for (let index = kernel - 1; index >= 0; index--) {
      const distance = remainder - index * dilation;
      if (distance % stride === 0) taps.push({ index, at: first + distance / stride });
    }
    if (taps.length > 0) found.push({ taps, first, count: Math.max(0, last - first + 1), remainder });
  }
  const used = found.filter(({ count }) => count > 0);
  const start = Math.min(...used.flatMap(({ taps }) => taps.map(({ at }) => at)));
  const end = Math.max(...used.flatMap(({ taps, count }) => taps.map(({ at }) => at + count)));
  const phases = found.map(({ taps, first, count, remainder }) => ({
    taps: taps.map(({ index, at }) => ({ index, shift: at - start })),
    positions: count,
    sourceStep: 1,
    outStart: stride * first + remainder - padding - from,
    outStep: stride,
  }));
  // Where no tap reaches the range, the box is empty.
  return used.length > 0 ? { start, length: end - start, phases } : { start: 0, length: 0, phases };
}

/** Longest box that `count` adjacent positions of the input's gradient read. */
export const backwardReach = ({ kernel, stride, dilation }: AxisSizes, count: number): number =>
  Math.floor((count - 1) / stride) + Math.floor(((kernel - 1) * dilation) / stride) + 2;

/** A run of outputs that are adjacent in memory: `from` to `to` along each axis. */
export interface Slab {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * Cuts the outputs into equal slabs for which `fits` holds: ranges of the first axis if that is enough, else single
 * indices of it and ranges of the second, and so on. Null when not even one output fits.
 */
export function cutIntoSlabs(sizes: readonly number[], fits: (extent: readonly number[]) => boolean): Slab[] | null {
  for (let axis = 0; axis < sizes.length; axis++) {
    const size = sizes[axis]!;
    const extentOf = (count: number) => sizes.map((full, d) => (d < axis ? 1 : d === axis ? count : full));
    if (!fits(extentOf(1))) continue;
    let [most, tooMany] = [1, size + 1];
    while (tooMany - most > 1) {
      const middle = (most + tooMany) >> 1;
      if (fits(extentOf(middle))) most = middle;
      else tooMany = middle;
    }
    return slabsAlong(sizes, axis, evenPart(size, most));
  }
  return null;
}

function slabsAlong(sizes: readonly number[], axis: number, count: number): Slab[] {
  let slabs: Slab[] = [{ from: [], to: [] }];
  sizes.forEach((size, d) => {
    const step = d < axis ? 1 : d === axis ? count : size;
    slabs = slabs.flatMap(({ from, to }) =>
      Array.from({ length: Math.ceil(size / step) }, (_, i) => ({
        from: [...from, i * step],
        to: [...to, Math.min(size, (i + 1) * step)],
      })),
    );
  });
  return slabs;
}

/** Row-major strides. */
export function stridesOf(sizes: readonly number[]): number[] {
  const strides = new Array<number>(sizes.length);
  let step = 1;
  for (let d = sizes.length - 1; d >= 0; d--) {
    strides[d] = step;
    step *= sizes[d]!;
  }
  return strides;
}

/** The size of equal parts of at most `most` that `size` is cut into. */
export const evenPart = (size: number, most: number): number => Math.ceil(size / Math.ceil(size / most));

export const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);
