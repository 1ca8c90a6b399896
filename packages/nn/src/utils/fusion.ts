/** @file Batch normalization merged into the layer before it, for inference. */
import { Parameter, ShapeError, type Tensor } from '@flambeau/tensor';
import { untracked } from '@flambeau/tensor/internal';
import type { Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../conv.ts';
import type { Linear } from '../linear.ts';
import type { BatchNorm1d, BatchNorm2d, BatchNorm3d } from '../normalization.ts';
import { outputDim } from './norms.ts';

type Convolution = Conv1d | Conv2d | Conv3d | ConvTranspose1d | ConvTranspose2d | ConvTranspose3d;
type BatchNorm = BatchNorm1d | BatchNorm2d | BatchNorm3d;

/** What fusing needs of a batch normalization. */
interface Statistics {
  readonly running_mean: Tensor | null;
  readonly running_var: Tensor | null;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
  readonly eps: number;
}

/** What a batch normalization does with each channel in evaluation: y = factor · x + shift. */
function affineOf(op: string, norm: Statistics): { factor: Tensor; shift: Tensor } {
  const { running_mean: mean, running_var: variance, weight, bias, eps } = norm;
  if (mean === null || variance === null)
    throw new TypeError(`${op}(): the batch normalization keeps no running statistics`);
  const inverse = variance.detach().add(eps).rsqrt();
  const factor = weight === null ? inverse : weight.detach().mul(inverse);
  const offset = mean.detach().mul(factor).neg();
  return { factor, shift: bias === null ? offset : offset.add(bias.detach()) };
}

/** Weight and bias of the layer and the normalization behind it in one. */
function fused(
  op: string,
  weight: Tensor,
  bias: Tensor | null,
  norm: Statistics,
  dim: number,
): [weight: Parameter, bias: Parameter] {
  return untracked(() => {
    const { factor, shift } = affineOf(op, norm);
    const outputs = weight.shape[dim]!;
    if (factor.shape[0] !== outputs) {
      throw new ShapeError(`${op}(): the layer has ${outputs} outputs, the batch normalization ${factor.shape[0]}`);
    }
    const scale = factor.view(weight.shape.map((size, d) => (d === dim ? size : 1)));
    const moved = bias === null ? shift : bias.detach().mul(factor).add(shift);
    return [
      new Parameter(weight.detach().mul(scale), { requiresGrad: weight.requiresGrad }),
      new Parameter(moved, { requiresGrad: bias?.requiresGrad ?? weight.requiresGrad }),
    ];
  });
}

function checkEvaluation(op: string, ...modules: readonly { training: boolean }[]): void {
  if (modules.some(({ training }) => training))
    throw new TypeError(`${op}(): both modules must be in evaluation mode; call eval() first`);
}

/**
 * A convolution that does what `conv` and the batch normalization behind it do in evaluation.
 *
 * ```ts
 * const layer = utils.fuseConvBnEval(net.conv.eval(), net.norm.eval());
 * ```
 * @throws TypeError when a module is in training mode or the normalization keeps no running statistics.
 */
export function fuseConvBnEval<C extends Convolution>(conv: C, norm: BatchNorm): C {
  checkEvaluation('fuseConvBnEval', conv, norm);
  const dim = outputDim(conv);
  if (dim === 1 && conv.groups !== 1)
    throw new RangeError(`fuseConvBnEval(): a transposed convolution must have 1 group, got ${conv.groups}`);
  const copy = conv.clone() as C;
  [copy.weight, copy.bias] = fused('fuseConvBnEval', conv.weight, conv.bias, norm, dim);
  return copy;
}

/** The same for a linear layer. @throws TypeError as {@link fuseConvBnEval}. */
export function fuseLinearBnEval(linear: Linear, norm: BatchNorm): Linear {
  checkEvaluation('fuseLinearBnEval', linear, norm);
  const copy = linear.clone();
  [copy.weight, copy.bias] = fused('fuseLinearBnEval', linear.weight, linear.bias, norm, 0);
  return copy;
}

/** Running statistics and the learned map of a batch normalization, one number for each output. */
export interface BatchNormTensors {
  runningMean: Tensor;
  runningVar: Tensor;
  eps: number;
  weight?: Tensor | null | undefined;
  bias?: Tensor | null | undefined;
}

/**
 * Weight and bias of a convolution and the batch normalization behind it in one, from their tensors.
 * @param transpose whether the weight is that of a transposed convolution, [in, out, …].
 */
export function fuseConvBnWeights(
  convWeight: Tensor,
  convBias: Tensor | null,
  norm: BatchNormTensors,
  options: { transpose?: boolean | undefined } = {},
): [weight: Parameter, bias: Parameter] {
  return fused('fuseConvBnWeights', convWeight, convBias, statisticsOf(norm), options.transpose ? 1 : 0);
}

/** Weight and bias of a linear layer and the batch normalization behind it in one, from their tensors. */
export function fuseLinearBnWeights(
  linearWeight: Tensor,
  linearBias: Tensor | null,
  norm: BatchNormTensors,
): [weight: Parameter, bias: Parameter] {
  return fused('fuseLinearBnWeights', linearWeight, linearBias, statisticsOf(norm), 0);
}

const statisticsOf = ({ runningMean, runningVar, eps, weight = null, bias = null }: BatchNormTensors): Statistics => ({
  running_mean: runningMean,
  running_var: runningVar,
  eps,
  weight,
  bias,
});
