/** @file Multi-head attention. Vaswani et al. 2017. */
import { cat, empty, functional as F, full, Parameter, ShapeError, type Tensor, zeros } from '@flambeau/tensor';
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

  /** Queries, keys and values [T, N, embedDim] each. */
  private project(query: Tensor, key: Tensor, value: Tensor): [Tensor, Tensor, Tensor] {
    const biases = this.in_proj_bias?.chunk(3) ?? [null, null, null];
    if (this.in_proj_weight !== null && query === key && key === value) {
      return F.linear(query, this.in_proj_weight, this.in_proj_bias).chunk(3, -1) as [Tensor, Tensor, Tensor];
    }
    const weights = this.in_proj_weight?.chunk(3) ?? [this.q_proj_weight!, this.k_proj_weight!, this.v_proj_weight!];
    return [query, key, value].map((x, i) => F.linear(x, weights[i]!, biases[i] ?? null)) as [Tensor, Tensor, Tensor];
  }

  forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionCallOptions = {},
  ): [output: Tensor, weights: Tensor | null] {
    const call = parseCall([options]);
    const batched = query.ndim === 3;
    checkShapes(query, key, value);
    const majorOf = (x: Tensor): Tensor => (!batched ? x.unsqueeze(1) : this.batchFirst ? x.transpose(0, 1) : x);
    // One tensor given three times stays one, so that it is projected once.
    const q = majorOf(query);
    const k = key === query ? q : majorOf(key);
    const v = value === key ? k : value === query ? q : majorOf(value);
    const padding = call.keyPaddingMask === null || batched ? call.keyPaddingMask : call.keyPaddingMask.unsqueeze(0);
    const [output, weights] = this.attend(q, k, v, { ...call, keyPaddingMask: padding });
    const placed = !batched ? output.squeeze(1) : this.batchFirst ? output.transpose(0, 1) : output;
    if (weights === null) return [placed, null];
    const shown = call.averageAttnWeights ? weights.mean(1) : weights;
    return [placed, batched ? shown : shown.squeeze(0)];
  }

  /** The output [L, N, E] and the weights [N, heads, L, S], or null where they are not wanted. */
  private attend(query: Tensor, key: Tensor, value: Tensor, call: Call): [Tensor, Tensor | null] {
    const { keyPaddingMask, attnMask } = call;
    const [steps, count] = query.shape as readonly [number, number, number];
    const [q, ownKeys, ownValues] = this.project(query, key, value);
    let [k, v] = [ownKeys, ownValues];
    let added = 0;
    if (this.bias_k !== null && this.bias_v !== null) {
      k = cat([k, this.bias_k.expand(1, count, this.embedDim)]);
      v = cat([v, this.bias_v.expand(1, count, this.embedDim)]);
      added += 1;
    }
    if (this.addZeroAttn) {
      const nothing = zeros([1, count, this.embedDim], { dtype: k.dtype, device: k.device });
      [k, v] = [cat([k, nothing]), cat([v, nothing])];
      added += 1;
    }
    const size = this.embedDim / this.numHeads;
    /** [T, N, E] as [N · heads, T, E / heads]. */
    const heads = (x: Tensor): Tensor => x.reshape([x.shape[0]!, count * this.numHeads, size]).transpose(0, 1);
    const shape = [count * this.numHeads, steps, k.shape[0]!];
    const mask = this.mask(attnMask, keyPaddingMask, added, q, shape);
    const options = { attnMask: mask, dropoutP: this.training ? this.dropout : 0 };
    const [mixed, weights] = call.needWeights
      ? F.scaledDotProductAttentionWithWeights(heads(q), heads(k), heads(v), options)
      : [F.scaledDotProductAttention(heads(q), heads(k), heads(v), options), null];
    const output = this.out_proj(mixed.transpose(0, 1).reshape([steps, count, this.embedDim]));
    return [output, weights?.view([count, this.numHeads, ...shape.slice(1)]) ?? null];
  }

  /** What is added to the scores [N · heads, L, S]: −∞ where nothing may be looked at. */
  private mask(
    attnMask: Tensor | null,
    padding: Tensor | null,
    added: number,
    { dtype, device }: Tensor,
    [heads, , keys]: readonly number[],
  ): Tensor | null {
    const additive = (mask: Tensor): Tensor => {
      const numbers =
        mask.dtype === 'bool' ? full(mask.shape, 0, { dtype, device }).maskedFill(mask, -Infinity) : mask.to(dtype);
      return added === 0 ? numbers : F.pad(numbers, [0, added]);
    };
    const parts: Tensor[] = [];
    if (attnMask !== null) parts.push(additive(attnMask));
    if (padding !== null) {
      const inHeads = additive(padding).view([-1, 1, 1, keys!]);
      parts.push(inHeads.expand(-1, this.numHeads, -1, -1).reshape([heads!, 1, keys!]));
    }
    return parts.length === 2 ? parts[0]!.add(parts[1]!) : (parts[0] ?? null);
  }
}

function checkShapes(query: Tensor, key: Tensor, value: Tensor): void {
  const ranks = [query, key, value].map((x) => x.ndim);
  if (ranks.every((rank) => rank === 3) || ranks.every((rank) => rank === 2)) return;
  const shapes = [query, key, value].map((x) => `[${x.shape.join(', ')}]`).join(', ');
  throw new ShapeError(`MultiheadAttention: query, key and value must be [T, N, E] or [T, E] alike, got ${shapes}`);
}
