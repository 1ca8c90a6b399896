/** @file Derivatives of views: the inverse view, or the gradient put into zeros. */
import {
  arange,
  cat,
  onesLike,
  type SplittingOps,
  type StridedOps,
  stack,
  type Tensor,
  type ViewOps,
  zeros,
} from '@flambeau/tensor';
import { contiguousStrides, inZeros, type ViewPieceOps } from '@flambeau/tensor/internal';
import type { InputMeta, Rules } from '../rule.ts';

/** The gradient of a diagonal: the places of the diagonal's elements in a row-major tensor of `shape`. */
export function inDiagonal(grad: Tensor, shape: readonly number[], offset: number, dim1: number, dim2: number): Tensor {
  const strides = contiguousStrides(shape);
  const others = strides.filter((_, d) => d !== dim1 && d !== dim2);
  const start = grad.elementCount === 0 ? 0 : offset >= 0 ? offset * strides[dim2]! : -offset * strides[dim1]!;
  return inZeros(grad, shape, [...others, strides[dim1]! + strides[dim2]!], start);
}

/** Gradients of several outputs, with zeros for those that nothing came back to. */
function filledGrads(
  grads: readonly (Tensor | null)[],
  shapes: readonly (readonly number[])[],
  { dtype, device }: InputMeta,
): Tensor[] {
  return grads.map((grad, i) => grad ?? zeros([...shapes[i]!], { dtype, device }));
}

/** The sum of `grad` over all places of a view that show one element; `positions` says which, as a view of 0, 1, 2 …. */
function summedAt(positions: Tensor, grad: Tensor, length: number): Tensor {
  return zeros([length], { dtype: grad.dtype, device: grad.device }).indexAdd_(
    0,
    positions.reshape(-1),
    grad.reshape(-1),
  );
}

export const viewRules = {
  view: { node: ({ node }) => node, backward: ({ inputs }, grad) => [grad.reshape(inputs[0]!.shape)] },
  expand: { backward: ({ inputs }, grad) => [grad.sumToSize(inputs[0]!.shape)] },
  transpose: { backward: ({ attributes: { dim0, dim1 } }, grad) => [grad.transpose(dim0, dim1)] },
  t: { backward: (_, grad) => [grad.t()] },
  permute: {
    backward: ({ attributes: { dims } }, grad) => [grad.permute(dims.map((_, d) => dims.indexOf(d)))],
  },
  squeeze: {
    node: ({ given }) => `SqueezeBackward${given === 'none' ? 0 : given === 'one' ? 1 : 2}`,
    backward: ({ inputs }, grad) => [grad.reshape(inputs[0]!.shape)],
  },
  unsqueeze: { backward: ({ attributes: { dim } }, grad) => [grad.squeeze(dim)] },
} satisfies Rules<keyof ViewOps>;

export const viewPieceRules = {
  alias: { backward: (_, grad) => [grad] },
  select: {
    backward: ({ inputs, attributes: { dim, index } }, grad) => {
      const { shape } = inputs[0]!;
      const strides = contiguousStrides(shape);
      return [inZeros(grad, shape, strides.toSpliced(dim, 1), index * strides[dim]!)];
    },
  },
  slice: {
    backward: ({ inputs, attributes: { dim, start, step } }, grad) => {
      const { shape } = inputs[0]!;
      const strides = contiguousStrides(shape);
      const offset = grad.elementCount === 0 ? 0 : start * strides[dim]!;
      return [inZeros(grad, shape, strides.with(dim, strides[dim]! * step), offset)];
    },
  },
  inZeros: {
    backward: ({ inputs, attributes: { strides, offset } }, grad) => {
      const full = grad.contiguous();
      return [full.asStrided(inputs[0]!.shape, strides, full.offset + offset)];
    },
  },
} satisfies Rules<keyof ViewPieceOps>;

export const splittingRules = {
  split: {
    backward: ({ inputs, attributes: { dim, sizes } }, ...grads) => [joined(inputs[0]!, dim, sizes, grads)],
  },
  splitWithSizes: {
    backward: ({ inputs, attributes: { dim, sizes } }, ...grads) => [joined(inputs[0]!, dim, sizes, grads)],
  },
  unbind: {
    backward: ({ inputs, attributes: { dim } }, ...grads) => {
      const meta = inputs[0]!;
      const shape = meta.shape.toSpliced(dim, 1);
      return [
        stack(
          filledGrads(
            grads,
            grads.map(() => shape),
            meta,
          ),
          dim,
        ),
      ];
    },
  },
} satisfies Rules<keyof SplittingOps>;

function joined(meta: InputMeta, dim: number, sizes: readonly number[], grads: readonly (Tensor | null)[]): Tensor {
  return cat(
    filledGrads(
      grads,
      sizes.map((size) => meta.shape.with(dim, size)),
      meta,
    ),
    dim,
  );
}

export const stridedRules = {
  diagonal: {
    backward: ({ inputs, attributes: { offset, dim1, dim2 } }, grad) => [
      inDiagonal(grad, inputs[0]!.shape, offset, dim1, dim2),
    ],
  },
  unfold: {
    backward: ({ inputs, attributes: { dim, size, step } }, grad) => {
      const { shape, device } = inputs[0]!;
      const length = shape.reduce((a, b) => a * b, 1);
      const positions = arange(length, { device }).view(shape).unfold(dim, size, step);
      return [summedAt(positions, grad, length).view(shape)];
    },
  },
  asStrided: {
    backward: ({ inputs, attributes }, grad) => [asStridedGradient(inputs[0]!, attributes, grad)],
  },
} satisfies Rules<keyof StridedOps>;

/**
 * Each element of the storage gets the sum of the gradients of all places that showed it. Where the source itself
 * shows one element at several places (expanded), these share its gradient evenly.
 */
function asStridedGradient(source: InputMeta, view: StridedOps['asStrided'], grad: Tensor): Tensor {
  const lowest = Math.min(view.offset, view.sourceOffset);
  const end = (size: readonly number[], stride: readonly number[], offset: number): number =>
    size.includes(0) ? 0 : size.reduce((last, n, d) => last + (n - 1) * stride[d]!, offset) + 1 - lowest;
  const length = Math.max(
    end(view.size, view.stride, view.offset),
    end(source.shape, view.sourceStride, view.sourceOffset),
    0,
  );
  const memory = arange(length, { device: grad.device });
  const summed = summedAt(memory.asStrided(view.size, view.stride, view.offset - lowest), grad, length);
  const own = memory.asStrided(source.shape, view.sourceStride, view.sourceOffset - lowest);
  const shared = source.shape.some((n, d) => n > 1 && view.sourceStride[d] === 0);
  const even = shared ? summed.div(summedAt(own, onesLike(own, { dtype: grad.dtype }), length).clamp(1)) : summed;
  return even.asStrided(source.shape, view.sourceStride, view.sourceOffset - lowest);
}
