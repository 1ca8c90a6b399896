/** @file The namespace `masked`: PyTorch's torch.masked, for dense tensors. */
export * from './reductions.ts';
export * from './rows.ts';
export * from './spread.ts';
