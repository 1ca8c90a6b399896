/** Convolution by the definition, in double precision. */

import { type ConvSpec, contiguousStrides, numelOf, type View } from '@flambeau/tensor/internal';
import { elementsOf, indicesOf } from './views.ts';

/** Values of the output, the input's gradient or the weights' gradient, from the other two. */
export function naiveConv(x: View, w: View, y: View, result: 'x' | 'w' | 'y', spec: ConvSpec): number[] {
  const [valuesX, valuesW, valuesY] = [elementsOf(x), elementsOf(w), elementsOf(y)] as const;
  const sums = new Array<number>(numelOf({ x, w, y }[result].shape)).fill(0);
  const [planeX, planeW, planeY] = [x, w, y].map((view) => numelOf(view.shape.slice(2))) as [number, number, number];
  const reads = readTable(x, w, y, spec);
  const rows = w.shape[0]! / spec.groups;
  for (const [n, o, c] of indicesOf([x.shape[0]!, w.shape[0]!, w.shape[1]!]) as [number, number, number][]) {
    const channel = Math.floor(o / rows) * w.shape[1]! + c;
    const [firstX, firstW] = [(n * x.shape[1]! + channel) * planeX, (o * w.shape[1]! + c) * planeW];
    const firstY = (n * w.shape[0]! + o) * planeY;
    for (let tap = 0; tap < planeW; tap++) {
      for (let position = 0; position < planeY; position++) {
        const read = reads[tap * planeY + position]!;
        if (read < 0) continue;
        const [atX, atW, atY] = [firstX + read, firstW + tap, firstY + position];
        if (result === 'y') sums[atY]! += valuesX[atX]! * valuesW[atW]!;
        else if (result === 'x') sums[atX]! += valuesY[atY]! * valuesW[atW]!;
        else sums[atW]! += valuesX[atX]! * valuesY[atY]!;
      }
    }
  }
  return sums;
}

/** For each tap and position, where in a plane of x it reads, or -1 outside of it. */
function readTable(x: View, w: View, y: View, { stride, padding, dilation }: ConvSpec): Int32Array {
  const positions = indicesOf(y.shape.slice(2));
  const sizes = x.shape.slice(2);
  const steps = contiguousStrides(sizes);
  const table = new Int32Array(positions.length * numelOf(w.shape.slice(2)));
  indicesOf(w.shape.slice(2)).forEach((tap, t) => {
    positions.forEach((position, p) => {
      let at = 0;
      for (let d = 0; d < sizes.length; d++) {
        const read = position[d]! * stride[d]! - padding[d]! + tap[d]! * dilation[d]!;
        at = at < 0 || read < 0 || read >= sizes[d]! ? -1 : at + read * steps[d]!;
      }
      table[t * positions.length + p] = at;
    });
  });
  return table;
}

/** Shape of the output. */
export function outputShape(x: readonly number[], w: readonly number[], spec: ConvSpec): number[] {
  const spatial = spec.stride.map((stride, d) => {
    const reach = spec.dilation[d]! * (w[d + 2]! - 1) + 1;
    return Math.floor((x[d + 2]! + 2 * spec.padding[d]! - reach) / stride) + 1;
  });
  return [x[0]!, w[0]!, ...spatial];
}
