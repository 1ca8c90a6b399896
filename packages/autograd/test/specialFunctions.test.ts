import '@flambeau/backend-cpu';
import { gradcheck, gradgradcheck } from '@flambeau/autograd';
import { DTypeError, special, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const leaf = (data: readonly number[]): Tensor => tensor(data, { dtype: 'float64', requiresGrad: true });

const anywhere = [-7.3, -3.1, -1.2, -0.4, 0.2, 0.7, 1.9, 4.4, 11.5];
const positive = [0.2, 0.7, 1.9, 2.1, 4.4, 11.5, 28.3];

const unary: [keyof typeof special & string, readonly number[]][] = [
  ['besselJ0', anywhere],
  ['besselJ1', anywhere],
  ['besselY0', positive],
  ['besselY1', positive],
  ['modifiedBesselI0', [-2.1, -0.3, 0.4, 2.8]],
  ['modifiedBesselI1', [-2.1, -0.3, 0.4, 2.8]],
  ['modifiedBesselK0', positive.slice(1)],
  ['modifiedBesselK1', positive.slice(1)],
  ['scaledModifiedBesselK0', positive],
  ['scaledModifiedBesselK1', positive],
  ['sphericalBesselJ0', [...anywhere, 0, 0.49, 0.51]],
  ['airyAi', [-12.3, ...anywhere]],
];

describe.each(unary)('special.%s', (name, values) => {
  const f = special[name] as (x: Tensor) => Tensor;
  it('has the derivative of finite differences', async () => {
    expect(await gradcheck(f, [leaf(values)])).toBe(true);
  });
  it('has the second one', async () => {
    expect(await gradgradcheck(f, [leaf(values)])).toBe(true);
  });
});

const polynomials = Object.keys(special).filter((name) => name.includes('Polynomial')) as (keyof typeof special)[];

describe.each(polynomials)('special.%s', (name) => {
  const f = special[name] as unknown as (x: Tensor, n: Tensor | number, options?: { out: Tensor }) => Tensor;
  const degrees = tensor([[0], [1], [2], [3], [6], [9]], { dtype: 'float64' });
  const x = [-0.2, 0.1, 0.4, 0.6, 0.9, 1.2];

  it('has the derivatives of finite differences, in x', async () => {
    expect(await gradcheck((t: Tensor) => f(t, degrees), [leaf(x)])).toBe(true);
    expect(await gradgradcheck((t: Tensor) => f(t, degrees), [leaf(x)])).toBe(true);
  });

  it('has them at the ends of the interval too', async () => {
    expect(await gradcheck((t: Tensor) => f(t, 5), [leaf([-1, 0, 1])])).toBe(true);
  });

  it('takes numbers in either place and integers in both', async () => {
    const integers = f(tensor([2n, 3n]), tensor([1, 2], { dtype: 'int32' }));
    expect(integers.dtype).toBe('float32');
    expect(await integers.at(1).item()).toBe(await (f as (x: unknown, n: unknown) => Tensor)(3, tensor([2])).item());
    expect(f(leaf([0.5]), 2).dtype).toBe('float64');
    expect(() => (f as (x: unknown, n: unknown) => Tensor)(2, 3)).toThrow(TypeError);
  });

  it('writes into out', () => {
    const out = zeros(2);
    expect(f(tensor([0.5, 0.25]), 3, { out })).toBe(out);
    expect(out.toArraySync()).toEqual(f(tensor([0.5, 0.25]), 3).toArraySync());
    expect(() => f(tensor([0.5]), 3, { out: zeros(1, { dtype: 'int32' }) })).toThrow(DTypeError);
  });
});

it('the spherical Bessel function at its special places', () => {
  const x = tensor([0, 1e-200, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN], { dtype: 'float64' });
  expect(special.sphericalBesselJ0(x).toArraySync()).toEqual([1, 1, 0, 0, Number.NaN]);
});

it('integers and bools give the default floating dtype', () => {
  expect(special.besselJ0(tensor([0n, 1n])).dtype).toBe('float32');
  expect(special.airyAi(tensor([true])).dtype).toBe('float32');
});
