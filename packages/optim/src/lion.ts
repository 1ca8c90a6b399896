/** @file Lion. */
import type { Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { type Betas, expectBetas, expectNotNegative } from './options.ts';

export interface LionOptions {
  /** Learning rate: the size of every element's step. A tenth to a third of AdamW's is usual. */
  lr: number;
  /** The old average's share in the direction of a step, and in the next average. */
  betas: Betas;
  /** Pull of every weight towards 0 that is no part of the gradient. Three to ten times AdamW's is usual. */
  weightDecay: number;
  /** Goes uphill. */
  maximize: boolean;
}

const parse = signature<LionOptions>('Lion', ['lr', 'betas', 'weightDecay'], {
  lr: 1e-4,
  betas: [0.9, 0.99],
  weightDecay: 0,
  maximize: false,
});

/** Parameter and average in one kernel. The first number shrinks the parameter. */
const kernelFor = kernelFamily<{ maximize: boolean }>(
  'Lion',
  () => 3,
  6,
  ({ maximize }, [p, g, m], [shrink, lr, beta1, rest1, beta2, rest2]) => {
    const d = maximize ? g!.neg() : g!;
    const direction = m!.mul(beta1!).add(d.mul(rest1!)).sign();
    return [p!.mul(shrink!).sub(direction.mul(lr!)), m!.mul(beta2!).add(d.mul(rest2!))];
  },
);

/**
 * Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms"): every element moves by `lr` in the direction
 * of the sign of an average of gradients. It keeps one tensor for each parameter, where Adam keeps two.
 *
 * ```ts
 * const optimizer = new Lion(net.parameters(), { lr: 1e-4, weightDecay: 0.1 });
 * ```
 */
export class Lion extends Optimizer<LionOptions> {
  constructor(
    params: Params<LionOptions>,
    ...args: Trailing<[lr: number, betas: Betas, weightDecay: number], Partial<LionOptions>>
  ) {
    super(params, parse(args));
  }

  protected check({ lr, betas, weightDecay }: LionOptions): void {
    expectNotNegative('Lion', { lr, weightDecay });
    expectBetas('Lion', betas);
  }

  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<LionOptions>): void {
    const {
      lr,
      betas: [beta1, beta2],
      weightDecay,
      maximize,
    } = group;
    const { exp_avg } = this.stateOf(p, () => ({ exp_avg: zerosLike(p) }));
    const numbers = [1 - lr * weightDecay, lr, beta1, 1 - beta1, beta2, 1 - beta2];
    callPointwiseOver(kernelFor({ maximize }), [p, grad, exp_avg, ...numbers], [p, exp_avg]);
  }
}
