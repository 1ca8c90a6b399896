/** @file torch.nn.utils. */
export * from './clip-grad.ts';
export * from './vector.ts';
