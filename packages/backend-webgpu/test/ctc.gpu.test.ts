import { CTCLoss } from '@flambeau/nn';
import { functional as F, manualSeed, randint, randn, type Tensor, tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import { device, open, same } from './compare.ts';

beforeAll(async () => {
  await open();
  manualSeed(10);
});

type Options = ConstructorParameters<typeof CTCLoss>[0] & object;
const ints = (...values: number[]): Tensor => tensor(values, { dtype: 'int32' });

/** The loss and its gradient by the scores. */
const withGradient =
  (options: Options, layout: (x: Tensor) => Tensor = (x) => x) =>
  (scores: Tensor, targets: Tensor, inputs: Tensor, lengths: Tensor): Tensor[] => {
    const leaf = scores.detach().requiresGrad_();
    const loss = F.ctcLoss(layout(leaf).logSoftmax(-1), targets, inputs, lengths, options);
    loss.square().sum().backward();
    return [loss.detach(), leaf.grad!];
  };

describe('ctcLoss', () => {
  it.each(['none', 'mean', 'sum'] as const)(
    'of padded targets and of targets in a row, reduced to %s',
    async (reduction) => {
      const [scores, inputs, lengths] = [randn(20, 3, 7), ints(20, 12, 17), ints(6, 4, 1)];
      const padded = randint(1, 7, [3, 8], { dtype: 'int32' });
      await same([scores, padded, inputs, lengths], withGradient({ reduction }));
      await same([scores, randint(1, 7, [11], { dtype: 'int32' }), inputs, lengths], withGradient({ reduction }));
    },
  );

  it('of one sequence, another blank, repeated labels, no labels and no steps', async () => {
    await same([randn(9, 5), ints(1, 2, 2), ints(9), ints(3)], withGradient({}));
    await same(
      [randn(30, 2, 4), ints(0, 0, 0, 1, 1, 2, 2, 2).view([2, 4]), ints(30, 25), ints(4, 4)],
      withGradient({ blank: 3 }),
    );
    await same(
      [randn(6, 3, 4), ints(1, 2, 1, 2, 3, 1).view([3, 2]), ints(6, 0, 5), ints(0, 0, 2)],
      withGradient({ reduction: 'none' }),
    );
    await same([randn(6, 2, 4), tensor([], { dtype: 'int32' }), ints(6, 5), ints(0, 0)], withGradient({}));
  });

  it('of sequences that are too short, and of probability 0', async () => {
    const given = [randn(5, 2, 4), ints(1, 1, 1, 1, 2, 3, 1, 2).view([2, 4]), ints(5, 5), ints(4, 4)];
    for (const zeroInfinity of [false, true]) await same(given, withGradient({ reduction: 'none', zeroInfinity }));
    // Lengths that only the device has: more labels than there are steps.
    await same(
      [randn(3, 2, 4), ints(1, 2, 3, 1, 2, 3, 1), ints(3, 3), ints(6, 1)],
      withGradient({ reduction: 'none', zeroInfinity: true }),
    );
    const impossible = randn(6, 1, 4);
    impossible.set([2, 0, 2], Number.NEGATIVE_INFINITY);
    await same([impossible, ints(1, 2), ints(6), ints(2)], withGradient({}));
  });

  it('of many steps and classes, of other layouts, and of more samples than a workgroup has lanes', async () => {
    const near = { relative: 2e-4, absolute: 2e-4 };
    const long = [randn(300, 2, 50), randint(1, 50, [2, 90], { dtype: 'int32' }), ints(300, 280), ints(90, 70)];
    await same(long, withGradient({}), near);
    const rows = [
      randn(5, 12, 9),
      randint(1, 9, [5, 3], { dtype: 'int32' }),
      ints(12, 11, 10, 9, 8),
      ints(3, 3, 2, 2, 1),
    ];
    await same(
      rows,
      withGradient({}, (x) => x.transpose(0, 1)),
    );
    const many = [randn(8, 70, 5), randint(1, 5, [70, 3], { dtype: 'int32' })] as const;
    const full = (n: number): Tensor => tensor(new Array(70).fill(n), { dtype: 'int32' });
    await same([...many, full(8), full(3)], withGradient({}));
  });

  it('counts and targets may be numbers or lie on the CPU, and what is wrong there is an error', async () => {
    const x = randn(10, 2, 5).logSoftmax(-1);
    const targets = randint(1, 5, [2, 3], { dtype: 'int32' });
    const [wanted, moved] = [F.ctcLoss(x, targets, [10, 9], [3, 2]).itemSync() as number, x.to(device)];
    for (const loss of [
      F.ctcLoss(moved, targets, [10, 9], [3, 2]),
      F.ctcLoss(moved, targets.to(device), ints(10, 9), [3, 2]),
      new CTCLoss()(moved, targets.to(device), ints(10, 9).to(device), ints(3, 2)),
    ])
      expect(await loss.item()).toBeCloseTo(wanted, 4);
    expect(() => F.ctcLoss(moved, targets, [11, 9], [3, 2])).toThrow(RangeError);
    expect(() => F.ctcLoss(moved, targets.add(3), [10, 9], [3, 2])).toThrow(RangeError);
    expect(() => F.ctcLoss(moved, targets.to(device), [10, 9], [4, 2])).toThrow('do not fit');
    expect(() => F.ctcLoss(moved, targets.to(device), [10, 9, 8], [3, 2])).toThrow('want as many');
    expect(() => F.ctcLoss(moved, targets.unsqueeze(0), [10, 9], [3, 2])).toThrow('[N, S], or a vector');
  });
});
