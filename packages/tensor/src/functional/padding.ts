/** @file Padding: with a constant, or with what the tensor itself holds. */

import { signature, type Trailing } from '../args.ts';
import { autocastOperands } from '../autocast.ts';
import { fromTypedArray } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { temporaries } from '../memory.ts';
import { shownAs } from '../record.ts';
import { formatShape } from '../shape.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';
import type { Value } from '../values.ts';
import { constantPad } from './pad.ts';

/** What stands outside of the tensor: a constant, its mirror image, its outermost elements, or its other end. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

export interface PadOptions {
  mode?: PadMode | undefined;
  /** For `constant`. Default 0. */
  value?: Value | null | undefined;
}

/** Where element `i` outside of 0 … size − 1 comes from. */
const sources: Record<Exclude<PadMode, 'constant'>, (i: number, size: number) => number> = {
  reflect: (i, size) => (i < 0 ? -i : i < size ? i : 2 * (size - 1) - i),
  replicate: (i, size) => Math.min(Math.max(i, 0), size - 1),
  circular: (i, size) => ((i % size) + size) % size,
};

/** How far a mode reaches beyond each end of a dimension. */
const reach: Record<Exclude<PadMode, 'constant'>, (size: number) => number> = {
  reflect: (size) => size - 1,
  replicate: (size) => (size === 0 ? 0 : Number.POSITIVE_INFINITY),
  circular: (size) => size,
};

const parse = signature<{ mode: PadMode; value: Value | null }>('pad', ['mode', 'value'], {
  mode: 'constant',
  value: null,
});

/**
 * Adds elements around a tensor.
 * @param padding how many (before, after) for the last dimension, then for the one before it, and so on. Negative
 *   numbers crop.
 *
 * ```ts
 * F.pad(tensor([1, 2, 3]), [1, 2]); // tensor([0., 1., 2., 3., 0., 0.])
 * F.pad(tensor([[1, 2, 3]]), [2, 0], 'reflect'); // tensor([[3., 2., 1., 2., 3.]])
 * ```
 * @throws ShapeError when a size would become negative, or the tensor is too small for the mode.
 */
export function pad(
  input: Tensor,
  padding: readonly number[],
  ...args: Trailing<[mode: PadMode, value: Value | null], PadOptions>
): Tensor {
  return temporaries(() => {
    const { mode, value } = parse(args);
    if (mode === 'constant') return constantPad(input, padding, value ?? 0);
    if (!Object.hasOwn(sources, mode)) {
      throw new TypeError(
        `pad(): mode must be 'constant', 'reflect', 'replicate' or 'circular', got ${JSON.stringify(mode)}`,
      );
    }
    // PyTorch has these two as ops, which it lists; 'circular' copies pieces.
    if (state.autocasting && mode !== 'circular')
      [input] = autocastOperands(mode === 'reflect' ? 'reflectionPad' : 'replicationPad', [input] as const);
    if (value !== null) throw new TypeError(`pad(): mode '${mode}' takes no value`);
    if (padding.length % 2 !== 0 || padding.length > 2 * input.ndim) {
      throw new ShapeError(
        `pad(): padding [${padding.join(', ')}] must have two numbers for each of at most ${input.ndim} dimensions`,
      );
    }
    let out = input;
    for (let i = 0; 2 * i < padding.length; i++)
      out = extend(out, input.ndim - 1 - i, padding[2 * i]!, padding[2 * i + 1]!, mode);
    if (out === input) return input.clone();
    if (mode === 'circular') return out;
    const kind = mode === 'reflect' ? 'Reflection' : 'Replication';
    return shownAs(`${kind}Pad${padding.length / 2}DBackward0`, [input], out);
  });
}

/** Pads one dimension: picks its elements by their positions. What is cropped at one end is not seen at the other. */
function extend(whole: Tensor, dim: number, before: number, after: number, mode: Exclude<PadMode, 'constant'>): Tensor {
  if (before === 0 && after === 0) return whole;
  const [left, right] = [Math.max(before, 0), Math.max(after, 0)];
  const size = whole.shape[dim]! + Math.min(before, 0) + Math.min(after, 0);
  if (!Number.isInteger(size) || size < 0 || Math.max(left, right) > reach[mode](size)) {
    throw new ShapeError(
      `pad(): '${mode}' cannot pad dimension ${dim} of ${formatShape(whole.shape)} by (${before}, ${after}); it reaches ${reach[mode](Math.max(size, 0))} elements beyond each end`,
    );
  }
  const x = size === whole.shape[dim] ? whole : whole.narrow(dim, left - before, size);
  if (left === 0 && right === 0) return x;
  const positions = Int32Array.from({ length: left + size + right }, (_, i) => sources[mode](i - left, size));
  return x.indexSelect(dim, fromTypedArray(positions).to(x.device));
}

/** `pad` with a constant as torch.constant_pad_nd has it. */
export function constantPadNd(input: Tensor, padding: readonly number[], value: Value = 0): Tensor {
  return constantPad(input, padding, value);
}
