/** @file Activations that draw random numbers while training: rrelu, gumbelSoftmax. */
import { signature, type Trailing } from '../args.ts';
import { arange } from '../creation.ts';
import { isFloating } from '../dtype.ts';
import { DTypeError } from '../errors.ts';
import { untracked } from '../modes.ts';
import { callPointwise, callPointwiseInto, pointwise } from '../pointwise.ts';
import { draw, emptyPreserving, valuesNow } from '../random/draw.ts';
import { defaultGenerator } from '../random/seeding.ts';
import { roundTo } from '../random/store.ts';
import { wrapDim } from '../shape.ts';
import { backendFor } from '../state.ts';
import { Tensor } from '../tensor.ts';
import { arrayOf } from '../values.ts';

const rreluOp = pointwise(2, (x, slope) => x.gt(0).where(x, x.mul(slope)), {
  name: 'rrelu',
  node: 'RreluWithNoiseBackward0',
  promotion: 'promote',
  refuses: ['bool', 'int'],
  derivative: (grad, [x, slope]) => [x!.gt(0).where(grad, grad.mul(slope!)), null],
});

export interface RreluOptions {
  /** Least slope. Default 1/8. */
  lower?: number | undefined;
  /** Greatest slope. Default 1/3. */
  upper?: number | undefined;
  /** Whether slopes are random. Default false. */
  training?: boolean | undefined;
  /** Overwrites the input. */
  inplace?: boolean | undefined;
}

const parseRrelu = signature<{ lower: number; upper: number; training: boolean; inplace: boolean }>(
  'rrelu',
  ['lower', 'upper', 'training', 'inplace'],
  { lower: 1 / 8, upper: 1 / 3, training: false, inplace: false },
);

/**
 * x where x > 0, else slope · x: while training with a slope drawn from [lower, upper) for each element, otherwise with
 * their mean (Xu et al., Empirical Evaluation of Rectified Activations, 2015).
 *
 * @throws RangeError for lower > upper, DTypeError for integers.
 */
export function rrelu(
  input: Tensor,
  ...args: Trailing<[lower: number, upper: number, training: boolean, inplace: boolean], RreluOptions>
): Tensor {
  const { lower, upper, training, inplace } = parseRrelu(args);
  if (!(lower <= upper)) throw new RangeError(`rrelu(): expected lower <= upper, got ${lower} and ${upper}`);
  if (!isFloating(input.dtype))
    throw new DTypeError(`rrelu(): needs a floating point tensor, got ${input.dtype}; convert with .to('float32')`);
  const slope = training ? randomSlopes(input, lower, upper) : (lower + upper) / 2;
  return inplace ? callPointwiseInto(rreluOp, [input, slope], input, true) : callPointwise(rreluOp, [input, slope]);
}

/** PyTorch draws only where a slope is used. Where values cannot be looked at at once, every element gets one. */
function randomSlopes(input: Tensor, lower: number, upper: number): Tensor {
  const { dtype, shape, device } = input;
  const backend = backendFor(device);
  const [from, to] = [roundTo(lower, dtype), roundTo(upper, dtype)];
  if (backend.readSync === null) return draw(emptyPreserving(input), { kind: 'uniform', from, to }, null);
  const generator = defaultGenerator();
  const slopes = Float64Array.from(valuesNow('rrelu', input), (x) =>
    x <= 0 ? generator.engine.u53() * (to - from) + from : 1,
  );
  return new Tensor(backend.upload(dtype, arrayOf(dtype, slopes)), dtype, shape);
}

export interface GumbelSoftmaxOptions {
  /** Temperature: the lower, the closer to one-hot. Default 1. */
  tau?: number | undefined;
  /** Whether the result is one-hot; its gradient is that of the soft result all the same. Default false. */
  hard?: boolean | undefined;
  /** Unused, as in PyTorch. */
  eps?: number | undefined;
  /** Default −1. */
  dim?: number | undefined;
}

const parseGumbel = signature<{ tau: number; hard: boolean; eps: number; dim: number }>(
  'gumbelSoftmax',
  ['tau', 'hard', 'eps', 'dim'],
  { tau: 1, hard: false, eps: 1e-10, dim: -1 },
);

/**
 * Samples from the Gumbel-Softmax distribution: softmax((logits + Gumbel noise) / tau) along `dim` (Jang et al., 2017).
 */
export function gumbelSoftmax(
  logits: Tensor,
  ...args: Trailing<[tau: number, hard: boolean, eps: number, dim: number], GumbelSoftmaxOptions>
): Tensor {
  const { tau, hard, dim } = parseGumbel(args);
  const noise = untracked(() => logits.newEmpty(logits.shape).exponential_().log().neg());
  const soft = logits.add(noise).div(tau).softmax(dim);
  if (!hard) return soft;
  const oneHot = untracked(() => oneHotOfGreatest(soft, wrapDim('gumbelSoftmax', dim, soft.ndim)));
  return oneHot.sub(soft.detach()).add(soft);
}

/** 1 at the greatest element along `dim`, else 0. */
function oneHotOfGreatest(x: Tensor, dim: number): Tensor {
  const size = x.shape[dim] ?? 1;
  const positions = arange(size, { device: x.device }).view(x.shape.map((_, d) => (d === dim ? size : 1)));
  return x.argmax(dim, true).eq(positions).to(x.dtype);
}
