import '@flambeau/backend-cpu';
import { gradcheck } from '@flambeau/autograd';
import { SGD } from '@flambeau/optim';
import { manualSeed, randn, ShapeError, type Tensor, tensor } from '@flambeau/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

const { rnn } = nn.utils;

beforeEach(() => manualSeed(0));

const difference = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync();

describe('recurrent networks', () => {
  it('have PyTorch’s parameters and shapes', () => {
    const lstm = new nn.LSTM(3, 4, { numLayers: 2, bidirectional: true, projSize: 2 });
    expect([...lstm.stateDict().keys()].slice(0, 10)).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'bias_ih_l0',
      'bias_hh_l0',
      'weight_hr_l0',
      'weight_ih_l0_reverse',
      'weight_hh_l0_reverse',
      'bias_ih_l0_reverse',
      'bias_hh_l0_reverse',
      'weight_hr_l0_reverse',
    ]);
    const [output, [h, c]] = lstm(randn(5, 2, 3));
    expect([output.shape, h.shape, c.shape]).toEqual([
      [5, 2, 4],
      [4, 2, 2],
      [4, 2, 4],
    ]);
    expect(String(lstm)).toBe('LSTM(3, 4, proj_size=2, num_layers=2, bidirectional=True)');
  });

  it('go step by step as their cells do', () => {
    const [gru, cell] = [new nn.GRU(3, 4), new nn.GRUCell(3, 4)];
    cell.loadStateDict(new Map([...gru.stateDict()].map(([name, value]) => [name.replace('_l0', ''), value])));
    const x = randn(4, 2, 3);
    let h: Tensor | null = null;
    for (const step of x) h = cell(step, h);
    const [output, last] = gru(x);
    expect(difference(last.squeeze(0), h!)).toBeLessThan(1e-6);
    expect(difference(output.at(-1), h!)).toBeLessThan(1e-6);
  });

  it('take the batch first, or no batch, or a packed one', () => {
    const net = new nn.RNN(3, 4, { batchFirst: true });
    const x = randn(2, 5, 3);
    const [output, h] = net(x);
    const [single, last] = net(x.at(0));
    expect(difference(single, output.at(0))).toBeLessThan(1e-6);
    expect(difference(last, h.at(':', 0))).toBeLessThan(1e-6);
    const [packedOutput, packedState] = net(
      rnn.packPaddedSequence(x, [3, 5], { batchFirst: true, enforceSorted: false }),
    );
    const [padded, lengths] = rnn.padPackedSequence(packedOutput, true);
    expect(lengths.toArraySync()).toEqual([3, 5]);
    expect(difference(padded.at(1), output.at(1))).toBeLessThan(1e-6);
    expect(difference(packedState.at(0, 0), output.at(0, 2))).toBeLessThan(1e-6);
    expect(padded.at(0, '3:').abs().sum().itemSync()).toBe(0);
  });

  it('have right derivatives', async () => {
    for (const net of [
      new nn.LSTM(2, 3, { dtype: 'float64', projSize: 2 }),
      new nn.GRU(2, 3, { dtype: 'float64', bidirectional: true }),
      new nn.RNN(2, 3, { dtype: 'float64' }),
    ]) {
      const x = randn(3, 2, 2, { dtype: 'float64', requiresGrad: true });
      expect(await gradcheck((input) => (net as nn.GRU)(input!)[0], [x])).toBe(true);
    }
  });

  it('name shapes and settings that do not fit', () => {
    const net = new nn.LSTM(3, 4);
    expect(() => net(randn(5, 2, 2))).toThrow(ShapeError);
    expect(() => net(randn(5, 2, 3), [randn(1, 1, 4), randn(1, 2, 4)])).toThrow(/state must have shape \[1, 2, 4\]/);
    expect(() => new nn.LSTM(3, 4, { projSize: 4 })).toThrow(RangeError);
    expect(() => new nn.RNN(3, 4, { nonlinearity: 'gelu' as never })).toThrow(RangeError);
    expect(() => rnn.packPaddedSequence(randn(3, 2, 1), [2, 3])).toThrow(/enforceSorted/);
    expect(() => rnn.packPaddedSequence(randn(3, 2, 1), [4, 3])).toThrow(RangeError);
    expect(() => rnn.packPaddedSequence(randn(3, 2, 1), [3])).toThrow(ShapeError);
  });

  it('learn to remember the first element', () => {
    const net = new nn.GRU(1, 8);
    const head = new nn.Linear(8, 1);
    const optimizer = new SGD([...net.parameters(), ...head.parameters()], { lr: 0.5, momentum: 0.9 });
    const x = randn(5, 32, 1).sign();
    let first = 0;
    let last = 0;
    for (let step = 0; step < 60; step++) {
      optimizer.zeroGrad();
      const loss = nn.F.mseLoss(head(net(x)[1].at(0)), x.at(0));
      loss.backward();
      nn.utils.clipGradNorm_(net.parameters(), 1);
      optimizer.step();
      last = loss.itemSync();
      if (step === 0) first = last;
    }
    expect(last).toBeLessThan(first / 10);
  });
});

describe('attention and transformers', () => {
  it('mask what may not be looked at', () => {
    const attention = new nn.MultiheadAttention(4, 2);
    const x = randn(3, 1, 4);
    const causal = nn.Transformer.generateSquareSubsequentMask(3);
    const [, weights] = attention(x, x, x, { attnMask: causal });
    expect(weights!.triu(1).abs().sum().itemSync()).toBe(0);
    expect(difference(weights!.sum(-1), tensor([[1, 1, 1]]))).toBeLessThan(1e-6);
    const padding = tensor([[false, false, true]]);
    expect(attention(x, x, x, { keyPaddingMask: padding })[1]!.at('...', 2).abs().sum().itemSync()).toBe(0);
    const [output, none] = attention(x, x, x, { needWeights: false });
    expect([output.shape, none]).toEqual([[3, 1, 4], null]);
    expect(attention(x, x, x, { averageAttnWeights: false })[1]!.shape).toEqual([1, 2, 3, 3]);
  });

  it('are stacks of copies with parameters of their own', () => {
    const layer = new nn.TransformerEncoderLayer(4, 2, 8, 0);
    const encoder = new nn.TransformerEncoder(layer, 2);
    const [first, second] = [encoder.layers.at(0), encoder.layers.at(1)];
    expect(first.linear1.weight === second.linear1.weight).toBe(false);
    expect(first.linear1.weight.toArraySync()).toEqual(second.linear1.weight.toArraySync());
    expect(encoder(randn(3, 1, 4)).shape).toEqual([3, 1, 4]);
    expect(encoder.parameters()).toHaveLength(24);
  });

  it('map sequences to sequences', () => {
    const net = new nn.Transformer({
      dModel: 8,
      nhead: 2,
      numEncoderLayers: 1,
      numDecoderLayers: 1,
      dimFeedforward: 8,
      batchFirst: true,
    });
    const [src, tgt] = [randn(2, 5, 8), randn(2, 3, 8)];
    const out = net(src, tgt, { tgtMask: nn.Transformer.generateSquareSubsequentMask(3) });
    expect(out.shape).toEqual([2, 3, 8]);
    out.sum().backward();
    expect(net.parameters().every((parameter) => parameter.grad !== null)).toBe(true);
    expect(() => net(randn(2, 5, 4), tgt)).toThrow(ShapeError);
    expect(() => new nn.MultiheadAttention(5, 2)).toThrow(RangeError);
  });
});

describe('copies of modules', () => {
  it('have memory of their own and share what the original shares', () => {
    const shared = new nn.Linear(2, 2);
    const net = new nn.Sequential(shared, new nn.BatchNorm1d(2), shared);
    net.eval();
    const copy = net.clone();
    expect(copy).toBeInstanceOf(nn.Sequential);
    expect(copy.at(0)).toBe(copy.at(2));
    expect(copy.at(0)).not.toBe(shared);
    expect(copy.training).toBe(false);
    const x = randn(3, 2);
    expect(copy(x).toArraySync()).toEqual(net(x).toArraySync());
    copy.parameters()[0]!.data.zero_();
    expect(shared.weight.abs().sum().itemSync()).toBeGreaterThan(0);
    expect(String(copy)).toBe(String(net));
  });

  it('copy plain containers and tensors in fields', () => {
    class Holder extends nn.Module {
      table = tensor([1, 2]);
      layers = [new nn.Linear(1, 1)];
      names = new Map([['a', { size: 3 }]]);
      forward(): number {
        return this.names.get('a')!.size;
      }
    }
    const original = new Holder();
    const copy = original.clone();
    copy.table.fill_(0);
    copy.names.get('a')!.size = 4;
    expect(original.table.toArraySync()).toEqual([1, 2]);
    expect([original(), copy()]).toEqual([3, 4]);
    expect(copy.layers[0]).not.toBe(original.layers[0]);
  });
});

describe('unpadding and unpacking', () => {
  const sequences = (): Tensor[] => [3, 1, 4].map((length) => randn(length, 2));

  it('gives the sequences back, with gradients', () => {
    manualSeed(4);
    const given = sequences();
    const lists = [
      rnn.unpadSequence(rnn.padSequence(given), [3, 1, 4]),
      rnn.unpadSequence(rnn.padSequence(given, true), tensor([3, 1, 4], { dtype: 'int32' }), true),
      rnn.unpackSequence(rnn.packSequence(given, { enforceSorted: false })),
    ];
    for (const list of lists) expect(list.map((x) => x.toArraySync())).toEqual(given.map((x) => x.toArraySync()));
    const x = randn(2, 3).requiresGrad_();
    rnn.unpadSequence(x, [1, 2, 0])[1]!.sum().backward();
    expect(x.grad!.toArraySync()).toEqual([
      [0, 1, 0],
      [0, 1, 0],
    ]);
  });

  it('refuses lengths that do not fit', () => {
    expect(() => rnn.unpadSequence(randn(2, 3), [1, 2])).toThrow(ShapeError);
    expect(() => rnn.unpadSequence(randn(2, 3), [1, 2, 3])).toThrow(RangeError);
  });
});
