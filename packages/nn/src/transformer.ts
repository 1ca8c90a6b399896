/** @file Transformers. Vaswani et al. 2017. */
import { functional as F, full, ShapeError, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import { MultiheadAttention } from './attention.ts';
import { ModuleList } from './containers.ts';
import { Dropout } from './dropout.ts';
import * as init from './init.ts';
import { Linear } from './linear.ts';
import { Module } from './module.ts';
import { LayerNorm } from './normalization.ts';

/** The activation between the two linear maps: by name, or any function. */
export type TransformerActivation = 'relu' | 'gelu' | ((x: Tensor) => Tensor);

export interface TransformerLayerOptions extends Factory {
  /** Size between the two linear maps. */
  dimFeedforward?: number | undefined;
  dropout?: number | undefined;
  activation?: TransformerActivation | undefined;
  layerNormEps?: number | undefined;
  /** Sequences are [N, T, E] instead of [T, N, E]. */
  batchFirst?: boolean | undefined;
  /** Normalizes before attention and feedforward instead of after them. */
  normFirst?: boolean | undefined;
}

interface LayerSettings extends Factory {
  dModel: number;
  nhead: number;
  dimFeedforward: number;
  dropout: number;
  activation: TransformerActivation;
  layerNormEps: number;
  batchFirst: boolean;
  normFirst: boolean;
}

type LayerArguments = Arguments<
  [dModel: number, nhead: number],
  [
    dimFeedforward: number,
    dropout: number,
    activation: TransformerActivation,
    layerNormEps: number,
    batchFirst: boolean,
    normFirst: boolean,
  ],
  { dModel: number; nhead: number },
  TransformerLayerOptions
>;

const layerNames = [
  'dModel',
  'nhead',
  'dimFeedforward',
  'dropout',
  'activation',
  'layerNormEps',
  'batchFirst',
  'normFirst',
] as const;
const layerDefaults = {
  dimFeedforward: 2048,
  dropout: 0.1,
  activation: 'relu',
  layerNormEps: 1e-5,
  batchFirst: false,
  normFirst: false,
  ...factoryDefaults,
} as const;

function activationOf(owner: string, activation: TransformerActivation): (x: Tensor) => Tensor {
  if (typeof activation === 'function') return activation;
  if (activation === 'relu') return F.relu;
  if (activation === 'gelu') return F.gelu;
  throw new RangeError(`${owner}: activation must be 'relu', 'gelu' or a function, got '${String(activation)}'`);
}

/** What the layers of encoder and decoder have in common. Parts have PyTorch's names. */
abstract class TransformerLayer extends Module {
  declare self_attn: MultiheadAttention;
  declare linear1: Linear;
  declare dropout: Dropout;
  declare linear2: Linear;
  declare norm1: LayerNorm;
  declare norm2: LayerNorm;
  declare dropout1: Dropout;
  declare dropout2: Dropout;
  readonly normFirst: boolean;
  protected readonly activation: (x: Tensor) => Tensor;

  constructor(s: LayerSettings) {
    super();
    this.normFirst = s.normFirst;
    this.activation = activationOf(new.target.name, s.activation);
  }

  protected feedForward(x: Tensor, last: Dropout): Tensor {
    return last(this.linear2(this.dropout(this.activation(this.linear1(x)))));
  }

  protected selfAttention(x: Tensor, attnMask: Tensor | null, keyPaddingMask: Tensor | null): Tensor {
    return this.dropout1(this.self_attn(x, x, x, { attnMask, keyPaddingMask, needWeights: false })[0]);
  }
}

const attentionOf = ({ dModel, nhead, dropout, batchFirst, dtype, device }: LayerSettings): MultiheadAttention =>
  new MultiheadAttention(dModel, nhead, { dropout, batchFirst, dtype, device });

type EncoderLayerCall = Trailing<
  [srcMask: Tensor | null, srcKeyPaddingMask: Tensor | null],
  { srcMask?: Tensor | null | undefined; srcKeyPaddingMask?: Tensor | null | undefined }
>;

const parseEncoderLayerCall = signature<{ srcMask: Tensor | null; srcKeyPaddingMask: Tensor | null }>(
  'TransformerEncoderLayer',
  ['srcMask', 'srcKeyPaddingMask'],
  { srcMask: null, srcKeyPaddingMask: null },
);

/** Self-attention and two linear maps, each with a residual connection and layer normalization. */
export class TransformerEncoderLayer extends TransformerLayer {
  constructor(...args: LayerArguments) {
    const s = signature<LayerSettings>('TransformerEncoderLayer', layerNames, layerDefaults)(args);
    super(s);
    const { dModel, dimFeedforward, dropout, layerNormEps: eps, dtype, device } = s;
    const factory = { dtype, device };
    this.self_attn = attentionOf(s);
    this.linear1 = new Linear(dModel, dimFeedforward, factory);
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, factory);
    this.norm1 = new LayerNorm(dModel, { eps, ...factory });
    this.norm2 = new LayerNorm(dModel, { eps, ...factory });
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
  }

  forward(src: Tensor, ...args: EncoderLayerCall): Tensor {
    const { srcMask, srcKeyPaddingMask } = parseEncoderLayerCall(args);
    if (this.normFirst) {
      const x = src.add(this.selfAttention(this.norm1(src), srcMask, srcKeyPaddingMask));
      return x.add(this.feedForward(this.norm2(x), this.dropout2));
    }
    const x = this.norm1(src.add(this.selfAttention(src, srcMask, srcKeyPaddingMask)));
    return this.norm2(x.add(this.feedForward(x, this.dropout2)));
  }
}

interface DecoderMasks {
  tgtMask: Tensor | null;
  memoryMask: Tensor | null;
  tgtKeyPaddingMask: Tensor | null;
  memoryKeyPaddingMask: Tensor | null;
}

type DecoderCall = Trailing<
  [
    tgtMask: Tensor | null,
    memoryMask: Tensor | null,
    tgtKeyPaddingMask: Tensor | null,
    memoryKeyPaddingMask: Tensor | null,
  ],
  { [Name in keyof DecoderMasks]?: Tensor | null | undefined }
>;

const decoderMaskNames = ['tgtMask', 'memoryMask', 'tgtKeyPaddingMask', 'memoryKeyPaddingMask'] as const;
const noDecoderMasks = {
  tgtMask: null,
  memoryMask: null,
  tgtKeyPaddingMask: null,
  memoryKeyPaddingMask: null,
} as const;
const parseDecoderCall = signature<DecoderMasks>('TransformerDecoder', decoderMaskNames, noDecoderMasks);

/** Self-attention, attention to the encoder's output, and two linear maps. */
export class TransformerDecoderLayer extends TransformerLayer {
  // Declared only, because the constructor sets all parts in PyTorch's order.
  declare multihead_attn: MultiheadAttention;
  declare norm3: LayerNorm;
  declare dropout3: Dropout;

  constructor(...args: LayerArguments) {
    const s = signature<LayerSettings>('TransformerDecoderLayer', layerNames, layerDefaults)(args);
    super(s);
    const { dModel, dimFeedforward, dropout, layerNormEps: eps, dtype, device } = s;
    const factory = { dtype, device };
    const norm = (): LayerNorm => new LayerNorm(dModel, { eps, ...factory });
    this.self_attn = attentionOf(s);
    this.multihead_attn = attentionOf(s);
    this.linear1 = new Linear(dModel, dimFeedforward, factory);
    this.dropout = new Dropout(dropout);
    this.linear2 = new Linear(dimFeedforward, dModel, factory);
    this.norm1 = norm();
    this.norm2 = norm();
    this.norm3 = norm();
    this.dropout1 = new Dropout(dropout);
    this.dropout2 = new Dropout(dropout);
    this.dropout3 = new Dropout(dropout);
  }

  private attendToMemory(x: Tensor, memory: Tensor, { memoryMask, memoryKeyPaddingMask }: DecoderMasks): Tensor {
    const options = { attnMask: memoryMask, keyPaddingMask: memoryKeyPaddingMask, needWeights: false };
    return this.dropout2(this.multihead_attn(x, memory, memory, options)[0]);
  }

  forward(tgt: Tensor, memory: Tensor, ...args: DecoderCall): Tensor {
    const masks = parseDecoderCall(args);
    const attend = (x: Tensor): Tensor => this.selfAttention(x, masks.tgtMask, masks.tgtKeyPaddingMask);
    if (this.normFirst) {
      let x = tgt.add(attend(this.norm1(tgt)));
      x = x.add(this.attendToMemory(this.norm2(x), memory, masks));
      return x.add(this.feedForward(this.norm3(x), this.dropout3));
    }
    let x = this.norm1(tgt.add(attend(tgt)));
    x = this.norm2(x.add(this.attendToMemory(x, memory, masks)));
    return this.norm3(x.add(this.feedForward(x, this.dropout3)));
  }
}

/** `count` copies of a layer, each with parameters of its own that start alike. */
const copiesOf = <M extends Module>(layer: M, count: number): ModuleList<M> =>
  new ModuleList(Array.from({ length: count }, () => layer.clone()));

type EncoderCall = Trailing<
  [mask: Tensor | null, srcKeyPaddingMask: Tensor | null],
  { mask?: Tensor | null | undefined; srcKeyPaddingMask?: Tensor | null | undefined }
>;

const parseEncoderCall = signature<{ mask: Tensor | null; srcKeyPaddingMask: Tensor | null }>(
  'TransformerEncoder',
  ['mask', 'srcKeyPaddingMask'],
  {
    mask: null,
    srcKeyPaddingMask: null,
  },
);

interface StackSettings<Layer> {
  layer: Layer;
  numLayers: number;
  norm: Module | null;
}

/** `numLayers` copies of a layer, one after the other, and a final normalization if given. */
export class TransformerEncoder extends Module {
  layers: ModuleList<TransformerEncoderLayer>;
  norm: LayerNorm | null;
  readonly numLayers: number;

  constructor(
    encoderLayer: TransformerEncoderLayer,
    ...args:
      | [numLayers: number, ...Trailing<[norm: LayerNorm | null], { norm?: LayerNorm | null | undefined }>]
      | [options: { numLayers: number; norm?: LayerNorm | null | undefined }]
  ) {
    super();
    const { layer, numLayers, norm } = signature<StackSettings<TransformerEncoderLayer>>(
      'TransformerEncoder',
      ['layer', 'numLayers', 'norm'],
      { norm: null },
    )([encoderLayer, ...args]);
    this.layers = copiesOf(layer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm as LayerNorm | null;
  }

  forward(src: Tensor, ...args: EncoderCall): Tensor {
    const { mask, srcKeyPaddingMask } = parseEncoderCall(args);
    let x = src;
    for (const layer of this.layers) x = layer(x, { srcMask: mask, srcKeyPaddingMask });
    return this.norm === null ? x : this.norm(x);
  }
}

/** `numLayers` copies of a decoder layer, one after the other, and a final normalization if given. */
export class TransformerDecoder extends Module {
  layers: ModuleList<TransformerDecoderLayer>;
  norm: LayerNorm | null;
  readonly numLayers: number;

  constructor(
    decoderLayer: TransformerDecoderLayer,
    ...args:
      | [numLayers: number, ...Trailing<[norm: LayerNorm | null], { norm?: LayerNorm | null | undefined }>]
      | [options: { numLayers: number; norm?: LayerNorm | null | undefined }]
  ) {
    super();
    const { layer, numLayers, norm } = signature<StackSettings<TransformerDecoderLayer>>(
      'TransformerDecoder',
      ['layer', 'numLayers', 'norm'],
      { norm: null },
    )([decoderLayer, ...args]);
    this.layers = copiesOf(layer, numLayers);
    this.numLayers = numLayers;
    this.norm = norm as LayerNorm | null;
  }

  forward(tgt: Tensor, memory: Tensor, ...args: DecoderCall): Tensor {
    const masks = parseDecoderCall(args);
    let x = tgt;
    for (const layer of this.layers) x = layer(x, memory, { ...masks });
    return this.norm === null ? x : this.norm(x);
  }
}

export interface TransformerOptions extends TransformerLayerOptions {
  dModel?: number | undefined;
  nhead?: number | undefined;
  numEncoderLayers?: number | undefined;
  numDecoderLayers?: number | undefined;
  /** Used in place of the usual encoder. */
  customEncoder?: TransformerEncoder | null | undefined;
  customDecoder?: TransformerDecoder | null | undefined;
}

interface TransformerSettings extends LayerSettings {
  numEncoderLayers: number;
  numDecoderLayers: number;
  customEncoder: TransformerEncoder | null;
  customDecoder: TransformerDecoder | null;
}

interface TransformerMasks extends DecoderMasks {
  srcMask: Tensor | null;
  srcKeyPaddingMask: Tensor | null;
}

const transformerMaskNames = [
  'srcMask',
  'tgtMask',
  'memoryMask',
  'srcKeyPaddingMask',
  'tgtKeyPaddingMask',
  'memoryKeyPaddingMask',
] as const;
const parseTransformerCall = signature<TransformerMasks>('Transformer', transformerMaskNames, {
  ...noDecoderMasks,
  srcMask: null,
  srcKeyPaddingMask: null,
});

/**
 * An encoder of source sequences [S, N, E] and a decoder of target sequences [T, N, E] that looks at its output.
 *
 * ```ts
 * const net = new Transformer(512, 8);
 * net(src, tgt, { tgtMask: Transformer.generateSquareSubsequentMask(tgt.length) });
 * ```
 */
export class Transformer extends Module {
  encoder: TransformerEncoder;
  decoder: TransformerDecoder;
  readonly dModel: number;
  readonly nhead: number;
  readonly batchFirst: boolean;

  constructor(
    ...args: Trailing<
      [
        dModel: number,
        nhead: number,
        numEncoderLayers: number,
        numDecoderLayers: number,
        dimFeedforward: number,
        dropout: number,
      ],
      TransformerOptions
    >
  ) {
    super();
    const parse = signature<TransformerSettings>(
      'Transformer',
      ['dModel', 'nhead', 'numEncoderLayers', 'numDecoderLayers', 'dimFeedforward', 'dropout'],
      {
        dModel: 512,
        nhead: 8,
        numEncoderLayers: 6,
        numDecoderLayers: 6,
        customEncoder: null,
        customDecoder: null,
        ...layerDefaults,
      },
    );
    const { numEncoderLayers, numDecoderLayers, customEncoder, customDecoder, ...layer } = parse(args);
    const norm = (): LayerNorm =>
      new LayerNorm(layer.dModel, { eps: layer.layerNormEps, dtype: layer.dtype, device: layer.device });
    this.encoder =
      customEncoder ?? new TransformerEncoder(new TransformerEncoderLayer(layer), numEncoderLayers, norm());
    this.decoder =
      customDecoder ?? new TransformerDecoder(new TransformerDecoderLayer(layer), numDecoderLayers, norm());
    this.dModel = layer.dModel;
    this.nhead = layer.nhead;
    this.batchFirst = layer.batchFirst;
    this.resetParameters();
  }

  /** Draws all matrices anew. Glorot & Bengio 2010. */
  resetParameters(): void {
    for (const parameter of this.parameters()) if (parameter.ndim > 1) init.xavierUniform_(parameter);
  }

  /** [size, size]: −∞ above the diagonal, so that no position looks at later ones; 0 elsewhere. */
  static generateSquareSubsequentMask(size: number): Tensor {
    return full([size, size], -Infinity).triu(1);
  }

  forward(
    src: Tensor,
    tgt: Tensor,
    ...args: Trailing<
      [
        srcMask: Tensor | null,
        tgtMask: Tensor | null,
        memoryMask: Tensor | null,
        srcKeyPaddingMask: Tensor | null,
        tgtKeyPaddingMask: Tensor | null,
        memoryKeyPaddingMask: Tensor | null,
      ],
      { [Name in keyof TransformerMasks]?: Tensor | null | undefined }
    >
  ): Tensor {
    const { srcMask, srcKeyPaddingMask, ...masks } = parseTransformerCall(args);
    if (src.shape.at(-1) !== this.dModel || tgt.shape.at(-1) !== this.dModel) {
      throw new ShapeError(
        `Transformer: sequences must have ${this.dModel} features, got shapes [${src.shape.join(', ')}] and [${tgt.shape.join(', ')}]`,
      );
    }
    const memory = this.encoder(src, { mask: srcMask, srcKeyPaddingMask });
    return this.decoder(tgt, memory, masks);
  }
}
