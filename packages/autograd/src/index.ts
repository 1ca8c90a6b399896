/** @file Automatic differentiation; importing it switches it on. */
import './recorder.ts';

export { type AnomalyOptions, detectAnomaly, isAnomalyEnabled, setDetectAnomaly } from './anomaly.ts';
export { type CheckpointOptions, checkpoint, checkpointSequential } from './checkpoint.ts';
export * as func from './func/index.ts';
export { Function, FunctionContext } from './function.ts';
export { type FunctionClass, onceDifferentiable } from './function-node.ts';
export * as functional from './functional/index.ts';
export { type GradOptions, grad } from './grad.ts';
export { type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.ts';
export * as graph from './graph.ts';
export { backward } from './recorder.ts';
export { savedTensorsHooks } from './saved.ts';
export { type MappedDims, type Randomness, type VmapOptions, vmap } from './vmap.ts';
