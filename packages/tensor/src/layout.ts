/** @file The order in which a strided tensor's elements lie in memory. */
import type { Shape } from './shape.ts';

/**
 * The dimensions from the one whose neighbours lie closest together to the one whose lie farthest apart. Dimensions that
 * repeat (stride 0) keep their place among the others, as in PyTorch, and of equal strides the shorter one comes first.
 */
export function memoryOrder(shape: Shape, strides: Shape): number[] {
  const order = shape.map((_, d) => shape.length - 1 - d);
  // Insertion sort, because dimensions of stride 0 compare as equal to all: the result depends on the algorithm.
  for (let i = 1; i < order.length; i++) {
    let place = i;
    for (let before = i - 1; before >= 0; before--) {
      const comparison = compareDims(shape, strides, order[before]!, order[place]!);
      if (comparison < 0) break;
      if (comparison === 0) continue;
      [order[before], order[place]] = [order[place]!, order[before]!];
      place = before;
    }
  }
  return order;
}

/** Negative where `a` belongs inside of `b`, positive where outside, 0 where it may be either. */
function compareDims(shape: Shape, strides: Shape, a: number, b: number): number {
  const [near, far] = [Math.abs(strides[a]!), Math.abs(strides[b]!)];
  if (near === 0 || far === 0) return 0;
  return near === far ? Math.max(0, shape[a]! - shape[b]!) : near - far;
}

/** Strides without gaps for a fresh tensor whose elements are to lie in the same order (PyTorch's preserve_format). */
export function preservedStrides(shape: Shape, strides: Shape): number[] {
  const out = new Array<number>(shape.length);
  let step = 1;
  for (const d of memoryOrder(shape, strides)) {
    out[d] = step;
    step *= Math.max(shape[d]!, 1);
  }
  return out;
}
