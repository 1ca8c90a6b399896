import { describe, expect, it } from 'vitest';
import { readOptions } from '../src/options.ts';

const normal = {
  device: 'cpu',
  trainCount: 12_000,
  testCount: 1000,
  batchSize: 100,
  learningRate: 0.05,
  seed: 1,
  start: false,
};

describe('the options in the address', () => {
  it('have defaults', () => {
    expect(readOptions('')).toEqual(normal);
  });

  it('are taken', () => {
    expect(readOptions('?device=webgpu&batch=16&train=500&test=50&lr=0.1&seed=7&start')).toEqual({
      device: 'webgpu',
      batchSize: 16,
      trainCount: 500,
      testCount: 50,
      learningRate: 0.1,
      seed: 7,
      start: true,
    });
  });

  it.each([
    '?device=cuda',
    '?batch=0',
    '?batch=1.5',
    '?batch=',
    '?train=-1',
    '?test=nine',
    '?lr=0',
    '?seed=1e99',
    '?start=0',
  ])('that make no sense count as absent: %s', (search) => {
    expect(readOptions(search)).toEqual(normal);
  });

  it('never ask for batches larger than the set', () => {
    expect(readOptions('?train=8').batchSize).toBe(8);
  });
});
