/** @file Rows of a matrix looked up by index: embedding, embeddingBag; and oneHot. */
import { signature, type Trailing } from '../args.ts';
import { arange, full, ones, zeros } from '../creation.ts';
import { ShapeError } from '../errors.ts';
import { zerosLike } from '../like.ts';
import { temporaries } from '../memory.ts';
import { untracked } from '../modes.ts';
import { indexSelect } from '../ops/gather.ts';
import { checkIndex, sameDevice, slicesAt, wrapIndex } from '../positions.ts';
import { readNow } from '../read-now.ts';
import { record, shownAs } from '../record.ts';
import { formatShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { where } from '../where.ts';

/** Ops of this family that autograd has derivatives for, with their attributes. */
export interface EmbeddingOps {
  /** Inputs: weight, index. */
  embedding: { paddingIdx: number | null; scaleGradByFreq: boolean };
}

interface EmbeddingArguments {
  paddingIdx: number | null;
  maxNorm: number | null;
  normType: number;
  scaleGradByFreq: boolean;
  sparse: boolean;
}

export type EmbeddingOptions = Partial<EmbeddingArguments>;

const embeddingArguments = signature<EmbeddingArguments>(
  'embedding',
  ['paddingIdx', 'maxNorm', 'normType', 'scaleGradByFreq', 'sparse'],
  {
    paddingIdx: null,
    maxNorm: null,
    normType: 2,
    scaleGradByFreq: false,
    sparse: false,
  },
);

function checkTable(op: string, input: Tensor, weight: Tensor): void {
  sameDevice(op, weight, input);
  checkIndex(op, input);
  if (weight.ndim !== 2)
    throw new ShapeError(`${op}(): weight must be a matrix [count, features], got shape ${formatShape(weight.shape)}`);
}

/** Scales the rows of `weight` that `index` names down to a norm of at most `maxNorm`, in place. */
function limitNorms(weight: Tensor, index: Tensor, maxNorm: number, normType: number): void {
  untracked(() => {
    const rows = indexSelect(weight, 0, index);
    const norms = rows.norm(normType, 1, true);
    // The small number is PyTorch's, against a division by zero.
    const scaled = where(norms.gt(maxNorm), rows.mul(norms.add(1e-7).reciprocal().mul(maxNorm)), rows);
    weight.indexCopy_(0, index, scaled);
  });
}

/**
 * Rows of `weight` [count, features] by index: input of any shape [*] gives [*, features].
 *
 * - `paddingIdx`: a row that gets no gradient;
 * - `maxNorm`, `normType` (2): rows that are looked up and have a larger norm are first scaled to it, in `weight` itself;
 * - `scaleGradByFreq`: the gradient of a row is divided by how often the row was looked up;
 * - `sparse` is accepted; gradients are dense.
 *
 * ```ts
 * const table = randn(10, 3);
 * F.embedding(tensor([[1, 2], [4, 1]], { dtype: 'int32' }), table).shape; // [2, 2, 3]
 * ```
 * @throws IndexError for an index outside the table, DTypeError for one that is not int32 or int64.
 */
export function embedding(
  input: Tensor,
  weight: Tensor,
  ...args: Trailing<
    [paddingIdx: number | null, maxNorm: number | null, normType: number, scaleGradByFreq: boolean, sparse: boolean],
    EmbeddingOptions
  >
): Tensor {
  return temporaries(() => {
    const options = embeddingArguments(args);
    checkTable('embedding', input, weight);
    const paddingIdx =
      options.paddingIdx === null ? null : wrapIndex('embedding', options.paddingIdx, 0, weight.shape[0]!);
    const index = input.reshape(-1);
    if (options.maxNorm !== null) limitNorms(weight, index, options.maxNorm, options.normType);
    const rows = slicesAt('embedding', weight, 0, index);
    const out = new Tensor(rows.storage, rows.dtype, [...input.shape, weight.shape[1]!]);
    return record('embedding', [weight, input], out, { paddingIdx, scaleGradByFreq: options.scaleGradByFreq });
  });
}

interface EmbeddingBagArguments {
  offsets: Tensor | null;
  maxNorm: number | null;
  normType: number;
  scaleGradByFreq: boolean;
  mode: 'sum' | 'mean' | 'max';
  sparse: boolean;
  perSampleWeights: Tensor | null;
  includeLastOffset: boolean;
  paddingIdx: number | null;
}

export type EmbeddingBagOptions = Partial<EmbeddingBagArguments>;

const bagArguments = signature<EmbeddingBagArguments>(
  'embeddingBag',
  [
    'offsets',
    'maxNorm',
    'normType',
    'scaleGradByFreq',
    'mode',
    'sparse',
    'perSampleWeights',
    'includeLastOffset',
    'paddingIdx',
  ],
  {
    offsets: null,
    maxNorm: null,
    normType: 2,
    scaleGradByFreq: false,
    mode: 'mean',
    sparse: false,
    perSampleWeights: null,
    includeLastOffset: false,
    paddingIdx: null,
  },
);

/** For each looked-up row the bag that it belongs to, as an index, and the number of bags. */
function bagsOf(input: Tensor, offsets: Tensor | null, includeLastOffset: boolean): { bag: Tensor; count: number } {
  const { device } = input;
  if (input.ndim === 2) {
    if (offsets !== null)
      throw new ShapeError('embeddingBag(): a matrix of indices has its bags as rows and takes no offsets');
    const [count, length] = input.shape as readonly [number, number];
    return { bag: arange(count, { device }).repeatInterleave(length), count };
  }
  if (input.ndim !== 1)
    throw new ShapeError(
      `embeddingBag(): expects a vector or matrix of indices, got shape ${formatShape(input.shape)}`,
    );
  if (offsets === null || offsets.ndim !== 1)
    throw new ShapeError('embeddingBag(): a vector of indices needs a vector of offsets');
  checkIndex('embeddingBag', offsets);
  const starts = includeLastOffset ? offsets.narrow(0, 0, offsets.shape[0]! - 1) : offsets;
  // The bag of a position is the number of bags that start at or before it, less one.
  const positions = arange(input.elementCount, { device }).unsqueeze(1);
  return { bag: positions.ge(starts).sum(1, { dtype: 'int32' }).sub(1), count: starts.shape[0]! };
}

/**
 * Sums, means or maxima of rows of `weight` over bags of indices: the rows of a matrix, or the stretches of a vector
 * that begin at `offsets` (`includeLastOffset`: the last offset is the end). `perSampleWeights` scale rows, for sums
 * only. Rows at `paddingIdx` do not count. An empty bag gives zeros.
 *
 * ```ts
 * F.embeddingBag(tensor([[1, 2], [4, 1]], { dtype: 'int32' }), randn(10, 3), { mode: 'sum' }).shape; // [2, 3]
 * ```
 */
export function embeddingBag(
  input: Tensor,
  weight: Tensor,
  ...args: Trailing<
    [
      offsets: Tensor | null,
      maxNorm: number | null,
      normType: number,
      scaleGradByFreq: boolean,
      mode: EmbeddingBagArguments['mode'],
    ],
    EmbeddingBagOptions
  >
): Tensor {
  return temporaries(() => {
    const options = bagArguments(args);
    const { mode, maxNorm, scaleGradByFreq, perSampleWeights } = options;
    if (mode !== 'sum' && mode !== 'mean' && mode !== 'max')
      throw new TypeError(`embeddingBag(): mode must be 'sum', 'mean' or 'max', got ${JSON.stringify(mode)}`);
    if (perSampleWeights !== null && mode !== 'sum')
      throw new TypeError(`embeddingBag(): perSampleWeights only go with mode 'sum', not '${mode}'`);
    checkTable('embeddingBag', input, weight);
    const { bag, count } = untracked(() => bagsOf(input, options.offsets, options.includeLastOffset));
    const paddingIdx =
      options.paddingIdx === null ? null : wrapIndex('embeddingBag', options.paddingIdx, 0, weight.shape[0]!);
    const index = input.reshape(-1);
    const rows = embedding(index, weight, { paddingIdx, maxNorm, normType: options.normType, scaleGradByFreq });
    const used = paddingIdx === null ? null : index.ne(paddingIdx).unsqueeze(1);
    const [width, like] = [weight.shape[1]!, { dtype: weight.dtype, device: weight.device }];
    const shown = (out: Tensor): Tensor => shownAs('EmbeddingBagBackward0', [weight, perSampleWeights], out);
    if (mode === 'max') {
      const compared = used === null ? rows : rows.maskedFill(used.logicalNot(), Number.NEGATIVE_INFINITY);
      const best = full([count, width], Number.NEGATIVE_INFINITY, like).scatterReduce(
        0,
        bag.unsqueeze(1).expand(rows.shape),
        compared,
        'amax',
        { includeSelf: false },
      );
      return shown(best.maskedFill(best.eq(Number.NEGATIVE_INFINITY), 0));
    }
    const weighted = perSampleWeights === null ? rows : rows.mul(perSampleWeights.reshape(-1, 1));
    const counted = used === null ? weighted : weighted.mul(used);
    const sums = zeros([count, width], like).indexAdd(0, bag, counted);
    if (mode === 'sum') return shown(sums);
    const one = used === null ? ones([index.elementCount], like) : used.squeeze(1).to(weight.dtype);
    return shown(sums.div(zeros([count], like).indexAdd(0, bag, one).clamp(1).unsqueeze(1)));
  });
}

const oneHotArguments = signature<{ numClasses: number }>('oneHot', ['numClasses'], { numClasses: -1 });

/**
 * Ones at the classes and zeros elsewhere, in a new last dimension of `numClasses` (default: the largest class + 1).
 * The dtype is that of the input, int32 or int64.
 *
 * ```ts
 * F.oneHot(tensor([0, 2], { dtype: 'int32' })).toArraySync(); // [[1, 0, 0], [0, 0, 1]]
 * ```
 * @throws IndexError for a class outside, DeviceError where `numClasses` is left off and values are only read asynchronously.
 */
export function oneHot(input: Tensor, ...args: Trailing<[numClasses: number], { numClasses?: number }>): Tensor {
  return temporaries(() => {
    const { numClasses } = oneHotArguments(args);
    checkClasses(input, numClasses);
    return oneHotOf(input, numClasses === -1 ? Number(readNow('oneHot', input.max(), 'F')[0]) + 1 : numClasses);
  });
}

/** `oneHot(…)` on every device: the largest class is read asynchronously where `numClasses` is left off. */
export async function oneHotAsync(
  input: Tensor,
  ...args: Trailing<[numClasses: number], { numClasses?: number }>
): Promise<Tensor> {
  const { numClasses } = oneHotArguments(args);
  checkClasses(input, numClasses);
  return oneHotOf(input, numClasses === -1 ? (await input.max().item()) + 1 : numClasses);
}

function checkClasses(input: Tensor, numClasses: number): void {
  checkIndex('oneHot', input);
  if (numClasses === 0 || numClasses < -1)
    throw new RangeError(`oneHot(): numClasses must be at least 1, or -1, got ${numClasses}`);
  if (numClasses === -1 && input.elementCount === 0)
    throw new ShapeError('oneHot(): the number of classes of an empty tensor is unknown; give numClasses');
}

function oneHotOf(input: Tensor, count: number): Tensor {
  const index = input.unsqueeze(-1);
  return zerosLike(index)
    .expand([...input.shape, count])
    .clone()
    .scatter(-1, index, 1);
}
