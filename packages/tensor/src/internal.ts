/**
 * @file `@flambeau/tensor/internal`: what sibling packages and backends are built on. No part of the public API:
 * anything here may change in any release.
 */
import './install.ts';

export * from './allocate.ts';
export * from './args.ts';
export * from './backend.ts';
export { type ComplexPartOps, pairsAsComplex } from './complex-parts.ts';
export { isComplexValue, wrapNumber } from './complex-scalar.ts';
export { allocateTensor, filled, integersFrom, resolveOptions } from './creation.ts';
export * from './dtype.ts';
export { type FftOps, fftC2c, fftR2c } from './fft/transforms.ts';
export * from './float16.ts';
export { type AttentionOps, attentionGradients, attentionWeights } from './functional/attention.ts';
export { nllGradient } from './functional/class-loss.ts';
export { type ConvOps, convolution, convolutionInput, convolutionWeight } from './functional/conv.ts';
export { type CtcOps, ctcLossGradient } from './functional/ctc-loss.ts';
export type { EmbeddingOps } from './functional/embedding.ts';
export type { LossOps } from './functional/loss.ts';
export {
  type NormalizationAttributes,
  type NormalizationOps,
  normalizationGradients,
} from './functional/normalizing.ts';
export { col2im, im2col, type PatchOps, type PatchSpec } from './functional/patches.ts';
export { avgPoolInput, avgPoolOf, maxPoolInput, type PoolOps } from './functional/pool.ts';
export * from './index-results.ts';
export { index, indexPutAt } from './indexing/advanced.ts';
export { checkWritable, copyValues, inplaceOf, intoOut, overwrite } from './inplace.ts';
export * from './ir/complex.ts';
export type { Pair } from './ir/complex-functions.ts';
export { copyKernel } from './ir/copy.ts';
export { differentiate } from './ir/derivative.ts';
export * from './ir/expr.ts';
export * from './ir/kernel.ts';
export * from './layout.ts';
export type { LinalgOps } from './linalg/ops.ts';
export type { LinalgRoutines } from './linalg/routines.ts';
export * from './loops.ts';
export { macrotask } from './macrotask.ts';
export { asUser, keep, settle, temporaries } from './memory.ts';
export { currentMode, detached, openMode, untracked, withMode } from './modes.ts';
export { named, valuesIndices } from './named.ts';
export { nodeModule } from './node-module.ts';
export type { OpAttributes } from './op-attributes.ts';
export { softmaxGradient } from './ops/softmax.ts';
export * from './pointwise.ts';
export { scalarDType, toComplex, toFloating } from './promotion.ts';
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
export { capacityOf, inZeros, sliceOf, viewOf } from './view.ts';
