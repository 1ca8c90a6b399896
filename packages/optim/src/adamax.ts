/** @file Relatives of Adam: Adamax, NAdam, RAdam. */
import type { Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { descent, kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { type Betas, expectBetas, expectNotNegative } from './options.ts';

interface MomentOptions {
  lr: number;
  /** Decay rates of the averages of gradients and of their squares (or greatest sizes). */
  betas: Betas;
  eps: number;
  weightDecay: number;
  foreach?: boolean | null | undefined;
}

interface MomentState {
  step: number;
  exp_avg: Tensor;
  exp_avg_sq: Tensor;
  [key: string]: Tensor | number | null;
}

const order = ['lr', 'betas', 'eps', 'weightDecay'] as const;
type Arguments<O> = Trailing<[lr: number, betas: Betas, eps: number, weightDecay: number], Partial<O>>;

function checkMoments(owner: string, { lr, betas, eps, weightDecay }: MomentOptions): void {
  expectNotNegative(owner, { lr, eps, weightDecay });
  expectBetas(owner, betas);
}

export interface AdamaxOptions extends MomentOptions {
  maximize: boolean;
}

const parseAdamax = signature<AdamaxOptions>('Adamax', order, {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  foreach: null,
  maximize: false,
});

interface AdamaxState {
  step: number;
  exp_avg: Tensor;
  exp_inf: Tensor;
  [key: string]: Tensor | number | null;
}

const adamaxKernel = kernelFamily<{ maximize: boolean; decay: boolean }>(
  'Adamax',
  () => 4,
  6,
  (switches, [p, g, m, u], [weightDecay, beta1, rest1, beta2, eps, rate]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    const mean = m!.mul(beta1!).add(d.mul(rest1!));
    const bound = u!.mul(beta2!).max(d.abs().add(eps!));
    return [p!.sub(rate!.mul(mean).div(bound)), mean, bound];
  },
);

/** Adamax (Kingma & Ba 2015): Adam with the greatest gradient in place of the average of squares. */
export class Adamax extends Optimizer<AdamaxOptions> {
  constructor(params: Params<AdamaxOptions>, ...args: Arguments<AdamaxOptions>) {
    super(params, parseAdamax(args));
  }

  protected check(group: AdamaxOptions): void {
    checkMoments('Adamax', group);
  }

  protected override update(
    p: Tensor,
    grad: Tensor,
    { lr, betas: [beta1, beta2], eps, weightDecay, maximize }: ParamGroup<AdamaxOptions>,
  ): void {
    const state = this.stateOf<AdamaxState>(p, () => ({ step: 0, exp_avg: zerosLike(p), exp_inf: zerosLike(p) }));
    state.step += 1;
    const { exp_avg: mean, exp_inf: bound } = state;
    const rate = lr / (1 - beta1 ** state.step);
    callPointwiseOver(
      adamaxKernel({ maximize, decay: weightDecay !== 0 }),
      [p, grad, mean, bound, weightDecay, beta1, 1 - beta1, beta2, eps, rate],
      [p, mean, bound],
    );
  }
}

export interface NAdamOptions extends MomentOptions {
  /** How fast momentum grows towards its full size. */
  momentumDecay: number;
}

const parseNAdam = signature<NAdamOptions>('NAdam', [...order, 'momentumDecay'], {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  momentumDecay: 4e-3,
  foreach: null,
});

const nadamKernel = kernelFamily<{ decay: boolean }>(
  'NAdam',
  () => 4,
  9,
  (switches, [p, g, m, v], [weightDecay, beta1, rest1, beta2, rest2, correction, eps, gradientRate, meanRate]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    const mean = m!.mul(beta1!).add(d.mul(rest1!));
    const square = v!.mul(beta2!).add(d.mul(d).mul(rest2!));
    const spread = square.div(correction!).sqrt().add(eps!);
    return [p!.add(gradientRate!.mul(d).div(spread)).add(meanRate!.mul(mean).div(spread)), mean, square];
  },
);

/** NAdam (Dozat 2016): Adam with Nesterov's momentum. */
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(
    params: Params<NAdamOptions>,
    ...args: Trailing<
      [lr: number, betas: Betas, eps: number, weightDecay: number, momentumDecay: number],
      Partial<NAdamOptions>
    >
  ) {
    super(params, parseNAdam(args));
  }

  protected override get tensorNumbers(): readonly string[] {
    return ['step', 'mu_product'];
  }

  protected check(group: NAdamOptions): void {
    checkMoments('NAdam', group);
    expectNotNegative('NAdam', { momentumDecay: group.momentumDecay });
  }

  protected override update(
    p: Tensor,
    grad: Tensor,
    { lr, betas: [beta1, beta2], eps, weightDecay, momentumDecay }: ParamGroup<NAdamOptions>,
  ): void {
    const state = this.stateOf<MomentState & { mu_product: number }>(p, () => ({
      step: 0,
      mu_product: 1,
      exp_avg: zerosLike(p),
      exp_avg_sq: zerosLike(p),
    }));
    state.step += 1;
    const momentum = (step: number): number => beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    const [mu, next] = [momentum(state.step), momentum(state.step + 1)];
    // PyTorch keeps the product in float32, and counts the newest factor twice in what follows (as of 1.13).
    state.mu_product = Math.fround(state.mu_product * Math.fround(mu));
    const { exp_avg: mean, exp_avg_sq: square, mu_product: product } = state;
    const rates = [(-lr * (1 - mu)) / (1 - product), (-lr * next) / (1 - product * mu * next)];
    callPointwiseOver(
      nadamKernel({ decay: weightDecay !== 0 }),
      [p, grad, mean, square, weightDecay, beta1, 1 - beta1, beta2, 1 - beta2, 1 - beta2 ** state.step, eps, ...rates],
      [p, mean, square],
    );
  }
}

export type RAdamOptions = MomentOptions;

const parseRAdam = signature<RAdamOptions>('RAdam', order, {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  foreach: null,
});

const radamKernel = kernelFamily<{ decay: boolean; rectified: boolean }>(
  'RAdam',
  () => 4,
  7,
  (switches, [p, g, m, v], [weightDecay, beta1, rest1, beta2, rest2, eps, rate]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    const mean = m!.mul(beta1!).add(d.mul(rest1!));
    const square = v!.mul(beta2!).add(d.mul(d).mul(rest2!));
    const step = mean.mul(rate!);
    return [p!.sub(switches.rectified ? step.div(square.sqrt().add(eps!)) : step), mean, square];
  },
);

/** RAdam (Liu et al. 2020): Adam that trusts the average of squares only once it rests on enough steps. */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(params: Params<RAdamOptions>, ...args: Arguments<RAdamOptions>) {
    super(params, parseRAdam(args));
  }

  protected check(group: RAdamOptions): void {
    checkMoments('RAdam', group);
  }

  protected override update(
    p: Tensor,
    grad: Tensor,
    { lr, betas: [beta1, beta2], eps, weightDecay }: ParamGroup<RAdamOptions>,
  ): void {
    const state = this.stateOf<MomentState>(p, () => ({ step: 0, exp_avg: zerosLike(p), exp_avg_sq: zerosLike(p) }));
    state.step += 1;
    const { step, exp_avg: mean, exp_avg_sq: square } = state;
    const correction2 = 1 - beta2 ** step;
    // The length of the average, at most and by now; section 3 of the paper.
    const longest = 2 / (1 - beta2) - 1;
    const length = longest - (2 * step * beta2 ** step) / correction2;
    const rectified = length > 5;
    let rate = lr / (1 - beta1 ** step);
    if (rectified) {
      rate *=
        Math.sqrt(((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length)) *
        Math.sqrt(correction2);
    }
    callPointwiseOver(
      radamKernel({ decay: weightDecay !== 0, rectified }),
      [p, grad, mean, square, weightDecay, beta1, 1 - beta1, beta2, 1 - beta2, eps, rate],
      [p, mean, square],
    );
  }
}
