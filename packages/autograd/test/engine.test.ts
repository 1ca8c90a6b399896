import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { backward, grad, gradcheck } from '@flambeau/autograd';
import {
  AutogradError,
  cat,
  cdist,
  enableGrad,
  functional as F,
  linalg,
  noGrad,
  ones,
  Parameter,
  rand,
  type Tensor,
  tensor,
  varMean,
  where,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor | null): unknown => (x === null ? null : x.detach().toArraySync());
const leaf = (data: number[]): Tensor => tensor(data, { requiresGrad: true });

describe('leaves and results', () => {
  it('tells leaves from results', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    expect([x.isLeaf, x.gradFn, x.requiresGrad]).toEqual([true, null, true]);
    expect([y.isLeaf, y.gradFn?.name, y.requiresGrad]).toEqual([false, 'MulBackward0', true]);
    expect(String(y.gradFn)).toBe('<MulBackward0>');
    expect(y.gradFn!.nextFunctions[0]![0]!.variable).toBe(x);
  });

  it('links nodes as PyTorch does', () => {
    const x = leaf([1, 2]);
    const [add, mul] = [x.mul(3).add(x), x.mul(3)];
    expect(add.gradFn!.nextFunctions.map(([node, index]) => [node?.name, index])).toEqual([
      ['MulBackward0', 0],
      ['AccumulateGrad', 0],
    ]);
    expect(mul.gradFn!.nextFunctions.map(([node, index]) => [node?.name, index])).toEqual([
      ['AccumulateGrad', 0],
      [undefined, 0],
    ]);
  });

  it('has an edge for each differentiable argument, also where no gradient is wanted', () => {
    const x = leaf([1, 2]);
    const names = (y: Tensor): unknown => [
      y.gradFn!.name,
      ...y.gradFn!.nextFunctions.map(([node]) => node?.name ?? null),
    ];
    const matrix = ones(2, 2);
    expect(names(x.add(tensor([1, 2])))).toEqual(['AddBackward0', 'AccumulateGrad', null]);
    expect(names(x.pow(2))).toEqual(['PowBackward0', 'AccumulateGrad']);
    expect(names(cat([zeros(2), x]))).toEqual(['CatBackward0', null, 'AccumulateGrad']);
    expect(names(x.indexSelect(0, tensor([0]).int()))).toEqual(['IndexSelectBackward0', 'AccumulateGrad']);
    expect(names(where(x.gt(1), x, 0))).toEqual(['WhereBackward0', 'AccumulateGrad', null]);
    expect(names(zeros(2).addmv(matrix, x))).toEqual(['AddmvBackward0', null, null, 'AccumulateGrad']);
    expect(names(matrix.addr(x, x))).toEqual(['AddrBackward0', null, 'AccumulateGrad', 'AccumulateGrad']);
    expect(names(F.linear(x.view(1, 2), matrix, x))).toEqual([
      'AddmmBackward0',
      'AccumulateGrad',
      'ViewBackward0',
      null,
    ]);
    expect(names(F.mseLoss(x, zeros(2)))).toEqual(['MseLossBackward0', 'AccumulateGrad', null]);
  });

  it('shows compositions that are one node in PyTorch as one', async () => {
    const names = (y: Tensor): unknown => [
      y.gradFn!.name,
      ...y.gradFn!.nextFunctions.map(([node]) => node?.name ?? null),
    ];
    const x = rand(1, 4, 4, 4, { dtype: 'float64', requiresGrad: true });
    const weight = ones(4, { dtype: 'float64' });
    const shown: readonly (readonly [(t: Tensor) => Tensor, readonly (string | null)[]])[] = [
      [(t) => F.pixelShuffle(t, 2), ['PixelShuffleBackward0', 'AccumulateGrad']],
      [(t) => F.adaptiveAvgPool2d(t, 3), ['AdaptiveAvgPool2DBackward0', 'AccumulateGrad']],
      [(t) => F.adaptiveAvgPool2d(t, 1), ['MeanBackward1', 'AccumulateGrad']],
      [(t) => F.pad(t, [1, 1]), ['ConstantPadNdBackward0', 'AccumulateGrad']],
      [(t) => F.pad(t, [1, 1, 1, 1], 'reflect'), ['ReflectionPad2DBackward0', 'AccumulateGrad']],
      [(t) => F.interpolate(t, { scaleFactor: 2 }), ['UpsampleNearest2DBackward0', 'AccumulateGrad']],
      [(t) => F.groupNorm(t, 2, weight), ['NativeGroupNormBackward0', 'AccumulateGrad', null, null]],
      [(t) => F.glu(t), ['GluBackward0', 'AccumulateGrad']],
      [(t) => cdist(t, t), ['CdistBackward0', 'AccumulateGrad', 'AccumulateGrad']],
      [
        (t) => linalg.cross(t.narrow(3, 0, 3), t.narrow(3, 1, 3)),
        ['LinalgCrossBackward0', 'SliceBackward0', 'SliceBackward0'],
      ],
    ];
    for (const [f, expected] of shown) {
      expect(names(f(x))).toEqual(expected);
      // The gradients go through all of its nodes.
      if (!expected.includes('CdistBackward0')) expect(await gradcheck((t) => f(t!), [x])).toBe(true);
    }
    const [variance, mean] = varMean(x);
    expect([variance.gradFn!.name, mean.gradFn!.name]).toEqual(['VarMeanBackward0', 'VarMeanBackward0']);
    expect(names(F.prelu(x, weight))).toEqual(['PreluBackward0', 'AccumulateGrad', null]);
  });

  it('records nothing for constants, integers and in noGrad', () => {
    const x = leaf([1, 2]);
    expect(tensor([1, 2]).mul(2).requiresGrad).toBe(false);
    expect(noGrad(() => x.mul(2)).requiresGrad).toBe(false);
    expect(noGrad(() => enableGrad(() => x.mul(2))).requiresGrad).toBe(true);
    expect(x.gt(1).requiresGrad).toBe(false);
    expect(x.detach().requiresGrad).toBe(false);
  });

  it('refuses gradients of integers and changes of results', () => {
    expect(() => tensor([1, 2], { dtype: 'int32', requiresGrad: true })).toThrow(/floating point/);
    const y = leaf([1]).mul(2);
    expect(() => y.requiresGrad_(false)).toThrow(AutogradError);
  });
});

describe('backward', () => {
  it('adds to grad on every pass', () => {
    const x = leaf([1, 2]);
    x.mul(x).sum().backward();
    expect(values(x.grad)).toEqual([2, 4]);
    x.mul(3).sum().backward();
    expect(values(x.grad)).toEqual([5, 7]);
  });

  it('sums over all paths', () => {
    const x = leaf([2]);
    const y = x.mul(x);
    y.mul(x).add(y).sum().backward();
    expect(values(x.grad)).toEqual([16]);
  });

  it('takes a gradient for outputs of several elements, and checks it', () => {
    const x = leaf([1, 2]);
    const y = x.mul(x);
    expect(() => y.backward()).toThrow(/outputs of one element/);
    expect(() => y.backward(ones(3))).toThrow(/shape \[3\]/);
    y.backward(tensor([10, 1]));
    expect(values(x.grad)).toEqual([20, 4]);
  });

  it('refuses tensors without history', () => {
    expect(() => tensor([1]).backward()).toThrow(/does not require grad/);
  });

  it('frees the graph unless told otherwise', () => {
    const x = leaf([3]);
    const y = x.mul(x).sum();
    y.backward(null, { retainGraph: true });
    y.backward();
    expect(values(x.grad)).toEqual([12]);
    expect(() => y.backward()).toThrow(/retainGraph: true/);
  });

  it('goes twice through ops that save nothing, as PyTorch does', () => {
    const x = leaf([3]);
    const y = x.add(1);
    y.backward(ones(1));
    y.backward(ones(1));
    expect(values(x.grad)).toEqual([2]);
  });

  it('gives each leaf a gradient of its own', () => {
    const [a, b] = [leaf([1]), leaf([2])];
    const start = ones(1);
    a.add(b).backward(start);
    a.grad!.mul_(5);
    expect([values(a.grad), values(b.grad), values(start)]).toEqual([[5], [1], [1]]);
  });

  it('handles a chain of 20,000 ops without recursion', () => {
    const x = leaf([1]);
    let y: Tensor = x;
    for (let i = 0; i < 20000; i++) y = y.add(1);
    y.backward(ones(1));
    expect(values(x.grad)).toEqual([1]);
  });

  it('reduces gradients to the shapes and dtypes of broadcast inputs', () => {
    const row = tensor([1, 2, 3], { requiresGrad: true });
    const scale = tensor(2, { dtype: 'float64', requiresGrad: true });
    ones(4, 3).mul(row).mul(scale).sum().backward();
    expect(values(row.grad)).toEqual([8, 8, 8]);
    expect(values(scale.grad)).toBe(24);
    expect(scale.grad!.dtype).toBe('float64');
  });

  it('accumulates only into the wanted inputs', () => {
    const [a, b] = [leaf([1]), leaf([2])];
    a.mul(b).backward(ones(1), { inputs: [a] });
    expect([values(a.grad), b.grad]).toEqual([[2], null]);
  });

  it('starts from several tensors', () => {
    const x = leaf([1, 2]);
    backward([x.mul(2).sum(), x.mul(3)], [null, tensor([1, 10])]);
    expect(values(x.grad)).toEqual([5, 32]);
  });
});

describe('grad', () => {
  it('leaves .grad alone and differentiates results', () => {
    const x = leaf([2]);
    const y = x.mul(x);
    const [gy, gx] = grad(y.mul(3).sum(), [y, x]);
    expect([values(gy!), values(gx!), x.grad]).toEqual([[3], [12], null]);
  });

  it('gives derivatives of every order', () => {
    const x = leaf([2]);
    let y: Tensor = x.pow(4);
    const found: unknown[] = [];
    for (let order = 1; order <= 4; order++) {
      [y] = grad(y.sum(), x, { createGraph: true }) as [Tensor];
      found.push(values(y));
    }
    expect(found).toEqual([[32], [48], [48], [24]]);
  });

  it('tells unused inputs', () => {
    const [a, b] = [leaf([1]), leaf([2])];
    expect(() => grad(a.mul(2).sum(), [a, b])).toThrow(/input 1 was not used/);
    expect(grad(a.mul(2).sum(), [a, b], { allowUnused: true })[1]).toBeNull();
  });
});

describe('arguments', () => {
  it("come in PyTorch's order or by name", () => {
    const x = leaf([1, 2]);
    const y = x.mul(x);
    const weights = tensor([1, 10]);
    expect(grad(y, x, weights, true).map(values)).toEqual([[2, 40]]);
    expect(grad(y, x, [weights], { retainGraph: true }).map(values)).toEqual([[2, 40]]);
    expect(grad(y, [x], { gradOutputs: weights, retainGraph: true }).map(values)).toEqual([[2, 40]]);
    y.backward({ gradient: weights, retainGraph: true });
    y.backward(weights, true);
    backward(y, weights, { inputs: x, retainGraph: true });
    expect(values(x.grad)).toEqual([6, 120]);
    expect(() => y.backward(weights, { retaingraph: true } as object)).toThrow(/did you mean 'retainGraph'/);
    expect(() => grad(y, x, { allowunused: true } as object)).toThrow(/did you mean 'allowUnused'/);
    expect(() => backward(y, weights, { inputs: [tensor([1])] })).toThrow(/input 0 does not require grad/);
    y.backward(weights);
    expect(() => y.backward(weights)).toThrow(/retainGraph: true/);
  });
});

describe('hooks', () => {
  it('sees and replaces gradients of results and leaves', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const seen: unknown[] = [];
    y.registerHook((g) => {
      seen.push(values(g));
      return g.mul(10);
    });
    const handle = x.registerHook((g) => {
      seen.push(values(g));
      return null;
    });
    y.sum().backward(null, { retainGraph: true });
    handle.remove();
    y.sum().backward();
    expect(seen).toEqual([
      [1, 1],
      [20, 20],
      [1, 1],
    ]);
    expect(values(x.grad)).toEqual([40, 40]);
  });

  it('keeps the gradient of a result on demand', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.retainGrad();
    y.mul(y).sum().backward();
    expect([values(y.grad), values(x.grad)]).toEqual([
      [4, 8],
      [8, 16],
    ]);
  });
});

describe('in-place changes', () => {
  it('follow the new values', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    y.mul_(x).add_(1);
    expect(y.gradFn?.name).toBe('AddBackward0');
    y.sum().backward();
    expect(values(x.grad)).toEqual([4, 8]);
  });

  it('are refused on leaves and views of leaves', () => {
    const x = leaf([1, 2]);
    expect(() => x.add_(1)).toThrow(/a leaf tensor that requires grad/);
    expect(() => x.narrow(0, 0, 1).add_(1)).toThrow(/a view of a leaf/);
    noGrad(() => x.add_(1));
    expect(values(x)).toEqual([2, 3]);
  });

  it('of a saved tensor are an error in the backward pass', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const z = y.mul(y);
    y.add_(1);
    expect(() => z.sum().backward()).toThrow(/changed by an in-place operation.*version 1; expected version 0/s);
  });

  it('of a tensor that is not saved are fine', () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const z = y.add(1);
    y.add_(1);
    z.sum().backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });

  it('through a view change the base, and through the base the view', () => {
    const x = leaf([1, 2, 3]);
    const y = x.mul(1);
    const first = y.narrow(0, 0, 2);
    first.mul_(10);
    expect(y.gradFn?.name).toBe('CopySlices');
    y.mul(tensor([1, 2, 3]))
      .sum()
      .backward();
    expect(values(x.grad)).toEqual([10, 20, 3]);

    const u = leaf([1, 2]);
    const base = u.mul(1);
    const view = base.narrow(0, 1, 1);
    base.mul_(3);
    view.sum().backward();
    expect(values(u.grad)).toEqual([0, 3]);
  });

  it('put results into a tensor made without gradients', () => {
    const w = leaf([2, 3]);
    const store = zeros(2, 2);
    store.select(0, 1).copy_(w);
    expect([store.requiresGrad, store.gradFn?.name]).toEqual([true, 'CopySlices']);
    store.mul(store).sum().backward();
    expect(values(w.grad)).toEqual([4, 6]);
  });

  it('through a view of a transposed base', () => {
    const x = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { requiresGrad: true },
    );
    const base = x.mul(1).t().clone().t();
    base.select(0, 0).mul_(5);
    base
      .mul(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      )
      .sum()
      .backward();
    expect(values(x.grad)).toEqual([
      [5, 10],
      [3, 4],
    ]);
  });

  it('keep derivatives of second order', () => {
    const x = leaf([3]);
    const y = x.mul(1);
    y.mul_(x).mul_(x);
    const [first] = grad(y.sum(), x, { createGraph: true });
    const [second] = grad(first!.sum(), x);
    expect([values(first!), values(second!)]).toEqual([[27], [18]]);
  });
});

describe('memory', () => {
  it('.data changes go unnoticed, detach() changes are noticed', () => {
    const x = leaf([1, 2]);
    const y = x.mul(x);
    x.data.mul_(2);
    y.sum().backward();
    expect(values(x.grad)).toEqual([4, 8]);
    const z = x.mul(x);
    x.detach().mul_(2);
    expect(() => z.sum().backward()).toThrow(AutogradError);
  });

  it('grad is checked when set', () => {
    const x = leaf([1, 2]);
    expect(() => {
      x.grad = ones(3);
    }).toThrow(AutogradError);
    x.grad = ones(2);
    x.sum().backward();
    expect(values(x.grad)).toEqual([2, 2]);
  });

  it('parameters require gradients', () => {
    expect(new Parameter(zeros(2)).requiresGrad).toBe(true);
    expect(new Parameter(zeros(2), { requiresGrad: false }).requiresGrad).toBe(false);
    expect(noGrad(() => new Parameter(zeros(2))).requiresGrad).toBe(true);
  });
});
