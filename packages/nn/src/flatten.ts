/** @file Flattening and its inverse. */
import type { Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { Module } from './module.ts';
import { settings } from './python.ts';

/** Dimensions from `startDim` to `endDim` as one: by default all but the batch. */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(
    ...args: Trailing<
      [startDim: number, endDim: number],
      { startDim?: number | undefined; endDim?: number | undefined }
    >
  ) {
    super();
    const { startDim, endDim } = signature<{ startDim: number; endDim: number }>('Flatten', ['startDim', 'endDim'], {
      startDim: 1,
      endDim: -1,
    })(args);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  forward(input: Tensor): Tensor {
    return input.flatten(this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return settings({ start_dim: this.startDim, end_dim: this.endDim });
  }
}

/** Dimension `dim` as several of the sizes `unflattenedSize`, of which one may be −1. */
export class Unflatten extends Module {
  readonly dim: number;
  readonly unflattenedSize: readonly number[];

  constructor(
    ...args:
      | [dim: number, unflattenedSize: readonly number[]]
      | [options: { dim: number; unflattenedSize: readonly number[] }]
  ) {
    super();
    const parse = signature<{ dim: number; unflattenedSize: readonly number[] }>(
      'Unflatten',
      ['dim', 'unflattenedSize'],
      {},
    );
    const { dim, unflattenedSize } = parse(args);
    this.dim = dim;
    this.unflattenedSize = [...unflattenedSize];
  }

  forward(input: Tensor): Tensor {
    return input.unflatten(this.dim, [...this.unflattenedSize]);
  }

  override extraRepr(): string {
    return settings({ dim: this.dim, unflattened_size: this.unflattenedSize });
  }
}
