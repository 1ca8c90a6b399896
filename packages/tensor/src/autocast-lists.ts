/** @file Which ops automatic mixed precision computes in which dtype. */

const losses = [
  'binaryCrossEntropyWithLogits',
  'cosineEmbeddingLoss',
  'crossEntropy',
  'hingeEmbeddingLoss',
  'huberLoss',
  'klDiv',
  'l1Loss',
  'marginRankingLoss',
  'mseLoss',
  'multiMarginLoss',
  'multilabelMarginLoss',
  'nllLoss',
  'poissonNllLoss',
  'smoothL1Loss',
  'softMarginLoss',
  'tripletMarginLoss',
];

const products = ['addbmm', 'addmm', 'baddbmm', 'bmm', 'conv1d', 'conv2d', 'conv3d', 'linear', 'matmul', 'mm'];
const transposed = ['convTranspose1d', 'convTranspose2d', 'convTranspose3d'];

/** Computed in the 16-bit dtype, in float32, or not at all. */
type Policy = 'lower' | 'full' | 'refused';

const listOf = (ops: Readonly<Record<Policy, readonly string[]>>): ReadonlyMap<string, Policy> =>
  new Map(Object.entries(ops).flatMap(([policy, names]) => names.map((op) => [op, policy as Policy] as const)));

const transforms = ['fft', 'fft2', 'fftn', 'rfft', 'rfft2', 'rfftn', 'hfft'].flatMap((name) => [
  `fft.${name}`,
  `fft.i${name}`,
]);
const factorizations = [
  ...['cholesky', 'choleskyEx', 'cond', 'eig', 'eigh', 'eigvals', 'eigvalsh', 'householderProduct', 'inv', 'invEx'],
  ...['lstsq', 'matrixNorm', 'matrixRank', 'qr', 'solve', 'svd', 'svdvals', 'tensorinv', 'tensorsolve'],
].map((name) => `linalg.${name}`);
const olderFactorizations = [
  ...['choleskyInverse', 'choleskySolve', 'geqrf', 'lu', 'luSolve', 'ormqr', 'pinverse', 'qr', 'svd', 'symeig'],
  'triangularSolve',
];

/** PyTorch 1.13's lists, of the CPU and of GPUs (aten/src/ATen/autocast_mode.cpp); what is in none is left alone. */
export const autocastLists: Readonly<Record<string, ReadonlyMap<string, Policy>>> = {
  cpu: listOf({
    lower: products,
    refused: [],
    full: [
      ...losses,
      ...transposed,
      ...transforms,
      ...factorizations,
      ...olderFactorizations,
      ...['adaptiveAvgPool3d', 'adaptiveMaxPool3d', 'avgPool3d', 'binaryCrossEntropy', 'cdist'],
      ...['ctcLoss', 'fractionalMaxPool2d', 'fractionalMaxPool3d', 'gridSample', 'maxPool3d'],
      ...['maxUnpool1d', 'maxUnpool2d', 'maxUnpool3d', 'nanquantile', 'polar', 'prod', 'quantile'],
      ...['reflectionPad', 'replicationPad', 'stft', 'trace', 'viewAsComplex'],
    ],
  }),
  gpu: listOf({
    lower: [...products, ...transposed, 'addmv', 'addr', 'mv', 'prelu'],
    refused: ['binaryCrossEntropy'],
    full: [
      ...losses,
      ...['acos', 'asin', 'cosh', 'erfinv', 'exp', 'expm1', 'log', 'log10', 'log1p', 'log2', 'pow', 'reciprocal'],
      ...['rsqrt', 'sinh', 'softplus', 'tan', 'cumprod', 'cumsum', 'prod', 'sum'],
      ...['cdist', 'cosineSimilarity', 'groupNorm', 'layerNorm', 'logSoftmax', 'pdist', 'softmax', 'softmin'],
      ...['dist', 'linalg.matrixNorm', 'linalg.vectorNorm', 'logsumexp', 'norm', 'renorm'],
    ],
  }),
};
