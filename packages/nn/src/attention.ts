/** @file Multi-head attention. Vaswani et al. 2017. */
import { empty, functional as F, Parameter, type Tensor } from '@flambeau/tensor';
import { signature } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import * as init from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';

/** A linear layer under the name that PyTorch prints for attention's output projection. */
export class NonDynamicallyQuantizableLinear extends Linear {}

export interface AttentionLayerOptions extends Factory {
  /** Share of the attention weights that is dropped in training. */
  dropout?: number | undefined;
  bias?: boolean | undefined;
  /** Adds a learned key and value to the sequences. */
  addBiasKv?: boolean | undefined;
  /** Adds a key and value of zeros. */
  addZeroAttn?: boolean | undefined;
  /** Size of the keys, if not embedDim. */
  kdim?: number | null | undefined;
  /** Size of the values, if not embedDim. */
  vdim?: number | null | undefined;
  /** Sequences are [N, T, E] instead of [T, N, E]. */
  batchFirst?: boolean | undefined;
}

interface Settings extends Factory {
  embedDim: number;
  numHeads: number;
  dropout: number;
  bias: boolean;
  addBiasKv: boolean;
  addZeroAttn: boolean;
  kdim: number | null;
  vdim: number | null;
  batchFirst: boolean;
}

const names = [
  'embedDim',
  'numHeads',
  'dropout',
  'bias',
  'addBiasKv',
  'addZeroAttn',
  'kdim',
  'vdim',
  'batchFirst',
] as const;

const parse = signature<Settings>('MultiheadAttention', names, {
  dropout: 0,
  bias: true,
  addBiasKv: false,
  addZeroAttn: false,
  kdim: null,
  vdim: null,
  batchFirst: false,
  ...factoryDefaults,
});

export interface AttentionCallOptions {
  /** [N, S]: true (or −∞ added) for keys that are padding. */
  keyPaddingMask?: Tensor | null | undefined;
  /** Whether to give the weights too. */
  needWeights?: boolean | undefined;
  /** [L, S] or [N · heads, L, S]: true where a key may not be looked at, or numbers added to the scores. */
  attnMask?: Tensor | null | undefined;
  /** Whether to average the weights over the heads. */
  averageAttnWeights?: boolean | undefined;
}

interface Call {
  keyPaddingMask: Tensor | null;
  needWeights: boolean;
  attnMask: Tensor | null;
  averageAttnWeights: boolean;
}

const parseCall = signature<Call>(
  'MultiheadAttention',
  ['keyPaddingMask', 'needWeights', 'attnMask', 'averageAttnWeights'],
  {
    keyPaddingMask: null,
    needWeights: true,
    attnMask: null,
    averageAttnWeights: true,
  },
);

/**
 * Attention in several heads: each compares projections of queries with projections of keys and mixes projections of
 * values.
 *
 * Query [L, N, embedDim], key [S, N, kdim], value [S, N, vdim] (N first with `batchFirst`, or without N). Returns the
 * output [L, N, embedDim] and the weights [N, L, S] (or null).
 *
 * ```ts
 * const attention = new MultiheadAttention(16, 4);
 * const [output, weights] = attention(x, x, x);
 * ```
 */
export class MultiheadAttention extends Module {
  in_proj_weight: Parameter | null = null;
  q_proj_weight: Parameter | null = null;
  k_proj_weight: Parameter | null = null;
  v_proj_weight: Parameter | null = null;
  in_proj_bias: Parameter | null;
  bias_k: Parameter | null;
  bias_v: Parameter | null;
  out_proj: Linear;
  readonly embedDim: number;
  readonly numHeads: number;
  readonly kdim: number;
  readonly vdim: number;
  readonly dropout: number;
  readonly batchFirst: boolean;
  readonly addZeroAttn: boolean;

  constructor(
    ...args: Arguments<
      [embedDim: number, numHeads: number],
      [
        dropout: number,
        bias: boolean,
        addBiasKv: boolean,
        addZeroAttn: boolean,
        kdim: number | null,
        vdim: number | null,
        batchFirst: boolean,
      ],
      { embedDim: number; numHeads: number },
      AttentionLayerOptions
    >
  ) {
    super();
    const s = parse(args);
    const { embedDim, numHeads, dtype, device } = s;
    if (embedDim % numHeads !== 0)
      throw new RangeError(`MultiheadAttention: embedDim (${embedDim}) must be divisible by numHeads (${numHeads})`);
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.kdim = s.kdim ?? embedDim;
    this.vdim = s.vdim ?? embedDim;
    this.dropout = s.dropout;
    this.batchFirst = s.batchFirst;
    this.addZeroAttn = s.addZeroAttn;
    const make = (...shape: number[]): Parameter => new Parameter(empty(shape, { dtype, device }));
    if (this.kdim === embedDim && this.vdim === embedDim) this.in_proj_weight = make(3 * embedDim, embedDim);
    else {
      this.q_proj_weight = make(embedDim, embedDim);
      this.k_proj_weight = make(embedDim, this.kdim);
      this.v_proj_weight = make(embedDim, this.vdim);
    }
    this.in_proj_bias = s.bias ? make(3 * embedDim) : null;
    this.out_proj = new NonDynamicallyQuantizableLinear(embedDim, embedDim, { bias: s.bias, dtype, device });
    this.bias_k = s.addBiasKv ? make(1, 1, embedDim) : null;
    this.bias_v = s.addBiasKv ? make(1, 1, embedDim) : null;
    this.resetParameters();
  }

  /** Draws the projections anew (Glorot & Bengio 2010) and sets their biases to 0. */
  resetParameters(): void {
    for (const weight of [this.in_proj_weight, this.q_proj_weight, this.k_proj_weight, this.v_proj_weight]) {
      if (weight !== null) init.xavierUniform_(weight);
    }
    if (this.in_proj_bias !== null) {
      init.zeros_(this.in_proj_bias);
      init.zeros_(this.out_proj.bias!);
    }
    if (this.bias_k !== null) init.xavierNormal_(this.bias_k);
    if (this.bias_v !== null) init.xavierNormal_(this.bias_v);
  }

  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionCallOptions = {},
  ): [output: Tensor, weights: Tensor | null] {
    const call = parseCall([options]);
    const swap = this.batchFirst && query.ndim === 3;
    // One tensor given three times stays one, so that it is projected once.
    const q = swap ? query.transpose(0, 1) : query;
    const k = key === query ? q : swap ? key.transpose(0, 1) : key;
    const v = value === key ? k : value === query ? q : swap ? value.transpose(0, 1) : value;
    const [output, weights] = F.multiHeadAttentionForward(q, k, v, {
      ...call,
      embedDimToCheck: this.embedDim,
      numHeads: this.numHeads,
      inProjWeight: this.in_proj_weight,
      inProjBias: this.in_proj_bias,
      biasK: this.bias_k,
      biasV: this.bias_v,
      addZeroAttn: this.addZeroAttn,
      dropoutP: this.dropout,
      outProjWeight: this.out_proj.weight,
      outProjBias: this.out_proj.bias,
      training: this.training,
      useSeparateProjWeight: this.in_proj_weight === null,
      qProjWeight: this.q_proj_weight,
      kProjWeight: this.k_proj_weight,
      vProjWeight: this.v_proj_weight,
    });
    return [swap ? output.transpose(0, 1) : output, weights];
  }
}
