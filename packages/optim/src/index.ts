/** @file The public face of @flambeau/optim. */
export * from './adam.ts';
export { Optimizer, type ParameterState, type ParamGroup, type Params } from './optimizer.ts';
export type { Betas, ImplementationOptions } from './options.ts';
export * from './sgd.ts';
export type { OptimizerState } from './state-dict.ts';
