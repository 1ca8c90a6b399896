/** @file Similarities and distances of vectors. */
import { functional as F, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { Module } from './module.ts';

/** Cosine of the angle between vectors along `dim`. */
export class CosineSimilarity extends Module {
  readonly dim: number;
  readonly eps: number;

  constructor(...args: Trailing<[dim: number, eps: number], { dim?: number | undefined; eps?: number | undefined }>) {
    super();
    const { dim, eps } = signature<{ dim: number; eps: number }>('CosineSimilarity', ['dim', 'eps'], {
      dim: 1,
      eps: 1e-8,
    })(args);
    this.dim = dim;
    this.eps = eps;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return F.cosineSimilarity(x1, x2, this.dim, this.eps);
  }
}

interface DistanceOptions {
  /** The norm's order. */
  p?: number | undefined;
  /** Added to the differences. */
  eps?: number | undefined;
  keepdim?: boolean | undefined;
}

/** The p-norm of the difference of vectors along the last dimension. */
export class PairwiseDistance extends Module {
  readonly norm: number;
  readonly eps: number;
  readonly keepdim: boolean;

  constructor(...args: Trailing<[p: number, eps: number, keepdim: boolean], DistanceOptions>) {
    super();
    const parse = signature<{ p: number; eps: number; keepdim: boolean }>('PairwiseDistance', ['p', 'eps', 'keepdim'], {
      p: 2,
      eps: 1e-6,
      keepdim: false,
    });
    const { p, eps, keepdim } = parse(args);
    this.norm = p;
    this.eps = eps;
    this.keepdim = keepdim;
  }

  forward(x1: Tensor, x2: Tensor): Tensor {
    return F.pairwiseDistance(x1, x2, this.norm, this.eps, this.keepdim);
  }
}
