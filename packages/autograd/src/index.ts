/** @file Automatic differentiation; importing it switches it on. */
import './recorder.ts';

export { Function, type FunctionClass, FunctionContext } from './function.ts';
export { type GradOptions, grad } from './grad.ts';
export { type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.ts';
export { backward } from './recorder.ts';
