/** @file CrossMapLRN2d, which came to PyTorch from Lua Torch and has its own forward and backward there. */
import { Function as AutogradFunction, type FunctionContext } from '@flambeau/autograd';
import { cat, functional as F, type Tensor } from '@flambeau/tensor';
import { settings } from './python.ts';
import { NeighbourNorm } from './vision.ts';

interface Constants {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

/** For each channel of [N, C, H, W] the sum of `count` channels from `before` before it on; beyond the ends are zeros. */
const windowSums = (x: Tensor, before: number, count: number): Tensor =>
  F.pad(x, [0, 0, 0, 0, before, count - 1 - before])
    .unfold(1, count, 1)
    .sum(-1);

/** k + alpha / size times the sum of squares around each channel. PyTorch's running sum never drops the first channel. */
function scaleOf(input: Tensor, { size, alpha, k }: Constants): Tensor {
  const reach = Math.floor((size - 1) / 2);
  const channels = input.shape[1]!;
  const squares = input.square();
  const sums = windowSums(squares, reach, 2 * reach + 1);
  const inside = Math.min(reach + 1, channels);
  const kept =
    inside === channels
      ? sums
      : cat([sums.narrow(1, 0, inside), sums.narrow(1, inside, channels - inside).add(squares.narrow(1, 0, 1))], 1);
  return kept.mul(alpha / size).add(k);
}

/**
 * With PyTorch's gradient. It is not that of the forward: the sum behind it runs over the `size` channels that end at
 * (or near) each channel instead of around it. Nets that were trained there were trained with it.
 */
class CrossMapLRN2dFunction extends AutogradFunction {
  static override forward(ctx: FunctionContext, constants: Constants, input: Tensor): Tensor {
    const scale = scaleOf(input, constants);
    const output = input.mul(scale.pow(-constants.beta));
    ctx.constants = constants;
    ctx.saveForBackward(input, output, scale);
    return output;
  }

  static override backward(ctx: FunctionContext, grad: Tensor): (Tensor | null)[] {
    const { size, alpha, beta } = ctx.constants as Constants;
    const [input, output, scale] = ctx.savedTensors as [Tensor, Tensor, Tensor];
    const before = Math.trunc(size - (size - 1) / 2);
    const ratios = windowSums(grad.mul(output).div(scale), before, size);
    return [null, grad.mul(scale.pow(-beta)).sub(input.mul(ratios).mul((2 * alpha * beta) / size))];
  }
}

/**
 * Local response normalization of images [N, C, H, W] as PyTorch computes it in this layer, forward and backward: see
 * {@link LocalResponseNorm} for one whose gradient is its forward's.
 */
export class CrossMapLRN2d extends NeighbourNorm {
  override forward(input: Tensor): Tensor {
    const { size, alpha, beta, k } = this;
    return CrossMapLRN2dFunction.apply<Tensor>({ size, alpha, beta, k }, input);
  }

  override extraRepr(): string {
    return `${this.size}, ${settings({ alpha: this.alpha, beta: this.beta, k: this.k })}`;
  }
}
