/** @file Dropout: random zeros in training, nothing otherwise. */
import { functional as F, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { Module } from './module.ts';
import { floatText, valueText } from './python.ts';

export interface DropoutLayerOptions {
  /** Probability of a zero. */
  p?: number | undefined;
  /** Overwrites the input. */
  inplace?: boolean | undefined;
}

abstract class DropoutNd extends Module {
  readonly p: number;
  inplace: boolean;

  /** @throws RangeError for a probability outside [0, 1]. */
  constructor(...args: Trailing<[p: number, inplace: boolean], DropoutLayerOptions>) {
    super();
    const { p, inplace } = signature<{ p: number; inplace: boolean }>(new.target.name, ['p', 'inplace'], {
      p: 0.5,
      inplace: false,
    })(args);
    if (!(p >= 0 && p <= 1)) throw new RangeError(`${new.target.name}: p must be between 0 and 1, got ${p}`);
    this.p = p;
    this.inplace = inplace;
  }

  override extraRepr(): string {
    return `p=${floatText(this.p)}, inplace=${valueText(this.inplace)}`;
  }
}

/** Zeroes single elements with probability `p` and scales the others by 1 / (1 − p). Srivastava et al. 2014. */
export class Dropout extends DropoutNd {
  forward(input: Tensor): Tensor {
    return F.dropout(input, this.p, this.training, this.inplace);
  }
}

/** Zeroes whole channels of [N, C, L]. */
export class Dropout1d extends DropoutNd {
  forward(input: Tensor): Tensor {
    return F.dropout1d(input, this.p, this.training, this.inplace);
  }
}

/** Zeroes whole channels of [N, C, H, W]. */
export class Dropout2d extends DropoutNd {
  forward(input: Tensor): Tensor {
    return F.dropout2d(input, this.p, this.training, this.inplace);
  }
}

/** Zeroes whole channels of [N, C, D, H, W]. */
export class Dropout3d extends DropoutNd {
  forward(input: Tensor): Tensor {
    return F.dropout3d(input, this.p, this.training, this.inplace);
  }
}

/** Dropout that keeps mean and variance of SELU's outputs. */
export class AlphaDropout extends DropoutNd {
  forward(input: Tensor): Tensor {
    return F.alphaDropout(input, this.p, this.training, this.inplace);
  }
}

/** {@link AlphaDropout} of whole channels. */
export class FeatureAlphaDropout extends DropoutNd {
  forward(input: Tensor): Tensor {
    return F.featureAlphaDropout(input, this.p, this.training, this.inplace);
  }
}
