/** @file Parameters and buffers whose shape is not known yet: what lazy modules start with. */
import { Buffer, empty, Parameter, type Tensor } from '@flambeau/tensor';
import { untracked } from '@flambeau/tensor/internal';
import type { Factory } from './arguments.ts';

const nothing = ({ dtype, device }: Factory): Tensor => empty([0], { dtype, device });

/** Gives `x` memory of its dtype and device, and makes it an ordinary tensor of class `Class`. */
function materialize<T extends Tensor>(x: T, Class: { readonly prototype: object }, shape: readonly number[]): void {
  untracked(() => {
    x.data = empty([...shape], { dtype: x.dtype, device: x.device });
  });
  Object.setPrototypeOf(x, Class.prototype);
}

/**
 * A parameter whose shape is known later. It moves between dtypes and devices like any other, and an optimizer may hold
 * it already; until then it has no elements.
 */
export class UninitializedParameter extends Parameter {
  constructor(options: Factory & { requiresGrad?: boolean } = {}) {
    const { requiresGrad, ...factory } = options;
    super(nothing(factory), requiresGrad === undefined ? {} : { requiresGrad });
  }

  /** Gives it a shape, with values that are arbitrary, and makes it a Parameter. */
  materialize(shape: readonly number[]): void {
    materialize(this, Parameter, shape);
  }

  override toString(): string {
    return '<UninitializedParameter>';
  }
}

/** A buffer whose shape is known later. */
export class UninitializedBuffer extends Buffer {
  constructor(options: Factory = {}) {
    super(nothing(options));
  }

  /** Gives it a shape, with values that are arbitrary, and makes it a Buffer. */
  materialize(shape: readonly number[]): void {
    materialize(this, Buffer, shape);
  }

  override toString(): string {
    return '<UninitializedBuffer>';
  }
}

/** Whether a value waits for its shape. */
export const isLazy = (value: unknown): value is UninitializedParameter | UninitializedBuffer =>
  value instanceof UninitializedParameter || value instanceof UninitializedBuffer;
