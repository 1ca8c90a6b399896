/** @file RMSprop. */
import type { Tensor } from '@flambeau/tensor';
import { callPointwiseOver, signature, type Trailing } from '@flambeau/tensor/internal';
import { descent, keptTensor, kernelFamily, zerosLike } from './kernels.ts';
import { Optimizer, type ParamGroup, type Params } from './optimizer.ts';
import { expectNotNegative, type ImplementationOptions } from './options.ts';

export interface RMSpropOptions {
  lr: number;
  /** Decay rate of the average of squares. */
  alpha: number;
  /** Added to the denominator. */
  eps: number;
  weightDecay: number;
  momentum: number;
  /** Divides by the standard deviation instead of by the root of the mean square. */
  centered: boolean;
  maximize: boolean;
}

type Group = RMSpropOptions & ImplementationOptions;

const parse = signature<Group>('RMSprop', ['lr', 'alpha', 'eps', 'weightDecay', 'momentum', 'centered'], {
  lr: 0.01,
  momentum: 0,
  alpha: 0.99,
  eps: 1e-8,
  centered: false,
  weightDecay: 0,
  foreach: null,
  maximize: false,
  differentiable: false,
});

/** Tensors: p, g, average of squares, then the average of gradients if centered and the momentum buffer if there is one. */
const kernelFor = kernelFamily<{ maximize: boolean; decay: boolean; centered: boolean; momentum: boolean }>(
  'RMSprop',
  ({ centered, momentum }) => 3 + Number(centered) + Number(momentum),
  6,
  (switches, [p, g, v, ...more], [weightDecay, alpha, rest, eps, lr, momentum]) => {
    const d = descent(g!, p!, weightDecay!, switches);
    const square = v!.mul(alpha!).add(d.mul(d).mul(rest!));
    const mean = switches.centered ? more[0]!.mul(alpha!).add(d.mul(rest!)) : null;
    const spread = (mean === null ? square : square.sub(mean.mul(mean))).sqrt().add(eps!);
    const kept = mean === null ? [square] : [square, mean];
    if (!switches.momentum) return [p!.sub(lr!.mul(d).div(spread)), ...kept];
    const velocity = more.at(-1)!.mul(momentum!).add(d.div(spread));
    return [p!.sub(lr!.mul(velocity)), ...kept, velocity];
  },
);

/**
 * RMSprop (Hinton 2012): gradients divided by the root of the average of their squares.
 *
 * ```ts
 * const optimizer = new RMSprop(net.parameters(), { lr: 0.01, momentum: 0.9 });
 * ```
 */
export class RMSprop extends Optimizer<Group> {
  constructor(
    params: Params<Group>,
    ...args: Trailing<
      [lr: number, alpha: number, eps: number, weightDecay: number, momentum: number, centered: boolean],
      Partial<Group>
    >
  ) {
    super(params, parse(args));
  }

  protected override get tensorNumbers(): readonly string[] {
    return [];
  }

  protected check({ lr, alpha, eps, weightDecay, momentum }: Group): void {
    expectNotNegative('RMSprop', { lr, alpha, eps, weightDecay, momentum });
  }

  protected override update(
    p: Tensor,
    grad: Tensor,
    { lr, alpha, eps, weightDecay, momentum, centered, maximize }: ParamGroup<Group>,
  ): void {
    const state = this.stateOf<Record<string, Tensor | number>>(p, () => ({
      step: 0,
      square_avg: zerosLike(p),
      ...(momentum > 0 && { momentum_buffer: zerosLike(p) }),
      ...(centered && { grad_avg: zerosLike(p) }),
    }));
    state.step = (state.step as number) + 1;
    const outs = [p, state.square_avg as Tensor];
    if (centered) outs.push(keptTensor(state, 'grad_avg', p));
    if (momentum > 0) outs.push(keptTensor(state, 'momentum_buffer', p));
    const kernel = kernelFor({ maximize, decay: weightDecay !== 0, centered, momentum: momentum > 0 });
    callPointwiseOver(kernel, [p, grad, ...outs.slice(1), weightDecay, alpha, 1 - alpha, eps, lr, momentum], outs);
  }
}
