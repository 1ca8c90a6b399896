import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import * as optim from '@flambeau/optim';
import { tensor, viewAsReal } from '@flambeau/tensor';
import { expect, it } from 'vitest';

const start = [
  { re: 1, im: -2 },
  { re: 0.5, im: 3 },
];

// PyTorch's optimizers take complex parameters as pairs of real ones.
it.each([
  ['SGD', (p: optim.Params) => new optim.SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.01 })],
  ['Adam', (p: optim.Params) => new optim.Adam(p, { lr: 0.1, amsgrad: true })],
  ['AdamW', (p: optim.Params) => new optim.AdamW(p, { lr: 0.1 })],
  ['RMSprop', (p: optim.Params) => new optim.RMSprop(p, { lr: 0.05, centered: true, momentum: 0.5 })],
  ['Adagrad', (p: optim.Params) => new optim.Adagrad(p, { lr: 0.5 })],
] as const)('%s moves a complex parameter as its parts', (_, make) => {
  const z = tensor(start, { requiresGrad: true });
  const x = viewAsReal(tensor(start)).clone().requiresGrad_();
  const [a, b] = [make([z]), make([x])];
  for (let step = 0; step < 5; step++) {
    a.zeroGrad();
    b.zeroGrad();
    z.sub({ re: 2, im: 1 }).abs().square().sum().backward();
    x.sub(tensor([2, 1]))
      .square()
      .sum()
      .backward();
    a.step();
    b.step();
  }
  expect(viewAsReal(z.detach()).sub(x.detach()).abs().max().itemSync()).toBeLessThan(1e-5);
  expect(z.grad!.dtype).toBe('complex64');
});
