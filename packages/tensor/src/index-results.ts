/**
 * @file The op catalogue's marks of integer results. The default integer dtype is int32, where PyTorch's is int64: this
 * list says which ops have such results, so that documentation and the conformance runner need not guess.
 */

/**
 * - `index`: positions or counts of elements, int32 whatever the inputs are.
 * - `count`: sums and products of integers and bools, int32 unless an input is int64.
 * - `creation`: integers made without a `dtype`, int32.
 */
export type IndexResult = 'index' | 'count' | 'creation';

/** Names as in the API; members of a namespace with its name in front. */
export const indexResults: Readonly<Record<string, IndexResult>> = {
  arange: 'creation',
  randint: 'creation',
  full: 'creation',

  argmax: 'index',
  argmin: 'index',
  argsort: 'index',
  argwhere: 'index',
  bincount: 'index',
  bucketize: 'index',
  countNonzero: 'index',
  cummax: 'index',
  cummin: 'index',
  kthvalue: 'index',
  max: 'index',
  median: 'index',
  min: 'index',
  mode: 'index',
  multinomial: 'index',
  nanmedian: 'index',
  nonzero: 'index',
  randperm: 'index',
  searchsorted: 'index',
  sort: 'index',
  topk: 'index',
  trilIndices: 'index',
  triuIndices: 'index',
  unique: 'index',
  uniqueConsecutive: 'index',
  'linalg.lstsq': 'index',
  'linalg.matrixRank': 'index',
  'masked.argmax': 'index',
  'masked.argmin': 'index',
  'nn.functional.adaptiveMaxPool1d': 'index',
  'nn.functional.adaptiveMaxPool2d': 'index',
  'nn.functional.adaptiveMaxPool3d': 'index',
  'nn.functional.maxPool1d': 'index',
  'nn.functional.maxPool2d': 'index',
  'nn.functional.maxPool3d': 'index',
  'nn.functional.oneHot': 'index',

  einsum: 'count',
  cumprod: 'count',
  cumsum: 'count',
  nansum: 'count',
  prod: 'count',
  sum: 'count',
  sumToSize: 'count',
  trace: 'count',
  'linalg.vander': 'count',
  'masked.cumprod': 'count',
  'masked.cumsum': 'count',
  'masked.prod': 'count',
  'masked.sum': 'count',
};
