/** Lion and Muon, which PyTorch 1.13 lacks, against independent computations. */
import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { manualSeed, randn, ShapeError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as optim from '../src/index.ts';

const double = { dtype: 'float64' } as const;

/** Runs steps along given gradients. */
function run(optimizer: optim.Optimizer, p: Tensor, grads: readonly (readonly unknown[])[]): void {
  for (const grad of grads) {
    p.grad = tensor(grad as number[], { dtype: p.dtype });
    optimizer.step();
  }
}

describe('Lion', () => {
  it('moves by the sign of the averages', () => {
    const p = tensor([1, -2, 0.5], double).requiresGrad_();
    const grads = [
      [0.3, -0.1, 0],
      [-0.05, 0.4, 0],
      [0.2, 0.2, -1],
    ];
    const [lr, beta1, beta2, decay] = [0.1, 0.9, 0.8, 0.05];
    run(new optim.Lion([p], { lr, betas: [beta1, beta2], weightDecay: decay }), p, grads);
    const want = [1, -2, 0.5];
    const m = [0, 0, 0];
    for (const g of grads) {
      for (const i of [0, 1, 2]) {
        want[i] = want[i]! * (1 - lr * decay) - lr * Math.sign(beta1 * m[i]! + (1 - beta1) * g[i]!);
        m[i] = beta2 * m[i]! + (1 - beta2) * g[i]!;
      }
    }
    for (const [i, value] of (p.toArraySync() as number[]).entries()) expect(value).toBeCloseTo(want[i]!, 12);
  });

  it('goes uphill, keeps one tensor, and goes on from a state dict', () => {
    const p = tensor([1]).requiresGrad_();
    const optimizer = new optim.Lion([p], { lr: 0.5, maximize: true });
    run(optimizer, p, [[2]]);
    expect(p.toArraySync()).toEqual([1.5]);
    const state = optimizer.stateDict();
    expect(Object.keys(state.state.get(0)!)).toEqual(['exp_avg']);
    expect(Object.keys(state.param_groups[0]!)).toEqual(['lr', 'betas', 'weight_decay', 'maximize', 'params']);
    const q = tensor([1.5]).requiresGrad_();
    const other = new optim.Lion([q]);
    other.loadStateDict(state);
    run(optimizer, p, [[-0.1]]);
    run(other, q, [[-0.1]]);
    expect(q.toArraySync()).toEqual(p.toArraySync());
    expect(() => new optim.Lion([p], { betas: [0.9, 1] })).toThrow(RangeError);
  });
});

describe('Muon', () => {
  /** Three steps with lr 0.02 and weight decay 0.1, computed with NumPy in float64. */
  const cases = [
    {
      nesterov: true,
      adjustLrFn: null,
      start: [
        [1.764, 0.4],
        [0.979, 2.241],
        [1.868, -0.977],
      ],
      grads: [
        [
          [0.95, -0.151],
          [-0.103, 0.411],
          [0.144, 1.454],
        ],
        [
          [0.761, 0.122],
          [0.444, 0.334],
          [1.494, -0.205],
        ],
        [
          [0.313, -0.854],
          [-2.553, 0.654],
          [0.864, -0.742],
        ],
      ],
      end: [
        [1.7248247979161528, 0.4259954552889628],
        [0.9865348286399431, 2.19797207164169],
        [1.826873055962579, -1.0154297897949998],
      ],
    },
    {
      nesterov: false,
      adjustLrFn: 'match_rms_adamw',
      start: [
        [2.27, -1.454, 0.046, -0.187],
        [1.533, 1.469, 0.155, 0.378],
      ],
      grads: [
        [
          [-0.888, -1.981, -0.348, 0.156],
          [1.23, 1.202, -0.387, -0.302],
        ],
        [
          [-1.049, -1.42, -1.706, 1.951],
          [-0.51, -0.438, -1.253, 0.777],
        ],
        [
          [-1.614, -0.213, -0.895, 0.387],
          [-0.511, -1.181, -0.028, 0.428],
        ],
      ],
      end: [
        [2.263168790508603, -1.4327061839200754, 0.05244488847600894, -0.19024351158534125],
        [1.5135529464681048, 1.455042359071865, 0.16807015032458486, 0.37319725441104734],
      ],
    },
  ] as const;

  it.each(cases)('steps along orthogonal matrices (nesterov $nesterov, $adjustLrFn)', (golden) => {
    const { start, grads, end, nesterov, adjustLrFn } = golden;
    const p = tensor(start as unknown as number[][], double).requiresGrad_();
    run(new optim.Muon([p], { lr: 0.02, nesterov, adjustLrFn }), p, grads as never);
    for (const [i, value] of (p.flatten().toArraySync() as number[]).entries()) {
      expect(value).toBeCloseTo(end.flat()[i]!, 12);
    }
  });

  it('brings all singular values near 1, those of small ones too', () => {
    manualSeed(0);
    const p = zeros(6, 4, double).requiresGrad_();
    const grad = randn(6, 4, double).mul(tensor([1, 0.5, 0.1, 0.05], double));
    p.grad = grad;
    new optim.Muon([p], { lr: 1, weightDecay: 0, adjustLrFn: 'match_rms_adamw' }).step();
    const o = p.detach().div(-0.2 * Math.sqrt(6));
    // The trace of OᵀO is the sum of the squares of the singular values.
    const squares = o.t().matmul(o).diagonal().sum().itemSync() / 4;
    expect(squares).toBeGreaterThan(0.6);
    expect(squares).toBeLessThan(1.5);
  });

  it('takes matrices only, and keeps its state', () => {
    expect(() => new optim.Muon([zeros(3).requiresGrad_()])).toThrow(ShapeError);
    const p = zeros(2, 2).requiresGrad_();
    expect(() => new optim.Muon([p], { nsSteps: 100 })).toThrow('nsSteps');
    expect(() => new optim.Muon([p], { adjustLrFn: 'other' as never })).toThrow('adjustLrFn');
    const optimizer = new optim.Muon([{ params: p, lr: 0.5 }]);
    const grad = [
      [1, 2],
      [3, 4],
    ];
    run(optimizer, p, [grad]);
    expect(Object.keys(optimizer.stateDict().state.get(0)!)).toEqual(['momentum_buffer']);
    const q = p.detach().clone().requiresGrad_();
    const other = new optim.Muon([q]);
    other.loadStateDict(optimizer.stateDict());
    run(optimizer, p, [grad]);
    run(other, q, [grad]);
    expect(q.equalSync(p)).toBe(true);
    // No gradient, no direction: the norm of 0 is not divided by.
    run(optimizer, p, [
      [
        [0, 0],
        [0, 0],
      ],
    ]);
    expect(p.isfinite().all().itemSync()).toBeTruthy();
  });
});
