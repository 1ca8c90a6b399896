/** @file The public face of @flambeau/tensor. */
import './install.ts';

export * from './args.ts';
export * from './backend.ts';
export * from './creation.ts';
export * from './dtype.ts';
export * from './errors.ts';
export * from './float16.ts';
export { checkWritable, copyValues, inplaceOf, intoOut, overwrite } from './inplace.ts';
export { copyKernel } from './ir/copy.ts';
export { differentiate } from './ir/derivative.ts';
export * from './ir/expr.ts';
export * from './ir/kernel.ts';
export * from './loops.ts';
export * from './modes.ts';
export * from './named.ts';
export type { OpAttributes } from './op-attributes.ts';
export * from './ops/index.ts';
export * from './pointwise.ts';
export * from './promotion.ts';
export * from './record.ts';
export * from './reduction.ts';
export * from './shape.ts';
export { backendFor, type State, state } from './state.ts';
export { allocateCpu, Storage } from './storage.ts';
export { Buffer, isTensor, type Methods, Parameter, Tensor } from './tensor.ts';
export * from './values.ts';
export { inZeros, sliceOf, viewOf } from './view.ts';
