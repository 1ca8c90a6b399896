/** @file Embeddings: rows of a learned table. */
import { empty, functional as F, Parameter, ShapeError, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type Arguments, type Factory, factoryDefaults } from './arguments.ts';
import { fill, withoutFilling } from './filling.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { type Describable, floatText, settings } from './python.ts';

export interface EmbeddingLayerOptions extends Factory {
  /** A row that starts as zeros and is not trained. */
  paddingIdx?: number | null | undefined;
  /** Rows of a greater norm are scaled down to it, in place. */
  maxNorm?: number | null | undefined;
  /** The order of that norm. */
  normType?: number | undefined;
  /** Divides gradients of rows by how often they occur in the batch. */
  scaleGradByFreq?: boolean | undefined;
  /** Accepted for PyTorch's sake: gradients are always dense. */
  sparse?: boolean | undefined;
}

interface Settings extends Factory {
  numEmbeddings: number;
  embeddingDim: number;
  paddingIdx: number | null;
  maxNorm: number | null;
  normType: number;
  scaleGradByFreq: boolean;
  sparse: boolean;
}

const defaults = { paddingIdx: null, maxNorm: null, normType: 2, scaleGradByFreq: false, sparse: false } as const;

/** @throws RangeError for a row that the table does not have. */
function rowOf(owner: string, row: number | null, count: number): number | null {
  if (row === null) return null;
  const wrapped = row < 0 ? row + count : row;
  if (!Number.isInteger(wrapped) || wrapped < 0 || wrapped >= count)
    throw new RangeError(`${owner}: paddingIdx must be one of ${count} rows, got ${row}`);
  return wrapped;
}

/** Normal numbers, and zeros in the padding row. */
function fillTable(weight: Tensor, paddingIdx: number | null): void {
  init.normal_(weight);
  if (paddingIdx !== null) fill(weight, () => weight.select(0, paddingIdx).fill_(0));
}

/** Rows of a given table, and numbers in each. @throws ShapeError for other than a matrix. */
function tableSize(owner: string, table: Tensor): readonly [rows: number, numbers: number] {
  if (table.ndim === 2) return table.shape as readonly [number, number];
  throw new ShapeError(`${owner}.fromPretrained(): expected a matrix, got shape [${table.shape.join(', ')}]`);
}

const factoryOf = ({ dtype, device }: Tensor): Factory => ({ dtype, device });

/**
 * A table of `numEmbeddings` learned rows of `embeddingDim` numbers: indices [...] become rows [..., embeddingDim].
 *
 * ```ts
 * new Embedding(10, 3)(tensor([[1, 2], [4, 5]], { dtype: 'int32' })).shape; // [2, 2, 3]
 * ```
 */
export class Embedding extends Module {
  weight: Parameter;
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly sparse: boolean;

  constructor(
    ...args: Arguments<
      [numEmbeddings: number, embeddingDim: number],
      [paddingIdx: number | null, maxNorm: number | null, normType: number, scaleGradByFreq: boolean, sparse: boolean],
      { numEmbeddings: number; embeddingDim: number },
      EmbeddingLayerOptions
    >
  ) {
    super();
    const parse = signature<Settings>(
      'Embedding',
      ['numEmbeddings', 'embeddingDim', 'paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'],
      { ...defaults, ...factoryDefaults },
    );
    const s = parse(args);
    this.numEmbeddings = s.numEmbeddings;
    this.embeddingDim = s.embeddingDim;
    this.paddingIdx = rowOf('Embedding', s.paddingIdx, s.numEmbeddings);
    this.maxNorm = s.maxNorm;
    this.normType = s.normType;
    this.scaleGradByFreq = s.scaleGradByFreq;
    this.sparse = s.sparse;
    this.weight = new Parameter(empty([s.numEmbeddings, s.embeddingDim], { dtype: s.dtype, device: s.device }));
    this.resetParameters();
  }

  /** Draws the table anew from the normal distribution. */
  resetParameters(): void {
    fillTable(this.weight, this.paddingIdx);
  }

  /** An embedding of a given table [rows, numbers], by default frozen. */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Trailing<[freeze: boolean], { freeze?: boolean | undefined } & Omit<EmbeddingLayerOptions, keyof Factory>>
  ): Embedding {
    const parse = signature<{ freeze: boolean } & Omit<Settings, 'numEmbeddings' | 'embeddingDim' | keyof Factory>>(
      'Embedding.fromPretrained',
      ['freeze', 'paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'],
      { freeze: true, ...defaults },
    );
    const { freeze, ...options } = parse(args);
    const [rows, numbers] = tableSize('Embedding', embeddings);
    const made = withoutFilling(() => new Embedding(rows, numbers, { ...options, ...factoryOf(embeddings) }));
    made.weight = new Parameter(embeddings, { requiresGrad: !freeze });
    return made;
  }

  forward(input: Tensor): Tensor {
    const { weight, paddingIdx, maxNorm, normType, scaleGradByFreq, sparse } = this;
    return F.embedding(input, weight, { paddingIdx, maxNorm, normType, scaleGradByFreq, sparse });
  }

  override extraRepr(): string {
    const entries: Record<string, Describable> = {};
    if (this.paddingIdx !== null) entries.padding_idx = this.paddingIdx;
    return tableText(this, entries);
  }
}

interface Table {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly sparse: boolean;
}

/** Settings as PyTorch lists them; maxNorm and normType are floats there. */
function tableText(
  table: Table,
  entries: Record<string, Describable>,
  after: Readonly<Record<string, Describable>> = {},
): string {
  if (table.maxNorm !== null) entries.max_norm = floatText(table.maxNorm);
  if (table.normType !== 2) entries.norm_type = floatText(table.normType);
  if (table.scaleGradByFreq) entries.scale_grad_by_freq = true;
  if (table.sparse) entries.sparse = true;
  return [String(table.numEmbeddings), String(table.embeddingDim), settings({ ...entries, ...after })]
    .filter((part) => part !== '')
    .join(', ');
}

export interface EmbeddingBagLayerOptions extends Omit<EmbeddingLayerOptions, keyof Factory>, Factory {
  /** How the rows of a bag become one. */
  mode?: 'sum' | 'mean' | 'max' | undefined;
  /** Whether `offsets` end with the number of indices. */
  includeLastOffset?: boolean | undefined;
}

interface BagSettings extends Settings {
  mode: 'sum' | 'mean' | 'max';
  includeLastOffset: boolean;
}

type BagCall = Trailing<
  [offsets: Tensor | null, perSampleWeights: Tensor | null],
  { offsets?: Tensor | null | undefined; perSampleWeights?: Tensor | null | undefined }
>;

const parseBagCall = signature<{ offsets: Tensor | null; perSampleWeights: Tensor | null }>(
  'EmbeddingBag',
  ['offsets', 'perSampleWeights'],
  {
    offsets: null,
    perSampleWeights: null,
  },
);

/** Sums, means or maxima of bags of rows: indices [N, B], or all in one vector with the `offsets` where bags begin. */
export class EmbeddingBag extends Module {
  weight: Parameter;
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly maxNorm: number | null;
  readonly normType: number;
  readonly scaleGradByFreq: boolean;
  readonly mode: 'sum' | 'mean' | 'max';
  readonly sparse: boolean;
  readonly includeLastOffset: boolean;

  constructor(
    ...args: Arguments<
      [numEmbeddings: number, embeddingDim: number],
      [
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        mode: 'sum' | 'mean' | 'max',
        sparse: boolean,
      ],
      { numEmbeddings: number; embeddingDim: number },
      EmbeddingBagLayerOptions
    >
  ) {
    super();
    const parse = signature<BagSettings>(
      'EmbeddingBag',
      ['numEmbeddings', 'embeddingDim', 'maxNorm', 'normType', 'scaleGradByFreq', 'mode', 'sparse'],
      { ...defaults, mode: 'mean', includeLastOffset: false, ...factoryDefaults },
    );
    const s = parse(args);
    this.numEmbeddings = s.numEmbeddings;
    this.embeddingDim = s.embeddingDim;
    this.paddingIdx = rowOf('EmbeddingBag', s.paddingIdx, s.numEmbeddings);
    this.maxNorm = s.maxNorm;
    this.normType = s.normType;
    this.scaleGradByFreq = s.scaleGradByFreq;
    this.mode = s.mode;
    this.sparse = s.sparse;
    this.includeLastOffset = s.includeLastOffset;
    this.weight = new Parameter(empty([s.numEmbeddings, s.embeddingDim], { dtype: s.dtype, device: s.device }));
    this.resetParameters();
  }

  /** Draws the table anew from the normal distribution. */
  resetParameters(): void {
    fillTable(this.weight, this.paddingIdx);
  }

  /** Bags of a given table [rows, numbers], by default frozen. */
  static fromPretrained(
    embeddings: Tensor,
    ...args: Trailing<
      [
        freeze: boolean,
        maxNorm: number | null,
        normType: number,
        scaleGradByFreq: boolean,
        mode: 'sum' | 'mean' | 'max',
        sparse: boolean,
        includeLastOffset: boolean,
        paddingIdx: number | null,
      ],
      { freeze?: boolean | undefined } & Omit<EmbeddingBagLayerOptions, keyof Factory>
    >
  ): EmbeddingBag {
    const parse = signature<{ freeze: boolean } & Omit<BagSettings, 'numEmbeddings' | 'embeddingDim' | keyof Factory>>(
      'EmbeddingBag.fromPretrained',
      ['freeze', 'maxNorm', 'normType', 'scaleGradByFreq', 'mode', 'sparse', 'includeLastOffset', 'paddingIdx'],
      { freeze: true, ...defaults, mode: 'mean', includeLastOffset: false },
    );
    const { freeze, ...options } = parse(args);
    const [rows, numbers] = tableSize('EmbeddingBag', embeddings);
    const made = withoutFilling(() => new EmbeddingBag(rows, numbers, { ...options, ...factoryOf(embeddings) }));
    made.weight = new Parameter(embeddings, { requiresGrad: !freeze });
    return made;
  }

  forward(input: Tensor, ...args: BagCall): Tensor {
    const { offsets, perSampleWeights } = parseBagCall(args);
    const { weight, paddingIdx, maxNorm, normType, scaleGradByFreq, mode, sparse, includeLastOffset } = this;
    return F.embeddingBag(input, weight, {
      offsets,
      perSampleWeights,
      paddingIdx,
      maxNorm,
      normType,
      scaleGradByFreq,
      mode,
      sparse,
      includeLastOffset,
    });
  }

  override extraRepr(): string {
    const after: Record<string, Describable> = { mode: this.mode };
    if (this.paddingIdx !== null) after.padding_idx = this.paddingIdx;
    return tableText(this, {}, after);
  }
}
