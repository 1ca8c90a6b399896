/** @file Derivatives of matrix products. */
import type { MatmulOps, Tensor } from '@flambeau/tensor';
import type { RecordedCall, Rules } from '../rule.ts';

/** Of a product, each factor's gradient needs the other one. */
const saveFactors = ({ inputs: [a, b], needs }: RecordedCall<object>): (Tensor | null)[] => [
  needs[1] ? a! : null,
  needs[0] ? b! : null,
];

export const matmulRules = {
  dot: {
    save: saveFactors,
    backward: ({ saved: [a, b], needs }, grad) => [
      needs[0] ? b!.conj().mul(grad) : null,
      needs[1] ? a!.conj().mul(grad) : null,
    ],
  },
  mv: {
    save: saveFactors,
    backward: ({ saved: [a, b], needs }, grad) => [
      needs[0] ? grad.outer(b!.conj()) : null,
      needs[1] ? a!.t().conj().mv(grad) : null,
    ],
  },
  mm: {
    save: saveFactors,
    backward: ({ saved: [a, b], needs }, grad) => [
      needs[0] ? grad.mm(b!.t().conj()) : null,
      needs[1] ? a!.t().conj().mm(grad) : null,
    ],
  },
  bmm: {
    save: saveFactors,
    backward: ({ saved: [a, b], needs }, grad) => [
      needs[0] ? grad.matmul(b!.mH) : null,
      needs[1] ? a!.mH.matmul(grad) : null,
    ],
  },
  addmm: {
    save: ({ inputs: [, a, b], needs }) => [needs[2] ? a! : null, needs[1] ? b! : null],
    backward: ({ attributes: { alpha, beta }, inputs, saved: [a, b], needs }, grad) => [
      needs[0] ? scaled(grad.sumToSize(inputs[0]!.shape), beta) : null,
      needs[1] ? scaled(grad.mm(b!.t().conj()), alpha) : null,
      needs[2] ? scaled(a!.t().conj().mm(grad), alpha) : null,
    ],
  },
  linear: {
    node: ({ bias }) => (bias ? 'AddmmBackward0' : 'MmBackward0'),
    shown: ({ bias }) => (bias ? [2, 0, 1] : [0, 1]),
    save: ({ inputs: [x, w], needs }) => [needs[1] ? x! : null, needs[0] ? w! : null],
    backward: ({ saved: [x, w], needs }, grad) => {
      const ofParameters = [needs[1] ? grad.t().mm(x!.conj()) : null, needs[2] ? grad.sum(0) : null];
      // Last, so that a device can join it with the gradient of an activation before.
      return [needs[0] ? grad.mm(w!.conj()) : null, ...ofParameters];
    },
  },
} satisfies Rules<keyof MatmulOps>;

const scaled = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : x.mul(factor));
