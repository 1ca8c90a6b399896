/** @file Derivatives of pooling. Spreading gradients back over windows is linear, and its derivative is pooling again. */
import { avgPoolInput, avgPoolOf, maxPoolInput, type PoolOps } from '@flambeau/tensor/internal';
import type { Rules } from '../rule.ts';

export const poolRules = {
  maxPool: {
    node: ({ kernel }) => (kernel.length === 3 ? 'MaxPool3DWithIndicesBackward0' : 'MaxPool2DWithIndicesBackward0'),
    save: ({ outputs }) => [outputs[1]],
    backward: ({ attributes: spec, inputs, saved: [indices] }, grad) => [
      maxPoolInput(grad, indices!, inputs[0]!.shape, spec),
    ],
  },
  maxPoolInput: {
    node: 'MaxPoolBackwardBackward0',
    save: ({ inputs }) => [inputs[1]],
    backward: ({ attributes: { dims }, saved: [indices] }, grad) => [
      grad.flatten(-dims).gather(-1, indices!.flatten(-dims)).view(indices!.shape),
    ],
  },
  avgPool: {
    node: ({ kernel }) => `AvgPool${Math.max(kernel.length, 2)}DBackward0`,
    backward: ({ attributes: spec, inputs }, grad) => [avgPoolInput(grad, inputs[0]!.shape, spec)],
  },
  avgPoolInput: {
    node: 'AvgPoolBackwardBackward0',
    backward: ({ attributes: spec, inputs }, grad) => [avgPoolOf(grad, inputs[0]!.shape, spec)],
  },
} satisfies Rules<keyof PoolOps>;
