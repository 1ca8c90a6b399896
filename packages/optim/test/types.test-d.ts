/** Types of the public API; checked, not run. */
import type { Tensor } from '@flambeau/tensor';
import * as optim from '../src/index.ts';

declare const parameters: Tensor[];

// Every optimizer is an Optimizer, whatever its options are.
export const optimizers: optim.Optimizer[] = [
  new optim.SGD(parameters, { lr: 0.1, momentum: 0.9 }),
  new optim.Adam(parameters),
  new optim.AdamW(parameters),
  new optim.NAdam(parameters),
  new optim.RAdam(parameters),
  new optim.Adamax(parameters),
  new optim.Adagrad(parameters),
  new optim.Adadelta(parameters),
  new optim.RMSprop(parameters),
  new optim.Rprop(parameters),
  new optim.ASGD(parameters),
  new optim.LBFGS(parameters),
  new optim.Lion(parameters),
  new optim.Muon(parameters, { adjustLrFn: 'match_rms_adamw' }),
];

export const stepped: void | Promise<void> = new optim.GradScaler().step(new optim.Adam(parameters));
// @ts-expect-error there is no such option
new optim.GradScaler({ scale: 2 });
// @ts-expect-error there is no such rule
new optim.Muon(parameters, { adjustLrFn: 'other' });

// An asynchronous closure makes the step asynchronous.
export const loss: Promise<Tensor> = new optim.LBFGS(parameters).step(async () => parameters[0]!);

// @ts-expect-error there is no such option
new optim.SGD(parameters, { lr: 0.1, momentun: 0.9 });
