/** @file Copies with one view replaced: the out-of-place forms of writing to a view. */
import { signature } from '../args.ts';
import { ShapeError } from '../errors.ts';
import { Slice } from '../indexing/slice.ts';
import { formatShape, sameShape, wrapDim } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { sliceOf } from '../view.ts';
import { clone, copy_ } from './copy.ts';
import { asStrided, diagonal } from './strided.ts';
import { narrow, select } from './views.ts';

/** A copy of `self` in which the part that `view` shows is `src`. */
function replaced(op: string, self: Tensor, src: Tensor, view: (x: Tensor) => Tensor): Tensor {
  const out = clone(self);
  const part = view(out);
  if (!sameShape(part.shape, src.shape)) {
    throw new ShapeError(
      `${op}(): the source has shape ${formatShape(src.shape)}, but it replaces a part of shape ${formatShape(part.shape)}`,
    );
  }
  copy_(part, src);
  return out;
}

/** A copy with `select(dim, index)` replaced by `src`. */
export function selectScatter(self: Tensor, src: Tensor, dim: number, index: number): Tensor {
  return replaced('selectScatter', self, src, (x) => select(x, dim, index));
}

interface SliceScatterArguments {
  src: Tensor;
  dim: number;
  start: number | null;
  end: number | null;
  step: number;
}
const sliceArguments = signature<SliceScatterArguments>('sliceScatter', ['src', 'dim', 'start', 'end', 'step'], {
  dim: 0,
  start: null,
  end: null,
  step: 1,
});

/** A copy with the slice `start:end:step` of a dimension replaced by `src`. */
export function sliceScatter(
  self: Tensor,
  ...args: [
    src: Tensor,
    dim?: number | Partial<SliceScatterArguments>,
    start?: number | null,
    end?: number | null,
    step?: number,
  ]
): Tensor {
  const { src, dim, start, end, step } = sliceArguments(args);
  const d = wrapDim('sliceScatter', dim, self.ndim);
  const range = new Slice(start, end, step).resolve(self.shape[d] ?? 1);
  return replaced('sliceScatter', self, src, (x) => sliceOf(x, d, range.start, range.count, range.step));
}

interface DiagonalScatterArguments {
  src: Tensor;
  offset: number;
  dim1: number;
  dim2: number;
}
const diagonalArguments = signature<DiagonalScatterArguments>('diagonalScatter', ['src', 'offset', 'dim1', 'dim2'], {
  offset: 0,
  dim1: 0,
  dim2: 1,
});

/** A copy with `diagonal(offset, dim1, dim2)` replaced by `src`. */
export function diagonalScatter(
  self: Tensor,
  ...args: [src: Tensor, offset?: number | Partial<DiagonalScatterArguments>, dim1?: number, dim2?: number]
): Tensor {
  const { src, offset, dim1, dim2 } = diagonalArguments(args);
  return replaced('diagonalScatter', self, src, (x) => diagonal(x, offset, dim1, dim2));
}

interface AsStridedScatterArguments {
  src: Tensor;
  size: readonly number[];
  stride: readonly number[];
  storageOffset: number | null;
}
const asStridedArguments = signature<AsStridedScatterArguments>(
  'asStridedScatter',
  ['src', 'size', 'stride', 'storageOffset'],
  { storageOffset: null },
);

/** A copy with `asStrided(size, stride, storageOffset)` replaced by `src`; strides count in the copy, which is row-major. */
export function asStridedScatter(
  self: Tensor,
  ...args: [
    src: Tensor,
    size: readonly number[],
    stride: readonly number[],
    storageOffset?: number | null | { storageOffset?: number | null },
  ]
): Tensor {
  const { src, size, stride, storageOffset } = asStridedArguments(args);
  return replaced('asStridedScatter', self, src, (x) => asStrided(x, size, stride, storageOffset));
}

/** `narrow` as a copy. */
export function narrowCopy(self: Tensor, dim: number, start: number, length: number): Tensor {
  return clone(narrow(self, dim, start, length));
}
