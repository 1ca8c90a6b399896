/** Every workload computes what PyTorch computes: the check values of the benchmark's definition, to four digits. */
import { describe, expect, it } from 'vitest';
import { hashValues } from '../src/hash.ts';
import { measure } from '../src/measure.ts';
import { attention } from '../src/workloads/attention.ts';
import { layers } from '../src/workloads/layers.ts';
import { ops } from '../src/workloads/ops.ts';
import { training } from '../src/workloads/training.ts';

const workloads = { ...ops, ...layers, ...training, ...attention };

/** First results in PyTorch 1.13; the LSTM's is NumPy's in float64. */
const checks = {
  'sum-1m': -43.8761,
  'train-mlp': 0.0345266,
  'train-cifar-net-b4': 2.34025,
  'train-cifar-net-b64': 2.29736,
  'train-mnist-cnn-b100': 2.31336,
  'resnet20-train-b64': 2.62666,
  'resnet18-infer-b1': -13.1555,
  'transformer-fwdbwd': 0.392561,
  'lstm-fwdbwd': 0.0056553,
};

describe('workloads', () => {
  it.each(Object.entries(checks))('%s gives PyTorch’s result', { timeout: 60_000 }, async (name, expected) => {
    const run = await workloads[name]!('cpu');
    const got = (await run()) as number;
    expect(Math.abs(got / expected - 1)).toBeLessThan(1e-4);
  });

  it.each(Object.keys(workloads).filter((name) => !(name in checks) && !/2048|resnet/.test(name)))(
    '%s runs',
    { timeout: 60_000 },
    async (name) => {
      const run = await workloads[name]!('cpu');
      expect(await run()).toBeUndefined();
    },
  );

  it('hashes to the values of the definition', () => {
    expect([...hashValues(1, 3)].every((v) => Math.abs(v) <= 1)).toBe(true);
    expect(hashValues(1, 4)).not.toEqual(hashValues(2, 4));
  });

  it('measures medians after a warm-up', async () => {
    let runs = 0;
    const result = await measure(() => ++runs, { warmMs: 0, budgetMs: 1 }, null);
    expect(result.n).toBeGreaterThanOrEqual(5);
    expect(runs).toBeGreaterThan(result.n);
    expect(result.check).toBe(1);
    expect(result.ms_min).toBeLessThanOrEqual(result.ms_median);
  });
});
