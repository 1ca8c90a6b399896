/** F.multiHeadAttentionForward against the formula written out head by head, and what it refuses. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  cat,
  functional as F,
  manualSeed,
  randn,
  ShapeError,
  stack,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { MultiheadAttention } from '../src/index.ts';

manualSeed(0);
const random = (...shape: number[]): Tensor => randn(shape, { dtype: 'float64' });
const [size, numHeads, L, S, N] = [6, 2, 3, 4, 2];
const [query, key, value] = [random(L, N, size), random(S, N, size), random(S, N, size)];
const [wq, wk, wv, wo] = [random(size, size), random(size, size), random(size, size), random(size, size)];
const [bias, outBias] = [random(3 * size), random(size)];
const inProjWeight = cat([wq, wk, wv]);
const base = {
  embedDimToCheck: size,
  numHeads,
  inProjWeight,
  inProjBias: bias,
  outProjWeight: wo,
  outProjBias: outBias,
};

/** Sequence by sequence and head by head; `extra` is added to keys and values, `mask` [L, S] to the scores. */
function expected(extra: (n: number) => [Tensor, Tensor] | null, mask: Tensor | null = null): [Tensor, Tensor] {
  const [bq, bk, bv] = bias.chunk(3) as [Tensor, Tensor, Tensor];
  const width = size / numHeads;
  const results = Array.from({ length: N }, (_, n) => {
    const q = query.select(1, n).matmul(wq.t()).add(bq);
    let [k, v] = [key.select(1, n).matmul(wk.t()).add(bk), value.select(1, n).matmul(wv.t()).add(bv)];
    const more = extra(n);
    if (more !== null) [k, v] = [cat([k, more[0]]), cat([v, more[1]])];
    const heads = Array.from({ length: numHeads }, (_, h) => {
      const part = (x: Tensor): Tensor => x.narrow(1, h * width, width);
      const scores = part(q).matmul(part(k).t()).div(Math.sqrt(width));
      const weights = (mask === null ? scores : scores.add(mask)).exp();
      const shares = weights.div(weights.sum(1, true));
      return [shares.matmul(part(v)), shares] as const;
    });
    const joined = cat(
      heads.map(([mixed]) => mixed),
      1,
    );
    return [joined.matmul(wo.t()).add(outBias), stack(heads.map(([, shares]) => shares))] as const;
  });
  const pick = (i: 0 | 1, dim: number): Tensor =>
    stack(
      results.map((result) => result[i]),
      dim,
    );
  return [pick(0, 1), pick(1, 0)];
}

const close = (got: Tensor | null, want: Tensor): void => {
  expect(got?.shape).toEqual(want.shape);
  expect(got?.allcloseSync(want, { rtol: 1e-10, atol: 1e-12 })).toBe(true);
};

describe('multiHeadAttentionForward', () => {
  it('projects, attends in heads and projects again', () => {
    const [output, weights] = expected(() => null);
    const got = F.multiHeadAttentionForward(query, key, value, base);
    close(got[0], output);
    close(got[1], weights.mean(1));
    const all = { ...base, averageAttnWeights: false };
    close(F.multiHeadAttentionForward(query, key, value, all)[1], weights);
    const [lone, none] = F.multiHeadAttentionForward(query, key, value, { ...base, needWeights: false });
    close(lone, output);
    expect(none).toBe(null);
  });

  it('takes arguments in order, and separate projections', () => {
    const [output] = expected(() => null);
    const joint = [inProjWeight, bias, null, null, false, 0, wo, outBias] as const;
    close(F.multiHeadAttentionForward(query, key, value, size, numHeads, ...joint, true)[0], output);
    const separate = { useSeparateProjWeight: true, qProjWeight: wq, kProjWeight: wk, vProjWeight: wv };
    const rest = [null, bias, null, null, false, 0, wo, outBias] as const;
    close(F.multiHeadAttentionForward(query, key, value, size, numHeads, ...rest, separate)[0], output);
  });

  it('works on single sequences', () => {
    const [output, weights] = expected(() => null);
    const one = [query, key, value].map((x) => x.select(1, 1)) as [Tensor, Tensor, Tensor];
    const [got, shown] = F.multiHeadAttentionForward(...one, base);
    close(got, output.select(1, 1));
    close(shown, weights.mean(1).at(1));
    const padding = tensor([false, false, false, true]);
    const masked = F.multiHeadAttentionForward(...one, { ...base, keyPaddingMask: padding })[1]!;
    expect(masked.select(1, 3).toArraySync()).toEqual([0, 0, 0]);
  });

  it('adds learned and zero keys, which masks leave free', () => {
    const [biasK, biasV] = [random(1, 1, size), random(1, 1, size)];
    const nothing = zeros(1, size, { dtype: 'float64' });
    const blocked = tensor([
      [false, true, false, true],
      [false, false, false, false],
      [true, true, true, true],
    ]);
    const mask = cat([blocked, zeros(3, 2, { dtype: 'bool' })], 1);
    const scores = zeros(3, 6, { dtype: 'float64' }).maskedFill(mask, -Infinity);
    const [output, weights] = expected(() => [cat([biasK.at(0), nothing]), cat([biasV.at(0), nothing])], scores);
    const given = { ...base, biasK, biasV, addZeroAttn: true };
    for (const attnMask of [blocked, blocked.unsqueeze(0).expand(N * numHeads, L, S)]) {
      const got = F.multiHeadAttentionForward(query, key, value, { ...given, attnMask });
      close(got[0], output);
      close(got[1], weights.mean(1));
    }
    const padding = { keyPaddingMask: tensor([[false, true, false, true]]).expand(N, S) };
    const free = F.multiHeadAttentionForward(query, key, value, { ...given, ...padding })[1]!;
    expect(free.gt(0).select(1, 0).toArraySync()).toEqual(Array(N).fill([1, 0, 1, 0, 1, 1].map(Boolean)));
  });

  it('takes keys and values that are in heads already', () => {
    const heads = (x: Tensor, w: Tensor, b: Tensor): Tensor =>
      x
        .matmul(w.t())
        .add(b)
        .reshape([S, N * numHeads, size / numHeads])
        .transpose(0, 1);
    const [, bk, bv] = bias.chunk(3) as [Tensor, Tensor, Tensor];
    const fixed = { staticK: heads(key, wk, bk), staticV: heads(value, wv, bv) };
    const got = F.multiHeadAttentionForward(query, random(1, N, size), random(1, N, size), { ...base, ...fixed });
    close(got[0], expected(() => null)[0]);
    expect(() =>
      F.multiHeadAttentionForward(query, key, value, { ...base, ...fixed, staticK: random(1, S, size / numHeads) }),
    ).toThrow('staticK must be [4, S, 3], got [1, 4, 3]');
  });

  it('drops weights in training only, as the layer does', () => {
    const drop = { ...base, dropoutP: 1 };
    const [output] = F.multiHeadAttentionForward(query, key, value, drop);
    close(output, outBias.expand(L, N, size));
    close(F.multiHeadAttentionForward(query, key, value, { ...drop, training: false })[0], expected(() => null)[0]);
    const layer = new MultiheadAttention(size, numHeads, { dropout: 1, batchFirst: true, dtype: 'float64' });
    const x = random(N, L, size);
    expect(layer(x, x, x)[1]!.abs().sum().itemSync()).toBe(0);
    expect(layer.eval()(x, x, x)[1]!.abs().sum().itemSync()).toBeCloseTo(N * L);
  });

  it('refuses what does not fit', () => {
    const call = (options: object, ...inputs: Tensor[]) =>
      F.multiHeadAttentionForward(inputs[0] ?? query, inputs[1] ?? key, value, { ...base, ...options });
    expect(() => call({}, query, key.select(1, 0))).toThrow(ShapeError);
    expect(() => call({ embedDimToCheck: 8 })).toThrow('query must have 8 features');
    expect(() => call({ numHeads: 4 })).toThrow(RangeError);
    expect(() => call({ inProjWeight: null })).toThrow('give inProjWeight');
    expect(() => call({ useSeparateProjWeight: true })).toThrow('give qProjWeight');
    expect(() => call({ biasK: random(1, 1, size) })).toThrow('belong together');
    const added = { biasK: random(1, 1, size), biasV: random(1, 1, size) };
    expect(() => call({ ...added, staticK: random(N * numHeads, S, 3) })).toThrow('cannot be added');
    expect(() => call({ attnMask: zeros(1, S) })).toThrow('attnMask must be [3, 4] or [4, 3, 4], got [1, 4]');
    expect(() => call({ keyPaddingMask: zeros(S, N) })).toThrow('keyPaddingMask must be [2, 4], got [4, 2]');
    expect(() => call({ keyPaddingMask: zeros(S) })).toThrow('keyPaddingMask must be [N, S]');
  });
});
