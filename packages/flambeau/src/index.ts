/**
 * PyTorch for TypeScript in one import: tensors, automatic differentiation and files flat, the rest as namespaces, on
 * the CPU backend.
 *
 * ```ts
 * import { manualSeed, nn, optim, tensor } from 'flambeau';
 * ```
 */
import '@flambeau/backend-cpu';

export * as autograd from '@flambeau/autograd';
export { func, vmap } from '@flambeau/autograd';
export * as data from '@flambeau/data';
export * as nn from '@flambeau/nn';
export * as optim from '@flambeau/optim';
export * from '@flambeau/serialize';
export * from '@flambeau/tensor';
export { functional as F } from '@flambeau/tensor';
export * as amp from './amp.ts';
export { version } from './version.ts';
