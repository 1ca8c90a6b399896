/** @file torch.nn.utils. */
export * from './clip-grad.ts';
export * as rnn from './rnn.ts';
export * as stateless from './stateless.ts';
export * from './vector.ts';
