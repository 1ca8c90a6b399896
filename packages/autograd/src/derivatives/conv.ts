/**
 * @file Derivatives of convolutions. With y = conv(x, w), x̄ = convInput(y, w) and w̄ = convWeight(y, x) are the
 * gradients; all three are linear in each argument, so each one's derivatives are the other two.
 */
import type { Tensor } from '@flambeau/tensor';
import { type ConvOps, convolution, convolutionInput, convolutionWeight } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

/** Sum over everything but the channels. */
const perChannel = (grad: Tensor): Tensor => grad.sum(grad.shape.map((_, d) => d).filter((d) => d !== 1));

export const convRules = {
  convolution: {
    save: ({ inputs: [x, w], needs }) => [needs[1] ? x! : null, needs[0] ? w! : null],
    backward: ({ attributes: spec, inputs, saved: [x, w], needs }, grad) => {
      const ofWeight = needs[1] ? convolutionWeight(grad, x!.conj(), inputs[1]!.shape, spec) : null;
      const ofBias = needs[2] ? perChannel(grad) : null;
      // Last, so that a device can join it with the gradient of an activation before.
      return [needs[0] ? convolutionInput(grad, w!.conj(), null, inputs[0]!.shape, spec) : null, ofWeight, ofBias];
    },
  },
  convolutionInput: {
    node: 'ConvolutionBackward0',
    save: ({ inputs: [y, w], needs }) => [needs[1] ? y! : null, needs[0] ? w! : null],
    backward: ({ attributes: spec, inputs, saved: [y, w], needs }, grad) => [
      needs[0] ? convolution(grad, w!.conj(), null, spec, inputs[0]!.shape.slice(2)) : null,
      needs[1] ? convolutionWeight(y!.conj(), grad, inputs[1]!.shape, spec) : null,
      needs[2] ? perChannel(grad) : null,
    ],
  },
  convolutionWeight: {
    node: 'ConvolutionBackwardBackward0',
    save: ({ inputs: [y, x], needs }) => [needs[1] ? y! : null, needs[0] ? x! : null],
    backward: ({ attributes: spec, inputs, saved: [y, x], needs }, grad) => [
      needs[0] ? convolution(x!.conj(), grad, null, spec, inputs[0]!.shape.slice(2)) : null,
      needs[1] ? convolutionInput(y!.conj(), grad, null, inputs[1]!.shape, spec) : null,
    ],
  },
} satisfies Rules<keyof ConvOps>;
