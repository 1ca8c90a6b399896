/** @file Every op as a function. */

// Functions of torch itself that are no methods.
export { celu, selu, threshold } from '../functional/activation.ts';
export { rrelu } from '../functional/sampling.ts';
export { pcaLowrank, svdLowrank } from '../linalg/low-rank.ts';
export { luUnpack } from '../linalg/lu.ts';
// These functions take their arguments in another order than the methods.
export { polygamma } from '../special/gamma.ts';
export { where } from '../where.ts';
export * from './activation.ts';
export * from './arithmetic.ts';
export * from './choice.ts';
export * from './clamp.ts';
export * from './combine.ts';
export * from './compare.ts';
export * from './convert.ts';
export * from './copy.ts';
export * from './counting.ts';
export * from './equality.ts';
export * from './extremes.ts';
export * from './floats.ts';
export * from './gather.ts';
export * from './index-ops.ts';
export * from './inplace-views.ts';
export * from './isin.ts';
export * from './join.ts';
export * from './like.ts';
export * from './linalg.ts';
export * from './logic.ts';
export type { OutOption, TensorOrScalar } from './make.ts';
export * from './masks.ts';
export * from './math.ts';
export * from './matmul.ts';
export * from './matmul-sums.ts';
export * from './moments.ts';
export * from './products.ts';
export * from './random.ts';
export * from './reading.ts';
export * from './rearrange.ts';
export * from './reduce.ts';
export * from './repeat-interleave.ts';
export * from './reshaping.ts';
export * from './rounding.ts';
export * from './scan.ts';
export * from './scatter.ts';
export * from './search.ts';
export * from './softmax.ts';
export * from './sort.ts';
export * from './special.ts';
export * from './splitting.ts';
export * from './statistics.ts';
// `var` cannot be the name of a variable.
export { var as variance } from './statistics.ts';
export * from './strided.ts';
export * from './trigonometry.ts';
export * from './unique.ts';
export * from './view-scatter.ts';
export * from './views.ts';
