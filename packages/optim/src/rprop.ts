/** @file Rprop and averaged SGD. */
import { full, type Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { descent, kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { expect, expectNotNegative } from './options.ts';

export interface RpropOptions {
  /** The first step. */
  lr: number;
  /** Factors of a step after the gradient's sign changed, and after it did not. */
  etas: readonly [etaminus: number, etaplus: number];
  /** The least and the greatest step. */
  stepSizes: readonly [least: number, greatest: number];
  foreach?: boolean | null | undefined;
  maximize: boolean;
}

const parseRprop = signature<RpropOptions>('Rprop', ['lr', 'etas', 'stepSizes'], {
  lr: 0.01,
  etas: [0.5, 1.2],
  stepSizes: [1e-6, 50],
  foreach: null,
  maximize: false,
});

interface RpropState {
  step: number;
  prev: Tensor;
  step_size: Tensor;
  [key: string]: Tensor | number | null;
}

const rpropKernel = kernelFamily<{ maximize: boolean }>(
  'Rprop',
  () => 4,
  4,
  ({ maximize }, [p, g, before, size], [minus, plus, least, greatest]) => {
    const d = maximize ? g!.neg() : g!;
    const agreement = d.mul(before!);
    const factor = agreement.gt(0).where(plus!, agreement.lt(0).where(minus!, 1));
    const next = size!.mul(factor).max(least!).min(greatest!);
    // After a change of sign the step is taken back by not taking this one.
    const kept = agreement.lt(0).where(0, d);
    return [p!.sub(kept.sign().mul(next)), kept, next];
  },
);

/** Resilient backpropagation (Riedmiller & Braun 1993): steps by the gradient's sign alone, of a size that adapts. */
export class Rprop extends Optimizer<RpropOptions> {
  constructor(
    params: Params<RpropOptions>,
    ...args: Trailing<
      [lr: number, etas: readonly [number, number], stepSizes: readonly [number, number]],
      Partial<RpropOptions>
    >
  ) {
    super(params, parseRprop(args));
  }

  protected override get tensorNumbers(): readonly string[] {
    return [];
  }

  protected check({ lr, etas: [minus, plus] }: RpropOptions): void {
    expectNotNegative('Rprop', { lr });
    expect(minus > 0 && minus < 1 && plus > 1, 'Rprop', 'etas', 'one in (0, 1) and one above 1', [minus, plus]);
  }

  protected override update(
    p: Tensor,
    grad: Tensor,
    { lr, etas: [minus, plus], stepSizes: [least, greatest], maximize }: ParamGroup<RpropOptions>,
  ): void {
    const state = this.stateOf<RpropState>(p, () => ({
      step: 0,
      prev: zerosLike(p),
      step_size: full(p.shape, lr, { dtype: p.dtype, device: p.device }),
    }));
    state.step += 1;
    const { prev, step_size: size } = state;
    callPointwiseOver(rpropKernel({ maximize }), [p, grad, prev, size, minus, plus, least, greatest], [p, prev, size]);
  }
}

export interface ASGDOptions {
  lr: number;
  /** Decay term. */
  lambd: number;
  /** Power of the learning rate's decay. */
  alpha: number;
  /** The step at which averaging starts. */
  t0: number;
  weightDecay: number;
  foreach?: boolean | null | undefined;
  maximize: boolean;
}

const parseASGD = signature<ASGDOptions>('ASGD', ['lr', 'lambd', 'alpha', 't0', 'weightDecay'], {
  lr: 0.01,
  lambd: 1e-4,
  alpha: 0.75,
  t0: 1e6,
  weightDecay: 0,
  foreach: null,
  maximize: false,
});

interface ASGDState {
  step: number;
  /** The learning rate by now. */
  eta: number;
  /** The newest parameters' share in the average. */
  mu: number;
  /** The average. */
  ax: Tensor;
  [key: string]: Tensor | number | null;
}

const asgdKernel = kernelFamily<{ maximize: boolean; decay: boolean; averaging: boolean }>(
  'ASGD',
  () => 3,
  4,
  (switches, [p, g, average], [weightDecay, shrink, eta, mu]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    const next = p!.mul(shrink!).sub(d.mul(eta!));
    return [next, switches.averaging ? average!.add(next.sub(average!).mul(mu!)) : next];
  },
);

/** Averaged stochastic gradient descent (Polyak & Juditsky 1992); the average is `state.get(p).ax`. */
export class ASGD extends Optimizer<ASGDOptions> {
  constructor(
    params: Params<ASGDOptions>,
    ...args: Trailing<[lr: number, lambd: number, alpha: number, t0: number, weightDecay: number], Partial<ASGDOptions>>
  ) {
    super(params, parseASGD(args));
  }

  protected override get tensorNumbers(): readonly string[] {
    return ['step', 'eta', 'mu'];
  }

  protected check({ lr, weightDecay }: ASGDOptions): void {
    expectNotNegative('ASGD', { lr, weightDecay });
  }

  protected override update(
    p: Tensor,
    grad: Tensor,
    { lr, lambd, alpha, t0, weightDecay, maximize }: ParamGroup<ASGDOptions>,
  ): void {
    const state = this.stateOf<ASGDState>(p, () => ({ step: 0, eta: Math.fround(lr), mu: 1, ax: zerosLike(p) }));
    state.step += 1;
    const { eta, mu, ax } = state;
    callPointwiseOver(
      asgdKernel({ maximize, decay: weightDecay !== 0, averaging: mu !== 1 }),
      [p, grad, ax, weightDecay, 1 - lambd * eta, eta, mu],
      [p, ax],
    );
    // PyTorch keeps both in float32.
    state.eta = Math.fround(lr / (1 + lambd * lr * state.step) ** alpha);
    state.mu = Math.fround(1 / Math.max(1, state.step - t0));
  }
}
