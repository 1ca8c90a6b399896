/** @file torch.optim.swa_utils. */
export { SWALR } from './lr-scheduler/swa.ts';
export * from './swa.ts';
export { type Normalized, updateBn } from './update-bn.ts';
