/** @file torch.nn.utils. */
export * from './clip-grad.ts';
export * from './fusion.ts';
export {
  removeSpectralNorm,
  removeWeightNorm,
  type SpectralNormOptions,
  spectralNorm,
  weightNorm,
} from './norms.ts';
export * as parametrizations from './parametrizations.ts';
export * as parametrize from './parametrize.ts';
export * as prune from './prune.ts';
export * as rnn from './rnn.ts';
export { skipInit } from './skip-init.ts';
export * as stateless from './stateless.ts';
export * from './vector.ts';
