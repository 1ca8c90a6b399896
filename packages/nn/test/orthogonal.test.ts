/** Weights that stay orthogonal. */
import { gradcheck } from '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { SGD } from '@flambeau/optim';
import { eye, manualSeed, randn, ShapeError, type Tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

const { parametrize, parametrizations } = nn.utils;
const { orthogonal } = parametrizations;
const double = { dtype: 'float64' } as const;

/** Expects orthonormal columns (or rows, where they are fewer). */
function expectOrthogonal(w: Tensor): void {
  const x = (w.shape.at(-2)! < w.shape.at(-1)! ? w.transpose(-2, -1) : w).detach();
  const gram = x.transpose(-2, -1).matmul(x);
  expect(
    gram
      .sub(eye(x.shape.at(-1)!, { dtype: w.dtype }))
      .abs()
      .max()
      .itemSync(),
  ).toBeLessThan(1e-12);
}

const maps = ['matrix_exp', 'cayley', 'householder'] as const;
const sizes: [number, number][] = [
  [3, 3],
  [2, 4],
  [4, 2],
];

describe.each(maps)('orthogonal by %s', (orthogonalMap) => {
  it.each(sizes)('keeps [%i, %i] orthogonal while it trains', (rows, columns) => {
    for (const useTrivialization of [true, false]) {
      manualSeed(0);
      const layer = orthogonal(new nn.Linear(columns, rows, double), { orthogonalMap, useTrivialization });
      expectOrthogonal(layer.weight);
      const before = layer.weight.detach().clone();
      const optimizer = new SGD(layer.parameters(), { lr: 0.05 });
      const [x, y] = [randn([6, columns], double), randn([6, rows], double)];
      const losses = Array.from({ length: 10 }, () => {
        optimizer.zeroGrad();
        const loss = nn.F.mseLoss(layer(x), y);
        loss.backward();
        optimizer.step();
        return loss.itemSync();
      });
      expect(losses.at(-1)).toBeLessThan(losses[0]!);
      expect(layer.weight.equalSync(before)).toBe(false);
      expectOrthogonal(layer.weight);
    }
  });

  it('has the gradients of its forward', async () => {
    manualSeed(1);
    const layer = orthogonal(new nn.Linear(2, 3, double), { orthogonalMap });
    const original = layer.getParameter('parametrizations.weight.original');
    const call = (w: Tensor): Tensor =>
      nn.utils.stateless.functionalCall(layer, { 'parametrizations.weight.original': w }, [eye(2, double)]);
    expect(await gradcheck(call, [original])).toBe(true);
  });

  it('can be set with a base, to an orthogonal weight and to the nearest otherwise', () => {
    manualSeed(2);
    const layer = orthogonal(new nn.Linear(3, 3, double), { orthogonalMap });
    const rotation = nn.init.orthogonal_(new nn.Parameter(randn([3, 3], double)));
    layer.weight = new nn.Parameter(rotation);
    expect(layer.weight.allcloseSync(rotation, { atol: 1e-12 })).toBe(true);
    layer.weight = new nn.Parameter(randn([3, 3], double));
    expectOrthogonal(layer.weight);
    expect(() => {
      layer.weight = new nn.Parameter(randn([2, 3], double));
    }).toThrow(ShapeError);
    const other = orthogonal(new nn.Linear(3, 3, double), { orthogonalMap });
    expect([...layer.stateDict().keys()]).toEqual([
      'bias',
      'parametrizations.weight.original',
      'parametrizations.weight.0.base',
    ]);
    other.loadStateDict(layer.stateDict());
    expect(other.weight.equalSync(layer.weight)).toBe(true);
    parametrize.removeParametrizations(layer, 'weight');
    expect(layer.weight.equalSync(other.weight)).toBe(true);
  });
});

describe('orthogonal', () => {
  it('finds reflections again without a base, and no other map', () => {
    manualSeed(3);
    const layer = orthogonal(new nn.Linear(2, 4, double), { useTrivialization: false });
    const wanted = nn.init.orthogonal_(new nn.Parameter(randn([4, 2], double)));
    layer.weight = new nn.Parameter(wanted);
    expect(layer.weight.allcloseSync(wanted, { atol: 1e-12 })).toBe(true);
    const cayley = orthogonal(new nn.Linear(2, 2), { orthogonalMap: 'cayley', useTrivialization: false });
    expect(() => {
      cayley.weight = new nn.Parameter(eye(2));
    }).toThrow('_Orthogonal has no rightInverse()');
  });

  it('takes batches of matrices, and refuses vectors and other maps', () => {
    class Batch extends nn.Module {
      weight = new nn.Parameter(randn([2, 4, 3], double));
      forward(x: Tensor): Tensor {
        return x.matmul(this.weight);
      }
    }
    expectOrthogonal(orthogonal(new Batch()).weight);
    expect(() => orthogonal(new nn.Linear(2, 2), 'bias')).toThrow(ShapeError);
    expect(() => orthogonal(new nn.Linear(2, 2), { orthogonalMap: 'exp' as never })).toThrow(RangeError);
  });
});
