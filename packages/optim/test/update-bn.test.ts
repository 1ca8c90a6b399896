/** Statistics of batch normalizations computed anew. */
import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { BatchNorm1d, Linear, Sequential } from '@flambeau/nn';
import { cat, manualSeed, randn, type Tensor } from '@flambeau/tensor';
import { expect, it } from 'vitest';
import { swaUtils } from '../src/index.ts';

const near = (got: Tensor, wanted: Tensor): void =>
  expect(got.allcloseSync(wanted, { atol: 1e-5, rtol: 1e-5 })).toBe(true);

it('updateBn makes them the means over all batches', async () => {
  manualSeed(0);
  const norm = new BatchNorm1d(3);
  const net = new Sequential(new Linear(2, 3), norm).eval();
  const batches = [randn(4, 2), randn(4, 2), randn(4, 2)];
  async function* loader(): AsyncGenerator<[Tensor, number]> {
    for (const batch of batches) yield [batch, 0];
  }
  await swaUtils.updateBn(loader(), net);
  const hidden = batches.map((x) => net.at(0)(x).detach());
  near(norm.running_mean!, cat(hidden).mean(0));
  near(
    norm.running_var!,
    hidden
      .map((x) => x.var(0))
      .reduce((a, b) => a.add(b))
      .div(3),
  );
  expect([norm.momentum, net.training, norm.training]).toEqual([0.1, false, false]);
  expect(norm.num_batches_tracked!.itemSync()).toBe(3);
});

it('updateBn takes averaged models and plain batches, and is harmless without normalizations', async () => {
  manualSeed(1);
  const average = new swaUtils.AveragedModel(new Sequential(new BatchNorm1d(2)));
  const x = randn(8, 2);
  await swaUtils.updateBn([x], average);
  near(average.module.at(0).running_mean!, x.mean(0));
  await swaUtils.updateBn([x], new Linear(2, 2));
  await expect(swaUtils.updateBn([randn(1, 9)], average)).rejects.toThrow();
  expect(average.module.at(0).momentum).toBe(0.1);
});
