/** The table of a model's layers. Parameters and multiply-adds are counted by hand. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { type Tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

class Net extends nn.Module {
  features = new nn.Sequential(new nn.Conv2d(1, 4, 3, { padding: 1 }), new nn.BatchNorm2d(4), new nn.ReLU());
  head = new nn.Linear(4 * 36, 10);
  forward(x: Tensor): Tensor {
    return this.head(this.features(x).flatten(1));
  }
}

describe('summary', () => {
  it('shows shapes, parameters and multiply-adds', () => {
    const net = new Net();
    const found = nn.summary(net, [2, 1, 6, 6]);
    expect(String(found)).toBe(
      `==============================================================================
Layer                     Input shape    Output shape   Parameters   Mult-adds
==============================================================================
Net                       [2, 1, 6, 6]   [2, 10]        1,498        5,472
├─Sequential (features)   [2, 1, 6, 6]   [2, 4, 6, 6]   48           2,592
│    ├─Conv2d (0)         [2, 1, 6, 6]   [2, 4, 6, 6]   40           2,592
│    ├─BatchNorm2d (1)    [2, 4, 6, 6]   [2, 4, 6, 6]   8            --
│    ├─ReLU (2)           [2, 4, 6, 6]   [2, 4, 6, 6]   --           --
├─Linear (head)           [2, 144]       [2, 10]        1,450        2,880
==============================================================================
Total parameters: 1,498
Trainable parameters: 1,498
Non-trainable parameters: 0
Total mult-adds: 5,472
==============================================================================
Input size (MB): 0.00
Forward/backward pass size (MB): 0.01
Parameters size (MB): 0.01
Estimated total size (MB): 0.01
==============================================================================`,
    );
    expect(found.inputBytes).toBe(4 * 72);
    expect(found.parameterBytes).toBe(4 * 1498);
    expect(found.forwardBackwardBytes).toBe(2 * 4 * (3 * 288 + 20));
  });

  it('leaves the model as it was', () => {
    const net = new Net();
    net.features.at(1).eval();
    nn.summary(net, [2, 1, 6, 6]);
    expect([net.training, net.features.at(1).training]).toEqual([true, false]);
    expect(net.getBuffer('features.1.num_batches_tracked').itemSync()).toBe(0);
    expect(net.parameters().every(({ grad }) => grad === null)).toBe(true);
    expect(() => nn.summary(net, [2, 5, 6, 6])).toThrow();
    expect(net.training).toBe(true);
    let calls = 0;
    net.registerForwardHook(() => {
      calls++;
    });
    net(zeros(1, 1, 6, 6));
    expect(calls).toBe(1);
  });

  it('counts what is shared once, and the work of each call', () => {
    const shared = new nn.Linear(3, 3);
    const found = nn.summary(new nn.Sequential(shared, new nn.ReLU(), shared), [5, 3]);
    expect(found.totalParameters).toBe(12);
    expect(found.layers.map(({ again }) => again)).toEqual([false, false, false, true]);
    expect(found.totalMultAdds).toBe(2 * 5 * 9);
    expect(String(found)).toContain('(recursive)');
  });

  it('takes several inputs, given ones, other depths, frozen and lazy layers', () => {
    const pair = nn.summary(new nn.Bilinear(2, 3, 4), [
      [1, 2],
      [1, 3],
    ]);
    expect(pair.layers[0]!.outputSize).toEqual([1, 4]);
    const embedding = nn.summary(new nn.Embedding(10, 3).requiresGrad_(false), {
      inputData: zeros(2, 4, { dtype: 'int32' }),
    });
    expect([embedding.trainableParameters, embedding.totalParameters, embedding.totalMultAdds]).toEqual([0, 30, 0]);
    expect(nn.summary(new Net(), [1, 1, 6, 6], { depth: 1 }).layers.map(({ name }) => name)).toEqual([
      '',
      'features',
      'head',
    ]);
    const lazy = new nn.Sequential(new nn.LazyLinear(2));
    expect(nn.summary(lazy, [1, 7]).totalParameters).toBe(16);
    expect(() => nn.summary(lazy)).toThrow('give inputSize');
  });

  it('counts attention, recurrent and transposed layers', () => {
    // Three projections of 4 to 4 and one back, for each of 5 places.
    const attention = nn.summary(new nn.TransformerEncoderLayer(4, 2, 8, 0), [5, 1, 4]);
    expect(attention.totalMultAdds).toBe(5 * (4 * 16 + 2 * 32));
    expect(attention.layers[0]!.parameters).toBe(attention.totalParameters);
    const lstm = nn.summary(new nn.LSTM(2, 3), [7, 1, 2]);
    expect(lstm.totalMultAdds).toBe(7 * 12 * (2 + 3));
    expect(lstm.layers[0]!.outputSize).toEqual([7, 1, 3]);
    const transposed = nn.summary(new nn.ConvTranspose2d(2, 3, 2, { stride: 2 }), [1, 2, 4, 4]);
    expect(transposed.totalMultAdds).toBe(16 * 2 * 3 * 4);
  });
});
