/**
 * @file Iteration over strided views: broadcasting, and merging dimensions that lie one after another in every view.
 * Backends share it, so that a kernel sees as few dimensions as possible.
 */
import type { View } from './backend.ts';
import { broadcastStrides, type Shape } from './shape.ts';

/** Merged loop sizes, outermost first, and for each view its strides. Size-1 dimensions are gone. */
export interface Loops {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/**
 * The loops over `shape` for views that broadcast to it. `barrier` keeps dimensions below it apart from those above
 * (a reduction's kept and reduced dimensions).
 */
export function mergeLoops(shape: Shape, views: readonly View[], barrier = -1): Loops {
  const full = views.map((view) =>
    view.shape === shape ? view.strides : broadcastStrides(view.shape, view.strides, shape),
  );
  return mergeStrides(shape, full, barrier);
}

/** Whether dimension `d` goes on where the last of the merged ones ends, in every view. */
function continues(full: readonly Shape[], strides: readonly Shape[], last: number, d: number, size: number): boolean {
  for (let i = 0; i < full.length; i++) if (strides[i]![last] !== full[i]![d]! * size) return false;
  return true;
}

/** The same for strides that already have one entry for each dimension. */
export function mergeStrides(shape: Shape, full: readonly Shape[], barrier = -1): Loops {
  const sizes: number[] = [];
  const strides: number[][] = full.map(() => []);
  let fence = false;
  for (let d = 0; d < shape.length; d++) {
    if (d === barrier) fence = true;
    const size = shape[d]!;
    if (size === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && !fence && continues(full, strides, last, d, size)) {
      sizes[last]! *= size;
      for (let i = 0; i < full.length; i++) strides[i]![last] = full[i]![d]!;
    } else {
      sizes.push(size);
      for (let i = 0; i < full.length; i++) strides[i]!.push(full[i]![d]!);
    }
    fence = false;
  }
  return { sizes, strides };
}
