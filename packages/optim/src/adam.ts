/** @file Adam and AdamW. */
import { callPointwiseOver, type Expr, type Pointwise, pointwise, signature, type Tensor, type Trailing, zeros } from '@flambeau/tensor';
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
type Arguments = Trailing<[lr: number, betas: Betas, eps: number, weightDecay: number, amsgrad: boolean], Partial<Group>>;

interface State {
  step: number;
  exp_avg: Tensor;
  exp_avg_sq: Tensor;
  max_exp_avg_sq?: Tensor;
  [key: string]: Tensor | number | null;
}

interface Variant {
  readonly maximize: boolean;
  readonly amsgrad: boolean;
  readonly decay: 'none' | 'gradient' | 'direct';
}

const kernels = new Map<string, Pointwise>();
const numbers = 8;

/**
 * One kernel for parameter and averages: (p, g, m, v, [greatest v], decay, β₁, 1 − β₁, β₂, 1 − β₂, step size,
 * √(1 − β₂ᵗ), eps). `decay` is the factor of p in the gradient, or the factor that p is multiplied with.
 */
function kernelFor({ maximize, amsgrad, decay }: Variant): Pointwise {
  const key = `${maximize}${amsgrad}${decay}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = pointwise(
      (amsgrad ? 5 : 4) + numbers,
      (...inputs) => {
        const [p, g, m, v] = inputs as [Expr, Expr, Expr, Expr];
        const greatest = amsgrad ? inputs[4]! : null;
        const [lambda, beta1, rest1, beta2, rest2, stepSize, correction, eps] = inputs.slice(amsgrad ? 5 : 4) as [
          Expr, Expr, Expr, Expr, Expr, Expr, Expr, Expr,
        ];
        const ascent = maximize ? g.neg() : g;
        const d = decay === 'gradient' ? ascent.add(p.mul(lambda)) : ascent;
        const start = decay === 'direct' ? p.mul(lambda) : p;
        const mean = m.mul(beta1).add(d.mul(rest1));
        const square = v.mul(beta2).add(d.mul(d).mul(rest2));
        const bound = greatest === null ? square : greatest.max(square);
        const next = start.sub(stepSize.mul(mean).div(bound.sqrt().div(correction).add(eps)));
        return greatest === null ? [next, mean, square] : [next, mean, square, bound];
      },
      { name: 'Adam', promotion: 'promote', parameters: numbers },
    );
    kernels.set(key, kernel);
  }
  return kernel;
}

abstract class AdamFamily extends Optimizer<Group> {
  /** Whether weight decay shrinks the parameters directly. */
  protected abstract get decoupled(): boolean;

  protected check({ lr, betas, eps, weightDecay }: Group): void {
    const owner = this.constructor.name;
    expectNotNegative(owner, { lr, eps, weightDecay });
    expectBetas(owner, betas);
  }

  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<Group>): void {
    const { lr, betas: [beta1, beta2], eps, weightDecay, amsgrad, maximize } = group;
    const fresh = (): Tensor => zeros([...p.shape], { dtype: p.dtype, device: p.device });
    const state = this.stateOf<State>(p, () => ({ step: 0, exp_avg: fresh(), exp_avg_sq: fresh(), ...(amsgrad && { max_exp_avg_sq: fresh() }) }));
    state.step += 1;
    const correction1 = 1 - beta1 ** state.step;
    const correction2 = Math.sqrt(1 - beta2 ** state.step);
    const decay = weightDecay === 0 ? 'none' : this.decoupled ? 'direct' : 'gradient';
    const factor = this.decoupled ? 1 - lr * weightDecay : weightDecay;
    const outs = [p, state.exp_avg, state.exp_avg_sq];
    if (amsgrad) outs.push((state.max_exp_avg_sq ??= fresh()));
    callPointwiseOver(
      kernelFor({ maximize, amsgrad, decay }),
      [p, grad, ...outs.slice(1), factor, beta1, 1 - beta1, beta2, 1 - beta2, lr / correction1, correction2, eps],
      outs,
    );
  }
}

const order = ['lr', 'betas', 'eps', 'weightDecay', 'amsgrad'] as const;
const common = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, amsgrad: false, maximize: false, foreach: null, capturable: false } as const;
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
