/** @file The public face of @flambeau/tensor. What only sibling packages need is in internal.ts. */
import './install.ts';

export {
  type AutocastOptions,
  autocast,
  getAutocastDtype,
  isAutocastEnabled,
} from './autocast.ts';
export type { Scalar } from './backend.ts';
export { type RegisteredClass, registerClass, registeredClass, registeredName } from './class-registry.ts';
export { complex, imag, isComplex, polar, real, viewAsComplex, viewAsReal } from './complex-parts.ts';
export {
  arange,
  empty,
  eye,
  fromTypedArray,
  full,
  getDefaultDevice,
  getDefaultDtype,
  linspace,
  logspace,
  type NestedData,
  ones,
  setDefaultDevice,
  setDefaultDtype,
  type TensorOptions,
  tensor,
  zeros,
} from './creation.ts';
export {
  areDeterministicAlgorithmsEnabled,
  type DeterministicOptions,
  useDeterministicAlgorithms,
} from './deterministic.ts';
export { type DType, type DTypeAlias, promoteTypes, type TypedArray } from './dtype.ts';
export { einsum, tensordot } from './einsum.ts';
export * from './errors.ts';
export * as fft from './fft/index.ts';
export { cdist } from './functional/distance.ts';
export * as functional from './functional/index.ts';
export { constantPadNd } from './functional/padding.ts';
export type { Index, IndexList } from './indexing/resolve.ts';
export { Slice, slice } from './indexing/slice.ts';
export * from './like.ts';
export * from './limits.ts';
export * as linalg from './linalg/index.ts';
export * as masked from './masked/index.ts';
export { keep, scope, tidy } from './memory.ts';
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  type ModeGuard,
  noGrad,
  setGradEnabled,
} from './modes.ts';
export type { Named, ValuesIndices } from './named.ts';
// The public one takes any number of shapes; the one that names an op in its error is internal.
export { broadcastShapes } from './ops/combine.ts';
export * from './ops/index.ts';
export { Buffer, Parameter } from './parameter.ts';
export type { PointwiseFunction } from './pointwise.ts';
export type { PrintOptionChanges, PrintOptions } from './printing/options.ts';
export { getPrintoptions, setPrintoptions } from './printing/text.ts';
export { canCast, resultType } from './promotion.ts';
export type { GeneratorOption } from './random/draw.ts';
export { Generator } from './random/generator.ts';
export * from './random/seeding.ts';
export * from './random-functions.ts';
export type { BackwardOptions, GradHook, GraphNode, NodeHook, NodePrehook, RemovableHandle } from './record.ts';
export type { Dims } from './reduction.ts';
export * as special from './special/index.ts';
export { isTensor, Tensor } from './tensor.ts';
export type { ComplexValue } from './values.ts';
