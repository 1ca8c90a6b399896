/** @file Padding with a constant. */

import { ShapeError } from '../errors.ts';
import { shownAs } from '../record.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';

/**
 * `value` around the elements: `padding` lists (before, after) for the last dimension, then the one before it, and so
 * on. Negative numbers crop.
 * @throws ShapeError when nothing would be left or there are more pairs than dimensions.
 */
export function constantPad(self: Tensor, padding: readonly number[], value: Value): Tensor {
  const pairs = padding.length / 2;
  if (!Number.isInteger(pairs) || pairs > self.shape.length) {
    throw new ShapeError(
      `pad(): padding [${padding.join(', ')}] must have two numbers for each of at most ${self.shape.length} dimensions`,
    );
  }
  const shape = [...self.shape];
  let [inner, places]: [Tensor, [number, number, number][]] = [self, []];
  for (let i = 0; i < pairs; i++) {
    const d = self.shape.length - 1 - i;
    const [before, after] = [padding[2 * i]!, padding[2 * i + 1]!];
    shape[d] = shape[d]! + before + after;
    if (shape[d]! < 0)
      throw new ShapeError(
        `pad(): padding [${padding.join(', ')}] of ${formatShape(self.shape)} leaves a negative size`,
      );
    const start = Math.max(0, -before);
    const kept = Math.max(0, self.shape[d]! - start - Math.max(0, -after));
    if (kept < self.shape[d]!) inner = inner.narrow(d, start, kept);
    places.push([d, Math.max(0, before), kept]);
  }
  places = places.filter(([d, before, kept]) => before !== 0 || kept !== shape[d]);
  const out = self.newFull(shape, value);
  let target = out;
  for (const [d, before, kept] of places) target = target.narrow(d, before, kept);
  target.copy_(inner);
  return shownAs('ConstantPadNdBackward0', [self], out);
}
