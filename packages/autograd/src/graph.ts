/** @file `autograd.graph`, as torch.autograd.graph. */
export { savedTensorsHooks } from './saved.ts';
