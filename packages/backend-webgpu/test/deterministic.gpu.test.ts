/** @file With deterministic algorithms sums are the CPU's to the last bit, in every run; without them they are near. */
import {
  type DType,
  functional as F,
  ones,
  randint,
  randn,
  type Tensor,
  tensor,
  useDeterministicAlgorithms,
  zeros,
} from '@flambeau/tensor';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { close, device, exact, open, same } from './compare.ts';

beforeAll(open);
beforeEach(() => useDeterministicAlgorithms(true));
afterEach(() => useDeterministicAlgorithms(false));

const indexFor = (size: number, ...shape: number[]): Tensor => randint(0, size, shape, { dtype: 'int32' });

/** Expects the CPU's bits, five times. */
async function sameBits(inputs: readonly Tensor[], run: (...inputs: Tensor[]) => Tensor): Promise<void> {
  const wanted = await run(...inputs).toTypedArray();
  const moved = inputs.map((x) => x.to(device));
  for (let round = 0; round < 5; round++) {
    const got = run(...moved);
    expect(got.device).toBe(device);
    expect(await got.toTypedArray()).toEqual(wanted);
  }
}

describe('in a fixed order', () => {
  it('scatterAdd, along every dimension and with an index of its own for each line', async () => {
    await sameBits([randn(7), randn(5000), indexFor(7, 5000)], (t, s, i) => t.scatterAdd(0, i, s));
    await sameBits([randn(7, 3), randn(300, 3), indexFor(7, 300, 3)], (t, s, i) => t.scatterAdd(0, i, s));
    await sameBits([randn(2, 3, 9), randn(2, 3, 200), indexFor(9, 2, 3, 200)], (t, s, i) => t.scatterAdd(2, i, s));
    await sameBits([randn(4, 9, 3), randn(200, 9, 2), indexFor(4, 200, 9, 2)], (t, s, i) =>
      t.transpose(0, 2).scatterAdd(2, i.transpose(0, 2), s.transpose(0, 2)),
    );
  });

  it('indexAdd, indexPut and put', async () => {
    await sameBits([randn(7, 5), randn(400, 5), indexFor(7, 400)], (t, s, i) => t.indexAdd(0, i, s, { alpha: 3 }));
    await sameBits([randn(7, 5), randn(400, 5), indexFor(7, 400)], (t, s, i) => t.t().indexAdd(1, i, s.t()));
    await sameBits([randn(7, 5), randn(20, 30, 5), indexFor(7, 20, 30)], (t, s, i) => t.indexPut([i], s, true));
    await sameBits([randn(7, 5), randn(400), indexFor(7, 400), indexFor(5, 400)], (t, s, i, j) =>
      t.indexPut([i, j], s, true),
    );
    await sameBits([randn(7, 5), randn(400), indexFor(35, 400)], (t, s, i) => t.put(i, s, true));
  });

  it('products, means and extremes', async () => {
    for (const reduce of ['prod', 'mean', 'amax', 'amin'] as const)
      await sameBits([randn(7, 3), randn(99, 3), indexFor(7, 99, 3)], (t, s, i) => t.scatterReduce(0, i, s, reduce));
  });

  it('the last of several that are assigned wins', async () => {
    await sameBits([randn(7), randn(5000), indexFor(7, 5000)], (t, s, i) => t.scatter(0, i, s));
    await sameBits([randn(7, 4), randn(500, 4), indexFor(7, 500)], (t, s, i) => t.indexCopy(0, i, s));
    await sameBits([randint(0, 99, [7], { dtype: 'int32' }), indexFor(99, 500), indexFor(7, 500)], (t, s, i) =>
      t.scatter(0, i, s),
    );
  });

  it('half precision is rounded after each addition, as on the CPU', async () => {
    for (const dtype of ['float16', 'bfloat16'] as DType[])
      await sameBits([randn(7).to(dtype), randn(500).to(dtype), indexFor(7, 500)], (t, s, i) => t.scatterAdd(0, i, s));
  });

  it('gradients of embeddings, indexing and pooling', async () => {
    await sameBits([randn(50, 16), indexFor(50, 30, 40), randn(30, 40, 16)], (table, index, by) => {
      const weight = table.detach().requiresGrad_();
      F.embedding(index, weight, { paddingIdx: 3 }).mul(by).sum().backward();
      return weight.grad!;
    });
    await sameBits([randn(20, 6), indexFor(20, 300), randn(300, 6)], (x, index, by) => {
      const leaf = x.detach().requiresGrad_();
      leaf.at(index).mul(by).sum().backward();
      return leaf.grad!;
    });
    await sameBits([randn(2, 3, 30, 31), randn(2, 3, 14, 14)], (x, by) => {
      const leaf = x.detach().requiresGrad_();
      F.maxPool2d(leaf, 4, { stride: 2 }).mul(by).sum().backward();
      return leaf.grad!;
    });
  });

  it('scalars, empty indices and places in the same memory', async () => {
    await sameBits([randn(7), indexFor(7, 500)], (t, i) => t.scatter(0, i, 0.1, { reduce: 'add' }));
    await sameBits([randn(7), zeros([0]), indexFor(7, 0)], (t, s, i) => t.scatterAdd(0, i, s));
    await sameBits([randn(40), indexFor(5, 30)], (t, i) => {
      const copy = t.clone();
      copy.narrow(0, 0, 5).scatterAdd_(0, i, copy.narrow(0, 10, 30));
      return copy;
    });
  });
});

describe('in any order', () => {
  it('nothing is lost where a row of several indices names one place', async () => {
    useDeterministicAlgorithms(false);
    const index = tensor([[0, 0, 0, 0, 0, 1]], { dtype: 'int32' });
    await same([zeros(3), ones(1, 6), index], (t, s, i) => t.indexPut([i], s, true), exact);
    await same([zeros(3), ones(2, 5000), indexFor(3, 2, 5000)], (t, s, i) => t.indexPut([i], s, true), exact);
    await same([zeros(3, 2), randn(2, 5000, 2), indexFor(3, 2, 5000)], (t, s, i) => t.indexPut([i], s, true), close);
  });
});
