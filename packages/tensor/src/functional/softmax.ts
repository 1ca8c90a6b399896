/** @file softmax and its relatives as functions, with PyTorch's choice of dimension when none is given. */
import { signature, type Trailing } from '../args.ts';
import { withAutocast } from '../autocast.ts';
import type { SoftmaxOptions } from '../ops/softmax.ts';
import { state } from '../state.ts';
import type { Tensor } from '../tensor.ts';

export { sigmoid } from '../ops/activation.ts';

type Arguments = Trailing<[dim: number | null], SoftmaxOptions & { dim?: number | null | undefined }>;

const defaultDim = (ndim: number): number => (ndim === 0 || ndim === 1 || ndim === 3 ? 0 : 1);

function parser(op: string): (input: Tensor, args: readonly unknown[]) => [dim: number, options: SoftmaxOptions] {
  const parse = signature<{ dim: number | null } & SoftmaxOptions>(op, ['dim'], { dim: null, dtype: undefined });
  return (input, args) => {
    const { dim, dtype } = parse(args);
    return [dim ?? defaultDim(input.ndim), { dtype }];
  };
}

const [parseSoftmax, parseLogSoftmax, parseSoftmin] = [parser('softmax'), parser('logSoftmax'), parser('softmin')];

/** exp(x) / Σ exp(x) along `dim`. Without `dim`: 0 for 0, 1 or 3 dimensions, else 1. */
export function softmax(input: Tensor, ...args: Arguments): Tensor {
  if (state.autocasting) return withAutocast('softmax', softmax, input, ...args);
  return input.softmax(...parseSoftmax(input, args));
}

/** log(softmax(x)) along `dim`; without it as {@link softmax}. */
export function logSoftmax(input: Tensor, ...args: Arguments): Tensor {
  if (state.autocasting) return withAutocast('logSoftmax', logSoftmax, input, ...args);
  return input.logSoftmax(...parseLogSoftmax(input, args));
}

/** softmax(−x) along `dim`; without it as {@link softmax}. */
export function softmin(input: Tensor, ...args: Arguments): Tensor {
  if (state.autocasting) return withAutocast('softmin', softmin, input, ...args);
  return input.neg().softmax(...parseSoftmin(input, args));
}
