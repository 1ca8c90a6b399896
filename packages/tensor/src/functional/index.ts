/** @file What PyTorch has in torch.nn.functional only, and the kernels' own functions that derivatives are written with. */
export * from './activation.ts';
export * from './class-loss.ts';
export * from './conv.ts';
export * from './distance.ts';
export * from './dropout.ts';
export * from './embedding.ts';
export * from './gates.ts';
export * from './likelihood-loss.ts';
export * from './linear.ts';
export * from './loss.ts';
export * from './margin-loss.ts';
export * from './metric-loss.ts';
export * from './normalization.ts';
export * from './pad.ts';
export * from './pool.ts';
export * from './sampling.ts';
export * from './softmax.ts';
