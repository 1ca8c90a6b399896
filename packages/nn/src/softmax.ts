/** @file Activations along a dimension: softmax and its kin, GLU. */
import { functional as F, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { Module } from './module.ts';
import { settings } from './python.ts';

/** The first half of the channels times the sigmoid of the other half. */
export class GLU extends Module {
  readonly dim: number;

  constructor(...args: Trailing<[dim: number], { dim?: number | undefined }>) {
    super();
    this.dim = signature<{ dim: number }>('GLU', ['dim'], { dim: -1 })(args).dim;
  }

  forward(input: Tensor): Tensor {
    return F.glu(input, this.dim);
  }

  override extraRepr(): string {
    return settings({ dim: this.dim });
  }
}

type DimArguments = Trailing<[dim: number | null], { dim?: number | null | undefined }>;

/** A function along one dimension. Without `dim` PyTorch's choice: 0 for 0, 1 or 3 dimensions, else 1. */
abstract class AlongDimension extends Module {
  readonly dim: number | null;

  constructor(...args: DimArguments) {
    super();
    this.dim = signature<{ dim: number | null }>(new.target.name, ['dim'], { dim: null })(args).dim;
  }

  override extraRepr(): string {
    return settings({ dim: this.dim });
  }
}

/** exp(x) / Σ exp(x). */
export class Softmax extends AlongDimension {
  forward(input: Tensor): Tensor {
    return F.softmax(input, this.dim);
  }
}

/** log(softmax(x)). */
export class LogSoftmax extends AlongDimension {
  forward(input: Tensor): Tensor {
    return F.logSoftmax(input, this.dim);
  }
}

/** softmax(−x). */
export class Softmin extends AlongDimension {
  forward(input: Tensor): Tensor {
    return F.softmin(input, this.dim);
  }
}

/** softmax over the channels of [N, C, H, W] or [C, H, W]. */
export class Softmax2d extends Module {
  forward(input: Tensor): Tensor {
    if (input.ndim !== 3 && input.ndim !== 4)
      throw new TypeError(`Softmax2d: expected 3 or 4 dimensions, got shape [${input.shape.join(', ')}]`);
    return input.softmax(-3);
  }
}
