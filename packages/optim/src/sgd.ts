/** @file Stochastic gradient descent. */
import type { Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { descent, kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { expect, expectNotNegative, type ImplementationOptions } from './options.ts';

export interface SGDOptions {
  /** Learning rate. */
  lr: number;
  /** The share of the last step that the next one keeps. */
  momentum: number;
  /** The share of the gradient that momentum leaves out. */
  dampening: number;
  /** Pull of every weight towards 0. */
  weightDecay: number;
  /** Nesterov's momentum, which looks one step ahead. */
  nesterov: boolean;
  /** Goes uphill. */
  maximize: boolean;
}

type Group = SGDOptions & ImplementationOptions;

const parse = signature<Group>('SGD', ['lr', 'momentum', 'dampening', 'weightDecay', 'nesterov'], {
  lr: undefined as unknown as number,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
  foreach: null,
  differentiable: false,
});

/** One kernel for parameter and momentum; `start` is the step that begins the momentum buffer with the gradient itself. */
const kernelFor = kernelFamily<{
  maximize: boolean;
  decay: boolean;
  momentum: boolean;
  start: boolean;
  nesterov: boolean;
}>(
  'SGD',
  ({ momentum }) => (momentum ? 3 : 2),
  4,
  (switches, [p, g, buffer], [lr, weightDecay, momentum, share]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    if (!switches.momentum) return p!.sub(d.mul(lr!));
    const velocity = switches.start ? d : buffer!.mul(momentum!).add(d.mul(share!));
    const direction = switches.nesterov ? d.add(velocity.mul(momentum!)) : velocity;
    return [p!.sub(direction.mul(lr!)), velocity];
  },
);

/**
 * Stochastic gradient descent with optional (Nesterov) momentum and weight decay:
 * v ← momentum · v + (1 − dampening) · g, p ← p − lr · v.
 *
 * ```ts
 * const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
 * ```
 */
export class SGD extends Optimizer<Group> {
  constructor(
    params: Params<Group>,
    ...args: Trailing<
      [lr: number, momentum: number, dampening: number, weightDecay: number, nesterov: boolean],
      Partial<Group>
    >
  ) {
    super(params, parse(args));
  }

  protected check({ lr, momentum, weightDecay, nesterov, dampening }: Group): void {
    expectNotNegative('SGD', { lr, momentum, weightDecay });
    expect(
      !nesterov || (momentum > 0 && dampening === 0),
      'SGD',
      'nesterov',
      'used with momentum above 0 and dampening 0',
      nesterov,
    );
  }

  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<Group>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    const state = this.stateOf(p, () => ({ momentum_buffer: null as Tensor | null }));
    const numbers = [lr, weightDecay, momentum, 1 - dampening];
    const start = momentum !== 0 && state.momentum_buffer === null;
    if (start) state.momentum_buffer = zerosLike(p);
    const kernel = kernelFor({ maximize, decay: weightDecay !== 0, momentum: momentum !== 0, start, nesterov });
    if (momentum === 0) callPointwiseOver(kernel, [p, grad, ...numbers], [p]);
    else callPointwiseOver(kernel, [p, grad, state.momentum_buffer!, ...numbers], [p, state.momentum_buffer!]);
  }
}
