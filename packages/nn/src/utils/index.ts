/** @file torch.nn.utils. */
export * from './clip-grad.ts';
export {
  removeSpectralNorm,
  removeWeightNorm,
  type SpectralNormOptions,
  spectralNorm,
  weightNorm,
} from './norms.ts';
export * as parametrizations from './parametrizations.ts';
export * as parametrize from './parametrize.ts';
export * as rnn from './rnn.ts';
export * as stateless from './stateless.ts';
export * from './vector.ts';
