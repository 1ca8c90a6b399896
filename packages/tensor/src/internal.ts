/**
 * @file `@flambeau/tensor/internal`: what sibling packages and backends are built on. No part of the public API:
 * anything here may change in any release.
 */
import './install.ts';

export * from './allocate.ts';
export * from './args.ts';
export * from './backend.ts';
export { allocateTensor, filled, integersFrom, resolveOptions } from './creation.ts';
export * from './dtype.ts';
export * from './float16.ts';
export { type ConvOps, convolution, convolutionInput, convolutionWeight } from './functional/conv.ts';
export { type CtcOps, ctcLossGradient } from './functional/ctc-loss.ts';
export type { EmbeddingOps } from './functional/embedding.ts';
export type { LossOps } from './functional/loss.ts';
export {
  type NormalizationAttributes,
  type NormalizationOps,
  normalizationGradients,
} from './functional/normalization.ts';
export { col2im, im2col, type PatchOps, type PatchSpec } from './functional/patches.ts';
export { avgPoolInput, avgPoolOf, maxPoolInput, type PoolOps } from './functional/pool.ts';
export * from './index-results.ts';
export { index, indexPutAt } from './indexing/advanced.ts';
export { checkWritable, copyValues, inplaceOf, intoOut, overwrite } from './inplace.ts';
export { copyKernel } from './ir/copy.ts';
export { differentiate } from './ir/derivative.ts';
export * from './ir/expr.ts';
export * from './ir/kernel.ts';
export * from './layout.ts';
export * from './loops.ts';
export { asUser, keep, settle, temporaries } from './memory.ts';
export { currentMode, detached, openMode, untracked, withMode } from './modes.ts';
export { named, valuesIndices } from './named.ts';
export { nodeModule } from './node-module.ts';
export type { OpAttributes } from './op-attributes.ts';
export * from './pointwise.ts';
export { scalarDType, toFloating } from './promotion.ts';
export { fillDistribution } from './random/distribution.ts';
export type { RandomOps } from './random/draw.ts';
export * from './record.ts';
export * from './reduction.ts';
export * from './shape.ts';
export { broadcastShapes as commonShape } from './shape.ts';
export { backendFor, type State, state } from './state.ts';
export { allocateCpu, disposedError, Storage } from './storage.ts';
export type { Methods } from './tensor.ts';
export * from './values.ts';
export type { ViewPieceOps } from './view.ts';
export { inZeros, sliceOf, viewOf } from './view.ts';
