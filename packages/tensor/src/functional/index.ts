/** @file What PyTorch has in torch.nn.functional. */
export { sigmoid } from '../ops/activation.ts';
export { tanh } from '../ops/trigonometry.ts';
export * from './activation.ts';
export * from './adaptive-pool.ts';
export * from './attention.ts';
export * from './class-loss.ts';
export {
  type ConvArguments,
  type ConvOptions,
  type ConvTransposeArguments,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from './conv.ts';
export { type CtcLossOptions, ctcLoss } from './ctc-loss.ts';
export {
  cosineSimilarity,
  type NormalizeOptions,
  normalize,
  type PairwiseDistanceOptions,
  pairwiseDistance,
  pdist,
  type SimilarityOptions,
} from './distance.ts';
export * from './dropout.ts';
export {
  type EmbeddingBagOptions,
  type EmbeddingOptions,
  embedding,
  embeddingBag,
  oneHot,
  oneHotAsync,
} from './embedding.ts';
export * from './fractional-pool.ts';
export * from './gates.ts';
export * from './grid-sample.ts';
export * from './interpolate.ts';
export * from './likelihood-loss.ts';
export * from './linear.ts';
export * from './local-response-norm.ts';
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  huberLoss,
  type LossOptions,
  type LossReduction,
  l1Loss,
  mseLoss,
  smoothL1Loss,
} from './loss.ts';
export * from './margin-loss.ts';
export * from './metric-loss.ts';
export { type MultiHeadAttentionOptions, multiHeadAttentionForward } from './multi-head-attention.ts';
export {
  type BatchNormArguments,
  type BatchNormOptions,
  batchNorm,
  groupNorm,
  type InstanceNormOptions,
  instanceNorm,
  layerNorm,
} from './normalization.ts';
export { type PadMode, type PadOptions, pad } from './padding.ts';
export { fold, type UnfoldOptions, unfold } from './patches.ts';
export {
  type AvgPoolArguments,
  type AvgPoolOptions,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type MaxPoolArguments,
  type MaxPoolOptions,
  type MaxPoolResult,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from './pool.ts';
export { type RmsNormOptions, rmsNorm } from './rms-norm.ts';
export * from './sampling.ts';
export * from './shuffle.ts';
export * from './softmax.ts';
export * from './unpool.ts';
