/** @file torch.nn.utils. */
export * from './clip-grad.ts';
export * as rnn from './rnn.ts';
export * from './vector.ts';
