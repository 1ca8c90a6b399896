/** @file Padding: constants, mirror images and repeated borders around inputs. */
import { functional as F, type Tensor } from '@flambeau/tensor';
import { Module } from './module.ts';
import { settings, valueText } from './python.ts';

/** One number for all sides, or (before, after) for the last dimension, then for the one before it, and so on. */
export type PaddingSizes = number | readonly number[];

type PaddingArguments = [padding: PaddingSizes] | [options: { padding: PaddingSizes }];

/** @throws TypeError unless `padding` is an integer or one for each side. */
function sides(owner: string, padding: unknown, dims: number): readonly number[] {
  const list = typeof padding === 'number' ? new Array<number>(2 * dims).fill(padding) : padding;
  if (!Array.isArray(list) || list.length !== 2 * dims || list.some((n) => !Number.isInteger(n))) {
    throw new TypeError(`${owner}: padding must be an integer or ${2 * dims} integers, got ${JSON.stringify(padding)}`);
  }
  return list as number[];
}

const given = ([first]: PaddingArguments): PaddingSizes =>
  typeof first === 'object' && 'padding' in first ? first.padding : first;

abstract class PadNd extends Module {
  readonly padding: readonly number[];

  constructor(dims: number, padding: PaddingSizes) {
    super();
    this.padding = sides(new.target.name, padding, dims);
  }

  override extraRepr(): string {
    return valueText(this.padding);
  }
}

type ConstantArguments = [padding: PaddingSizes, value: number] | [options: { padding: PaddingSizes; value: number }];

abstract class ConstantPadNd extends PadNd {
  readonly value: number;

  constructor(dims: number, [first, second]: ConstantArguments) {
    const named = typeof first === 'object' && 'padding' in first;
    super(dims, named ? first.padding : first);
    const value = named ? first.value : second;
    if (typeof value !== 'number')
      throw new TypeError(`${new.target.name}: value must be a number, got ${String(value)}`);
    this.value = value;
  }

  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'constant', this.value);
  }

  override extraRepr(): string {
    return settings({ padding: this.padding, value: this.value });
  }
}

/** `value` around the last dimension. */
export class ConstantPad1d extends ConstantPadNd {
  constructor(...args: ConstantArguments) {
    super(1, args);
  }
}

/** `value` around the last two dimensions. */
export class ConstantPad2d extends ConstantPadNd {
  constructor(...args: ConstantArguments) {
    super(2, args);
  }
}

/** `value` around the last three dimensions. */
export class ConstantPad3d extends ConstantPadNd {
  constructor(...args: ConstantArguments) {
    super(3, args);
  }
}

/** Zeros around the last dimension. */
export class ZeroPad1d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(1, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'constant', 0);
  }
}

/** Zeros around the last two dimensions. */
export class ZeroPad2d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(2, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'constant', 0);
  }
}

/** Zeros around the last three dimensions. */
export class ZeroPad3d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(3, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'constant', 0);
  }
}

/** The mirror image of [N, C, L] around it, without its border. */
export class ReflectionPad1d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(1, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'reflect');
  }
}

/** The mirror image of [N, C, H, W] around it, without its border. */
export class ReflectionPad2d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(2, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'reflect');
  }
}

/** The mirror image of [N, C, D, H, W] around it, without its border. */
export class ReflectionPad3d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(3, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'reflect');
  }
}

/** The border of [N, C, L] repeated. */
export class ReplicationPad1d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(1, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'replicate');
  }
}

/** The border of [N, C, H, W] repeated. */
export class ReplicationPad2d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(2, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'replicate');
  }
}

/** The border of [N, C, D, H, W] repeated. */
export class ReplicationPad3d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(3, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'replicate');
  }
}

/** The other end of [N, C, L] around it, as if it were closed to a ring. */
export class CircularPad1d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(1, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'circular');
  }
}

/** The other end of [N, C, H, W] around it, as if it were closed to a torus. */
export class CircularPad2d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(2, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'circular');
  }
}

/** The other end of [N, C, D, H, W] around it, as if it were closed to a torus. */
export class CircularPad3d extends PadNd {
  constructor(...args: PaddingArguments) {
    super(3, given(args));
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, 'circular');
  }
}
