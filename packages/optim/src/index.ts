/** @file The public face of @flambeau/optim. */
export * from './adagrad.ts';
export * from './adam.ts';
export * from './adamax.ts';
export { GradScaler, type GradScalerOptions, type GradScalerState } from './grad-scaler.ts';
export * from './lbfgs.ts';
export * from './lion.ts';
export * as lrScheduler from './lr-scheduler/index.ts';
export {
  Muon,
  type MuonOptions,
  type MuonRate,
  type NewtonSchulzCoefficients,
} from './muon.ts';
export { Optimizer, type ParameterState, type ParamGroup, type Params } from './optimizer.ts';
export type { Betas, ImplementationOptions } from './options.ts';
export * from './rmsprop.ts';
export * from './rprop.ts';
export * from './sgd.ts';
export type { OptimizerState } from './state-dict.ts';
export * as swaUtils from './swa-utils.ts';
