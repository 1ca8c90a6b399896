/** @file What PyTorch has in torch.nn.functional only, and the kernels' own functions that derivatives are written with. */
export * from './activation.ts';
export * from './conv.ts';
export * from './gates.ts';
export * from './linear.ts';
export * from './pad.ts';
export * from './pool.ts';
