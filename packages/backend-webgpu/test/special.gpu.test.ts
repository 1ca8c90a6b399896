import { lcm, special, type Tensor, tensor } from '@flambeau/tensor';
import { beforeAll, describe, it } from 'vitest';
import { open, same } from './compare.ts';

beforeAll(open);

const anywhere = [-40.3, -11.7, -6.6, -3.1, -1.2, -0.4, 0, 0.2, 0.7, 1.9, 2.1, 4.4, 11.5, 12.5, 60.25];
const positive = [0, 0.01, 0.2, 0.7, 1.9, 2.1, 4.4, 11.5, 12.5, 28.3, 80];
const ends = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
/** Amplitudes are about 1 here. */
const tolerance = { relative: 1e-5, absolute: 2e-6 };

const unary: [name: keyof typeof special, values: readonly number[]][] = [
  ['besselJ0', [...anywhere, ...ends]],
  ['besselJ1', [...anywhere, ...ends]],
  ['besselY0', [...positive, -1, ...ends]],
  ['besselY1', [...positive, -1, ...ends]],
  ['modifiedBesselK0', [...positive, -1, ...ends]],
  ['modifiedBesselK1', [...positive, -1, ...ends]],
  ['scaledModifiedBesselK0', [...positive, -1, ...ends]],
  ['scaledModifiedBesselK1', [...positive, -1, ...ends]],
  ['i0', anywhere],
  ['i0e', [...anywhere, ...ends]],
  ['i1', anywhere],
  ['i1e', [...anywhere, ...ends]],
  ['airyAi', [...anywhere, ...ends]],
  ['sphericalBesselJ0', [...anywhere, 1e20, ...ends]],
  ['erfcx', [...anywhere.slice(2), ...ends]],
  ['ndtri', [0, 1e-30, 1e-7, 0.001, 0.2, 0.5, 0.75, 0.999, 1, -1, 2, Number.NaN]],
  ['logNdtr', anywhere],
];

describe('special functions are those of the CPU', () => {
  it.each(unary)('%s', async (name, values) => {
    await same([tensor(values)], special[name] as (x: Tensor) => Tensor, tolerance);
  });

  it.each(Object.keys(special).filter((name) => name.includes('Polynomial')) as (keyof typeof special)[])(
    '%s',
    async (name) => {
      const degrees = tensor([[-1], [0], [1], [2], [5], [12], [Number.NaN]]);
      const f = special[name] as unknown as (x: Tensor, n: Tensor) => Tensor;
      await same([tensor([-1, -0.7, 0, 0.3, 0.5, 1, 1.5, Number.NaN]), degrees], f, { relative: 1e-4, absolute: 1e-4 });
    },
  );

  it('of two values', async () => {
    const a = tensor([0.3, 1, 2.5, 9, 40, 0, 3]);
    const x = tensor([0.1, 2, 2.4, 12, 38, 1, 0]);
    const inGammas = (p: Tensor, q: Tensor): Tensor[] => [special.gammainc(p, q), special.gammaincc(p, q)];
    await same([a, x], inGammas, { relative: 1e-4, absolute: 1e-6 });
    await same(
      [
        tensor([2, 3, 1.5, 4, 1, 0.5, 2, 2, 3, 2]),
        tensor([1, 0.3, 7, -2.5, 3, 2, -3, Number.POSITIVE_INFINITY, -1000.25, -20.5]),
      ],
      (s, q) => special.zeta(s, q),
      tolerance,
    );
    const integers = [tensor([12, -8, 0, 7], { dtype: 'int32' }), tensor([18, 12, 5, 0], { dtype: 'int32' })];
    await same(integers, (p, q) => [p.gcd(q), lcm(p, q)], { relative: 0, absolute: 0 });
  });
});

describe('sin and cos', () => {
  it('are right for any x', async () => {
    const x = tensor([29999, 30001, -123456.7, 16777216, 3e9, 1e20, -3.4e38]);
    await same([x], (t) => [t.sin(), t.cos()], { relative: 0, absolute: 1e-6 });
  });
});

describe('gradients of special functions', () => {
  it('have kernels too', async () => {
    await same(
      [tensor([0.3, 1.7, 5.2])],
      (x) => {
        const leaf = x.detach().requiresGrad_();
        const sum = special.besselJ1(leaf).add(special.airyAi(leaf)).add(special.legendrePolynomialP(leaf, 3)).sum();
        sum.backward();
        return leaf.grad!;
      },
      tolerance,
    );
  });
});
