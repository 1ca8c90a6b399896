/** @file Adagrad and Adadelta. */
import { full, type Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { descent, kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { expect, expectNotNegative } from './options.ts';

export interface AdagradOptions {
  lr: number;
  /** How fast the learning rate falls: lr / (1 + steps · lrDecay). */
  lrDecay: number;
  weightDecay: number;
  /** What the sums of squares start with. */
  initialAccumulatorValue: number;
  /** Added to the denominator. */
  eps: number;
  foreach?: boolean | null | undefined;
  maximize: boolean;
}

const parseAdagrad = signature<AdagradOptions>(
  'Adagrad',
  ['lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'],
  {
    lr: 0.01,
    lrDecay: 0,
    eps: 1e-10,
    weightDecay: 0,
    initialAccumulatorValue: 0,
    foreach: null,
    maximize: false,
  },
);

interface AdagradState {
  step: number;
  sum: Tensor;
  [key: string]: Tensor | number | null;
}

const adagradKernel = kernelFamily<{ maximize: boolean; decay: boolean }>(
  'Adagrad',
  () => 3,
  3,
  (switches, [p, g, sum], [weightDecay, rate, eps]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    const total = sum!.add(d.mul(d));
    return [p!.sub(rate!.mul(d).div(total.sqrt().add(eps!))), total];
  },
);

/** Adagrad (Duchi et al. 2011): gradients divided by the root of the sum of all their squares so far. */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(
    params: Params<AdagradOptions>,
    ...args: Trailing<
      [lr: number, lrDecay: number, weightDecay: number, initialAccumulatorValue: number, eps: number],
      Partial<AdagradOptions>
    >
  ) {
    super(params, parseAdagrad(args));
    for (const group of this.paramGroups) for (const p of group.params) this.#stateOf(p, group);
  }

  #stateOf(p: Tensor, { initialAccumulatorValue: start }: AdagradOptions): AdagradState {
    return this.stateOf<AdagradState>(p, () => ({
      step: 0,
      sum: full(p.shape, start, { dtype: p.dtype, device: p.device }),
    }));
  }

  protected check({ lr, lrDecay, weightDecay, initialAccumulatorValue, eps }: AdagradOptions): void {
    expectNotNegative('Adagrad', { lr, lrDecay, weightDecay, initialAccumulatorValue, eps });
  }

  protected override update(p: Tensor, grad: Tensor, group: ParamGroup<AdagradOptions>): void {
    const { lr, lrDecay, weightDecay, eps, maximize } = group;
    const state = this.#stateOf(p, group);
    state.step += 1;
    const rate = lr / (1 + (state.step - 1) * lrDecay);
    callPointwiseOver(
      adagradKernel({ maximize, decay: weightDecay !== 0 }),
      [p, grad, state.sum, weightDecay, rate, eps],
      [p, state.sum],
    );
  }
}

export interface AdadeltaOptions {
  lr: number;
  /** Decay rate of the averages. */
  rho: number;
  /** Added under the roots. */
  eps: number;
  weightDecay: number;
  foreach?: boolean | null | undefined;
  maximize: boolean;
}

const parseAdadelta = signature<AdadeltaOptions>('Adadelta', ['lr', 'rho', 'eps', 'weightDecay'], {
  lr: 1,
  rho: 0.9,
  eps: 1e-6,
  weightDecay: 0,
  maximize: false,
  foreach: null,
});

interface AdadeltaState {
  step: number;
  square_avg: Tensor;
  acc_delta: Tensor;
  [key: string]: Tensor | number | null;
}

const adadeltaKernel = kernelFamily<{ maximize: boolean; decay: boolean }>(
  'Adadelta',
  () => 4,
  5,
  (switches, [p, g, v, u], [weightDecay, rho, rest, eps, lr]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    const square = v!.mul(rho!).add(d.mul(d).mul(rest!));
    const delta = u!.add(eps!).sqrt().div(square.add(eps!).sqrt()).mul(d);
    return [p!.sub(delta.mul(lr!)), square, u!.mul(rho!).add(delta.mul(delta).mul(rest!))];
  },
);

/** Adadelta (Zeiler 2012): steps of the size of the steps before, in the gradients' direction. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(
    params: Params<AdadeltaOptions>,
    ...args: Trailing<[lr: number, rho: number, eps: number, weightDecay: number], Partial<AdadeltaOptions>>
  ) {
    super(params, parseAdadelta(args));
  }

  protected override get tensorNumbers(): readonly string[] {
    return [];
  }

  protected check({ lr, rho, eps, weightDecay }: AdadeltaOptions): void {
    expectNotNegative('Adadelta', { lr, eps, weightDecay });
    expect(rho >= 0 && rho <= 1, 'Adadelta', 'rho', 'in [0, 1]', rho);
  }

  protected override update(
    p: Tensor,
    grad: Tensor,
    { lr, rho, eps, weightDecay, maximize }: ParamGroup<AdadeltaOptions>,
  ): void {
    const state = this.stateOf<AdadeltaState>(p, () => ({
      step: 0,
      square_avg: zerosLike(p),
      acc_delta: zerosLike(p),
    }));
    state.step += 1;
    const { square_avg: square, acc_delta: delta } = state;
    callPointwiseOver(
      adadeltaKernel({ maximize, decay: weightDecay !== 0 }),
      [p, grad, square, delta, weightDecay, rho, 1 - rho, eps, lr],
      [p, square, delta],
    );
  }
}
