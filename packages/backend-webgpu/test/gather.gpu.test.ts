import {
  arange,
  type DType,
  functional as F,
  manualSeed,
  randint,
  randn,
  randperm,
  tensor,
  useDeterministicAlgorithms,
  zeros,
} from '@flambeau/tensor';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Commands } from '../src/commands.ts';
import { close, device, exact, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(5);
});

const indexFor = (size: number, ...shape: number[]) => randint(0, size, shape, { dtype: 'int32' });

describe('gather and indexing', () => {
  it('takes elements along each dimension, also of strided views', async () => {
    const x = randn(6, 7, 8);
    for (let d = 0; d < 3; d++) {
      await same([x, indexFor(6, 5, 4, 3)], (t, i) => t.gather(d, i), exact);
      await same(
        [x, indexFor(4, 3, 4, 5)],
        (t, i) => t.permute(2, 0, 1).narrow(0, 1, 6).gather(d, i.transpose(0, 2)),
        exact,
      );
      await same([x, indexFor(6, 9)], (t, i) => t.indexSelect(d, i), exact);
    }
  });

  it('advanced indexing', async () => {
    const x = randn(6, 7, 8);
    await same(
      [x, indexFor(6, 4)],
      (t, i) => [t.at(i), t.at(i, i), t.at(':', i), t.at(i, ':', i), t.at('...', i)],
      exact,
    );
    await same([x, tensor([-1, 0, -6], { dtype: 'int32' })], (t, i) => t.at(i), exact);
    await same([x, indexFor(6, 2, 3)], (t, i) => [t.at(i), t.transpose(0, 2).at(i)], exact);
    await same([x, tensor([], { dtype: 'int32' })], (t, i) => t.at(i), exact);
  });

  it('an index out of range stays inside', async () => {
    const x = tensor([10, 20, 30]).to(device);
    const index = tensor([0, 5, -2], { dtype: 'int32' }).to(device);
    expect(await x.gather(0, index).toArray()).toEqual([10, 30, 10]);
    expect(await x.indexSelect(0, index).toArray()).toEqual([10, 30, 10]);
    // Where negative ones count from the end, -2 is in range and -9 is not.
    const wrapped = tensor([7, -2, -9], { dtype: 'int32' }).to(device);
    expect(await x.at(wrapped).toArray()).toEqual([30, 20, 10]);
    expect(await x.take(wrapped).toArray()).toEqual([30, 20, 10]);
    expect(await x.scatter(0, index, 0).toArray()).toEqual([0, 20, 0]);
    for (const deterministic of [false, true]) {
      useDeterministicAlgorithms(deterministic);
      expect(await x.indexAdd(0, index, tensor([1, 2, 3]).to(device)).toArray()).toEqual([14, 20, 32]);
      expect(await x.indexPut([wrapped], tensor([1, 2, 3]).to(device), true).toArray()).toEqual([13, 22, 31]);
    }
    useDeterministicAlgorithms(false);
  });

  it('embedding is one dispatch, its gradient two, and three with a padding index', async () => {
    const dispatch = vi.spyOn(Commands.prototype, 'dispatch');
    const table = randn(50, 8).to(device);
    const index = indexFor(50, 4, 6).to(device);
    const counted = (run: () => void): number => {
      dispatch.mockClear();
      run();
      return dispatch.mock.calls.length;
    };
    for (const paddingIdx of [null, 3]) {
      const weight = table.detach().requiresGrad_();
      let rows = table;
      const grad = randn(4, 6, 8).to(device);
      expect(counted(() => (rows = F.embedding(index, weight, { paddingIdx })))).toBe(1);
      expect(counted(() => rows.backward(grad))).toBe(paddingIdx === null ? 2 : 3);
    }
    dispatch.mockRestore();
    const [weight, places] = [randn(9, 3), indexFor(9, 5, 4)];
    for (const options of [{}, { paddingIdx: 2 }, { paddingIdx: -1, scaleGradByFreq: true }]) {
      await same([weight, places, randn(5, 4, 3)], (w, i, g) => {
        const leaf = w!.detach().requiresGrad_();
        const found = F.embedding(i!, leaf, options);
        found.backward(g!);
        return [found.detach(), leaf.grad!];
      });
    }
  });

  it('many elements, and every dtype', async () => {
    await same([randn(1000, 300), indexFor(1000, 60_000)], (t, i) => t.indexSelect(0, i), exact);
    for (const dtype of ['int8', 'uint8', 'int16', 'bool', 'float16', 'bfloat16'] as DType[]) {
      await same([randn(5, 6).mul(9).to(dtype), indexFor(5, 4, 6)], (t, i) => t.gather(0, i), exact);
    }
  });
});

describe('scatter', () => {
  it('assigns along each dimension', async () => {
    const order = randperm(40, { dtype: 'int32' });
    await same([zeros(40), randn(40), order], (t, s, i) => t.scatter(0, i, s), exact);
    await same(
      [zeros(40, 3), randn(40, 3), order],
      (t, s, i) => [t.scatter(0, i.reshape(40, 1).expand(40, 3), s), t.indexCopy(0, i, s)],
      exact,
    );
    await same([zeros(5, 6), indexFor(6, 5, 1)], (t, i) => [t.scatter(1, i, 2.5), t.t().scatter(0, i.t(), -1)], exact);
    await same([randn(6, 7), indexFor(6, 3)], (t, i) => t.indexFill(0, i, 4), exact);
  });

  it('adds where several go to one place', async () => {
    const index = indexFor(7, 500);
    await same([zeros(7), randn(500), index], (t, s, i) => t.scatterAdd(0, i, s), close);
    await same(
      [randn(7, 12), randn(500, 12), index],
      (t, s, i) => [t.indexAdd(0, i, s), t.t().indexAdd(1, i, s.t())],
      close,
    );
    await same(
      [randint(0, 5, [7], { dtype: 'int32' }), randint(0, 5, [500], { dtype: 'int32' }), index],
      (t, s, i) => t.scatterAdd(0, i, s),
      exact,
    );
    await same([randn(7, 3), randn(500, 3), index], (t, s, i) => t.indexPut([i], s, true), close);
  });

  it('in order, where many short lines are scattered', async () => {
    const index = indexFor(9, 20, 5000);
    await same([randn(9, 5000), randn(20, 5000), index], (t, s, i) => [t.scatter(0, i, s), t.scatter(0, i, 3)], exact);
    await same(
      [randn(9, 5000), randn(20, 5000), index],
      (t, s, i) => [t.scatterAdd(0, i, s), t.scatterReduce(0, i, s, 'prod')],
      close,
    );
  });

  it('multiplies and takes extremes', async () => {
    const index = indexFor(7, 60);
    for (const reduce of ['prod', 'amax', 'amin', 'sum', 'mean'] as const) {
      await same(
        [randn(7), randn(60), index],
        (t, s, i) => [t.scatterReduce(0, i, s, reduce), t.scatterReduce(0, i, s, reduce, { includeSelf: false })],
        close,
      );
    }
    const nan = tensor([1, Number.NaN, 3]);
    await same(
      [zeros(2), nan, tensor([0, 0, 1], { dtype: 'int32' })],
      (t, s, i) => [t.scatterReduce(0, i, s, 'amax'), t.scatterReduce(0, i, s, 'amin')],
      exact,
    );
  });

  it('small dtypes', async () => {
    const index = indexFor(7, 60);
    for (const dtype of ['int8', 'uint8', 'int16', 'int32'] as DType[]) {
      const [base, source] = [randint(0, 99, [7], { dtype }), randint(0, 99, [60], { dtype })];
      await same([base, source, index], (t, s, i) => [t.scatterAdd(0, i, s), t.scatterReduce(0, i, s, 'amax')], exact);
    }
    await same(
      [randn(7).to('float16'), randn(60).to('float16'), index],
      (t, s, i) => t.scatterReduce(0, i, s, 'amin'),
      exact,
    );
  });

  it('from and to the same memory', async () => {
    await same(
      [arange(20).to('float32'), indexFor(5, 8)],
      (t, i) => {
        const copy = t.clone();
        copy.narrow(0, 0, 5).scatterAdd_(0, i, copy.narrow(0, 10, 8));
        return copy;
      },
      close,
    );
    // An index in the memory that is written.
    await same(
      [randperm(60, { dtype: 'int32' })],
      (t) => {
        const [a, b, c, d] = [t.clone(), t.clone(), t.clone(), t.clone()];
        return [a.scatter_(0, a, 1), b.indexAdd_(0, b, b), c.put_(c, c), d.indexPut_([d], d)];
      },
      exact,
    );
  });

  it('gradients of gather and indexing', async () => {
    await same([randn(6, 4), indexFor(6, 30)], (t, i) => {
      const x = t.detach().requiresGrad_();
      x.at(i)
        .square()
        .sum()
        .add(x.gather(0, i.reshape(30, 1).expand(30, 4)).sum())
        .backward();
      return x.grad!;
    });
  });
});
