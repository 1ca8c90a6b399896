/** @file Stochastic gradient descent. */
import { callPointwiseOver, type Expr, type Pointwise, pointwise, signature, type Tensor, type Trailing, zeros } from '@flambeau/tensor';
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

interface Variant {
  readonly maximize: boolean;
  readonly decay: boolean;
  /** 'first' is a step that starts the momentum buffer with the gradient itself. */
  readonly momentum: 'none' | 'first' | 'on';
  readonly nesterov: boolean;
}

const kernels = new Map<string, Pointwise>();

/** One kernel for parameter and momentum: (p, g, [buffer], lr, decay, momentum, 1 − dampening). */
function kernelFor({ maximize, decay, momentum, nesterov }: Variant): Pointwise {
  const key = `${maximize}${decay}${momentum}${nesterov}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = pointwise(
      momentum === 'none' ? 6 : 7,
      (...inputs) => {
        const [p, g] = inputs as [Expr, Expr];
        const buffer = momentum === 'none' ? null : inputs[2]!;
        const [lr, lambda, mu, share] = inputs.slice(buffer === null ? 2 : 3) as [Expr, Expr, Expr, Expr];
        const ascent = maximize ? g.neg() : g;
        const d = decay ? ascent.add(p.mul(lambda)) : ascent;
        if (buffer === null) return p.sub(d.mul(lr));
        const velocity = momentum === 'first' ? d : buffer.mul(mu).add(d.mul(share));
        const direction = nesterov ? d.add(velocity.mul(mu)) : velocity;
        return [p.sub(direction.mul(lr)), velocity];
      },
      { name: 'SGD', promotion: 'promote', parameters: 4 },
    );
    kernels.set(key, kernel);
  }
  return kernel;
}

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
    ...args: Trailing<[lr: number, momentum: number, dampening: number, weightDecay: number, nesterov: boolean], Partial<Group>>
  ) {
    super(params, parse(args));
  }

  protected check({ lr, momentum, weightDecay, nesterov, dampening }: Group): void {
    expectNotNegative('SGD', { lr, momentum, weightDecay });
    expect(!nesterov || (momentum > 0 && dampening === 0), 'SGD', 'nesterov', 'used with momentum above 0 and dampening 0', nesterov);
  }

  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<Group>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = group;
    const state = this.stateOf(p, () => ({ momentum_buffer: null as Tensor | null }));
    const variant = { maximize, decay: weightDecay !== 0, nesterov };
    const numbers = [lr, weightDecay, momentum, 1 - dampening];
    if (momentum === 0) {
      callPointwiseOver(kernelFor({ ...variant, momentum: 'none', nesterov: false }), [p, grad, ...numbers], [p]);
      return;
    }
    const first = state.momentum_buffer === null;
    state.momentum_buffer ??= zeros([...p.shape], { dtype: p.dtype, device: p.device });
    const buffer = state.momentum_buffer;
    callPointwiseOver(kernelFor({ ...variant, momentum: first ? 'first' : 'on' }), [p, grad, buffer, ...numbers], [p, buffer]);
  }
}
