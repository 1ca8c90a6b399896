/** @file Tensors that belong to modules. No memory scope takes them away. */
import { isDifferentiable } from './dtype.ts';
import { keep } from './memory.ts';
import { readText, textOf } from './printing/text.ts';
import { Tensor } from './tensor.ts';

/**
 * A tensor that modules count as theirs to train: it requires gradients by default.
 *
 * ```ts
 * class Scale extends nn.Module { weight = new Parameter(ones(3)); … }
 * ```
 */
export class Parameter extends Tensor {
  constructor(data: Tensor, options: { requiresGrad?: boolean } = {}) {
    super(data.storage, data.dtype, data.shape, data.strides, data.offset);
    keep(this);
    if (options.requiresGrad ?? isDifferentiable(data.dtype)) this.requiresGrad = true;
  }

  override toString(): string {
    return textOf(this, true);
  }

  override toText(): Promise<string> {
    return readText(this, true);
  }
}

/** A tensor that belongs to a module's state without being trained, e.g. a running mean. Shares `data`'s memory. */
export class Buffer extends Tensor {
  /** Whether it is part of the state dict. */
  readonly persistent: boolean;

  constructor(data: Tensor, options: { persistent?: boolean } = {}) {
    super(data.storage, data.dtype, data.shape, data.strides, data.offset);
    this.persistent = options.persistent ?? true;
    keep(this);
  }
}
