/** @file The public face of @flambeau/nn. */
export { Buffer, functional, functional as F, Parameter } from '@flambeau/tensor';
export * from './activation.ts';
export * from './adaptive-pooling.ts';
export * from './adaptive-softmax.ts';
export {
  type AttentionCallOptions,
  type AttentionLayerOptions,
  MultiheadAttention,
  NonDynamicallyQuantizableLinear,
} from './attention.ts';
export { type Chain, ModuleDict, ModuleList, type NamedModules, Sequential } from './containers.ts';
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvLayerArguments,
  type ConvLayerOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeLayerArguments,
  type ConvTransposeLayerOptions,
  type PaddingMode,
  type Sizes,
} from './conv.ts';
export { CrossMapLRN2d } from './cross-map-lrn.ts';
export * from './distance.ts';
export * from './dropout.ts';
export * from './flatten.ts';
export {
  type BackwardHook,
  type BackwardPreHook,
  type ForwardHook,
  type ForwardPreHook,
  type HookHandle,
  type IncompatibleKeys,
  type LoadStateDictPostHook,
  type LoadStateDictPreHook,
  registerModuleForwardHook,
  registerModuleForwardPreHook,
  registerModuleFullBackwardHook,
  registerModuleFullBackwardPreHook,
  type StateDictHook,
  type StateDictPreHook,
} from './hooks.ts';
export * as init from './init.ts';
export {
  LazyBatchNorm1d,
  LazyBatchNorm2d,
  LazyBatchNorm3d,
  LazyInstanceNorm1d,
  LazyInstanceNorm2d,
  LazyInstanceNorm3d,
  LazyLinear,
} from './lazy.ts';
export * from './lazy-conv.ts';
export * from './linear.ts';
export {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  L1Loss,
  type LossOptions,
  type LossReduction,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
} from './loss.ts';
export * from './margin-loss.ts';
export { Module } from './module.ts';
export * from './normalization.ts';
export {
  type Packed,
  type PackedFunction,
  type PackedModule,
  type PackedReference,
  packModule,
  registerModules,
  unpackModule,
} from './pack.ts';
export * from './padding.ts';
export * from './parameter-containers.ts';
export * from './pooling.ts';
export * from './rms-norm.ts';
export * from './rnn.ts';
export * from './rnn-cell.ts';
export * from './softmax.ts';
export * from './sparse.ts';
export { type LayerSummary, type ModelSummary, type SummaryOptions, summary } from './summary.ts';
export * from './transformer.ts';
export { isLazy, UninitializedBuffer, UninitializedParameter } from './uninitialized.ts';
export * as utils from './utils/index.ts';
export {
  ChannelShuffle,
  Fold,
  LocalResponseNorm,
  PixelShuffle,
  PixelUnshuffle,
  Unfold,
  Upsample,
  type UpsampleMode,
  type UpsampleOptions,
  UpsamplingBilinear2d,
  UpsamplingNearest2d,
} from './vision.ts';
