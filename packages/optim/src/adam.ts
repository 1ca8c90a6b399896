/** @file Adam and AdamW. */
import type { Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { descent, keptTensor, kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { type Betas, expectBetas, expectNotNegative, type ImplementationOptions } from './options.ts';

export interface AdamOptions {
  /** Learning rate. */
  lr: number;
  /** Decay rates of the averages of gradients and of their squares. */
  betas: Betas;
  /** Added to the denominator. */
  eps: number;
  /** Adam: pull towards 0 that is part of the gradient. AdamW: one that is not. */
  weightDecay: number;
  /** Divides by the greatest average of squares so far. Reddi et al. 2018. */
  amsgrad: boolean;
  /** Goes uphill. */
  maximize: boolean;
}

type Group = AdamOptions & ImplementationOptions;
type Arguments = Trailing<
  [lr: number, betas: Betas, eps: number, weightDecay: number, amsgrad: boolean],
  Partial<Group>
>;

interface State {
  step: number;
  exp_avg: Tensor;
  exp_avg_sq: Tensor;
  max_exp_avg_sq?: Tensor;
  [key: string]: Tensor | number | null;
}

/**
 * One kernel for parameter and averages. The first number is weight decay: of the gradient, or the factor that shrinks
 * the parameter directly.
 */
const kernelFor = kernelFamily<{ maximize: boolean; decay: boolean; decoupled: boolean; amsgrad: boolean }>(
  'Adam',
  ({ amsgrad }) => (amsgrad ? 5 : 4),
  8,
  (
    { maximize, decay, decoupled, amsgrad },
    [p, g, m, v, greatest],
    [lambda, beta1, rest1, beta2, rest2, stepSize, correction, eps],
  ) => {
    const d = descent(g!, p!, lambda!, { maximize, decay: decay && !decoupled });
    const start = decay && decoupled ? p!.mul(lambda!) : p!;
    const mean = m!.mul(beta1!).add(d.mul(rest1!));
    const square = v!.mul(beta2!).add(d.mul(d).mul(rest2!));
    const bound = amsgrad ? greatest!.max(square) : square;
    const next = start.sub(stepSize!.mul(mean).div(bound.sqrt().div(correction!).add(eps!)));
    return amsgrad ? [next, mean, square, bound] : [next, mean, square];
  },
);

abstract class AdamFamily extends Optimizer<Group> {
  /** Whether weight decay shrinks the parameters directly. */
  protected abstract get decoupled(): boolean;

  protected check({ lr, betas, eps, weightDecay }: Group): void {
    const owner = this.constructor.name;
    expectNotNegative(owner, { lr, eps, weightDecay });
    expectBetas(owner, betas);
  }

  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<Group>): void {
    const {
      lr,
      betas: [beta1, beta2],
      eps,
      weightDecay,
      amsgrad,
      maximize,
    } = group;
    const state = this.stateOf<State>(p, () => ({
      step: 0,
      exp_avg: zerosLike(p),
      exp_avg_sq: zerosLike(p),
      ...(amsgrad && { max_exp_avg_sq: zerosLike(p) }),
    }));
    state.step += 1;
    const correction1 = 1 - beta1 ** state.step;
    const correction2 = Math.sqrt(1 - beta2 ** state.step);
    const { decoupled } = this;
    const decay = decoupled ? 1 - lr * weightDecay : weightDecay;
    const outs = [p, state.exp_avg, state.exp_avg_sq];
    if (amsgrad) outs.push(keptTensor(state, 'max_exp_avg_sq', p));
    callPointwiseOver(
      kernelFor({ maximize, decay: weightDecay !== 0, decoupled, amsgrad }),
      [p, grad, ...outs.slice(1), decay, beta1, 1 - beta1, beta2, 1 - beta2, lr / correction1, correction2, eps],
      outs,
    );
  }
}

const order = ['lr', 'betas', 'eps', 'weightDecay', 'amsgrad'] as const;
const common = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  amsgrad: false,
  maximize: false,
  foreach: null,
  capturable: false,
} as const;
const parseAdam = signature<Group>('Adam', order, { ...common, weightDecay: 0, differentiable: false, fused: false });
const parseAdamW = signature<Group>('AdamW', order, { ...common, weightDecay: 0.01 });

/**
 * Adam (Kingma & Ba 2015): steps of the gradients' average divided by the root of the average of their squares.
 *
 * ```ts
 * const optimizer = new Adam(net.parameters(), { lr: 1e-3 });
 * ```
 */
export class Adam extends AdamFamily {
  protected get decoupled(): boolean {
    return false;
  }

  constructor(params: Params<Group>, ...args: Arguments) {
    super(params, parseAdam(args));
  }
}

/** Adam with weight decay that is no part of the gradient (Loshchilov & Hutter 2019). */
export class AdamW extends AdamFamily {
  protected get decoupled(): boolean {
    return true;
  }

  constructor(params: Params<Group>, ...args: Arguments) {
    super(params, parseAdamW(args));
  }
}
