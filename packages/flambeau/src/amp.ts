/** @file torch.amp: automatic mixed precision. */
export { GradScaler } from '@flambeau/optim';
export { autocast, getAutocastDtype, isAutocastEnabled } from '@flambeau/tensor';
