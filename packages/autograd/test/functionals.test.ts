/** Derivatives of functions: autograd.functional and func, against derivatives by hand. */
import '@flambeau/backend-cpu';
import { func, functional, grad, gradcheck } from '@flambeau/autograd';
import { AutogradError, manualSeed, ones, rand, ShapeError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor | null | undefined): unknown => x?.detach().toArraySync() ?? null;
const vector = (...data: number[]): Tensor => tensor(data, { dtype: 'float64' });
const { hessian, hvp, jacobian, jvp, vhp, vjp } = functional;

/** (a · b summed, a² ) with known derivatives. */
const pair = (a: Tensor, b: Tensor): [Tensor, Tensor] => [a.mul(b).sum(), a.pow(2)];

describe('vjp and jvp', () => {
  it('give the value and the product', () => {
    const [y, g] = vjp((x: Tensor) => x.pow(2), vector(1, 2, 3), vector(1, 10, 100));
    expect([values(y), values(g), y.requiresGrad, g.requiresGrad]).toEqual([[1, 4, 9], [2, 40, 600], false, false]);
    const [z, t] = jvp((x: Tensor) => x.pow(2).sum(), vector(1, 2, 3), vector(1, 10, 100));
    expect([values(z), values(t)]).toEqual([14, 642]);
  });

  it('take and give lists', () => {
    const [a, b] = [vector(1, 2), vector(3, 4)];
    const [[sum, square], [ga, gb]] = vjp(pair, [a, b], [tensor(1, { dtype: 'float64' }), vector(1, 1)]);
    expect([sum, square, ga, gb].map(values)).toEqual([11, [1, 4], [5, 8], [1, 2]]);
    const [, [t1, t2]] = jvp(pair, [a, b], [vector(1, 0), vector(0, 1)]);
    expect([t1, t2].map(values)).toEqual([5, [2, 0]]);
  });

  it('agree with each other: u · (J v) = (uᵀ J) · v', () => {
    manualSeed(1);
    const f = (x: Tensor): Tensor => x.sin().outer(x.exp()).flatten();
    const [x, u, v] = [rand(4, { dtype: 'float64' }), rand(16, { dtype: 'float64' }), rand(4, { dtype: 'float64' })];
    const left = jvp(f, x, v)[1].dot(u).itemSync();
    expect(left).toBeCloseTo(vjp(f, x, u)[1].dot(v).itemSync(), 12);
  });

  it('are zeros for what does not depend on the input, an error in strict mode', () => {
    const constant = (_: Tensor): Tensor => ones(2);
    expect(values(vjp(constant, zeros(3), ones(2))[1])).toEqual([0, 0, 0]);
    expect(values(jvp(constant, zeros(3), ones(3))[1])).toEqual([0, 0]);
    expect(() => vjp(constant, zeros(3), ones(2), { strict: true })).toThrow(/does not require gradients/);
    const first = (a: Tensor, _: Tensor): Tensor => a.mul(2);
    expect(values(vjp(first, [zeros(1), zeros(1)], ones(1))[1][1])).toEqual([0]);
    expect(() => vjp(first, [zeros(1), zeros(1)], ones(1), { strict: true })).toThrow(/independent of input 1/);
  });

  it('take arguments by position and by name', () => {
    const x = vector(1, 2).requiresGrad_();
    const square = (t: Tensor): Tensor => t.pow(2);
    expect(values(vjp(square, x, { v: vector(1, 10) })[1])).toEqual([2, 40]);
    expect(jvp(square, x, vector(1, 10), true)[1].requiresGrad).toBe(true);
    expect(jacobian(square, x, true).requiresGrad).toBe(true);
    expect(values(func.grad((a: Tensor, b: Tensor) => a.mul(b).sum(), { argnums: 1 })(x, vector(3, 4)))).toEqual([
      1, 2,
    ]);
  });

  it('check the vector', () => {
    expect(() => vjp((x: Tensor) => x, zeros(2))).toThrow(ShapeError);
    expect(() => vjp((x: Tensor) => x, zeros(2), ones(3))).toThrow(/shape \[3\] at position 0, expected \[2\]/);
    expect(() => jvp((x: Tensor) => x, zeros(2), [ones(2), ones(2)])).toThrow(/must have 1 tensors/);
    expect(() => vjp(() => 3 as unknown as Tensor, zeros(2), ones(2))).toThrow(
      /result of the function must be a tensor/,
    );
    expect(() => vjp((x: Tensor) => x, zeros(2), ones(2), { creategraph: true } as object)).toThrow(/createGraph/);
    expect(values(vjp((x: Tensor) => x.sum(), zeros(2))[1])).toEqual([1, 1]);
  });

  it('can be differentiated again with createGraph', async () => {
    const x = vector(1, 2).requiresGrad_();
    const [, g] = vjp((t: Tensor) => t.pow(3), x, vector(1, 1), { createGraph: true });
    expect(values(grad(g.sum(), x)[0])).toEqual([6, 12]);
    const product = (t: Tensor): Tensor => jvp((s: Tensor) => s.pow(3), t, vector(1, 2), { createGraph: true })[1];
    expect(await gradcheck(product, [x])).toBe(true);
  });

  it('leave gradients of other tensors alone', () => {
    const w = vector(2, 3).requiresGrad_();
    const x = vector(1, 1).requiresGrad_();
    vjp((t: Tensor) => t.mul(w), x, vector(1, 1));
    expect([w.grad, x.grad]).toEqual([null, null]);
  });
});

describe('jacobian and hessian', () => {
  it('have the shape of the result and that of the input', () => {
    const f = (x: Tensor): Tensor => x.mul(x).sum(1);
    const j = jacobian(
      f,
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(j.shape).toEqual([2, 2, 2]);
    expect(values(j)).toEqual([
      [
        [2, 4],
        [0, 0],
      ],
      [
        [0, 0],
        [6, 8],
      ],
    ]);
    expect(values(jacobian((x: Tensor) => x.sum(), vector(1, 2)))).toEqual([1, 1]);
    expect(jacobian((x: Tensor) => x.narrow(0, 0, 0), vector(1, 2)).shape).toEqual([0, 2]);
  });

  it('are lists for several inputs or results', () => {
    const [a, b] = [vector(1, 2), vector(3, 4)];
    const [[ja, jb], [ka, kb]] = jacobian(pair, [a, b], { vectorize: true, strategy: 'reverse-mode' });
    expect([ja, jb].map(values)).toEqual([
      [3, 4],
      [1, 2],
    ]);
    expect([ka, kb].map(values)).toEqual([
      [
        [2, 0],
        [0, 4],
      ],
      [
        [0, 0],
        [0, 0],
      ],
    ]);
  });

  it('of second order', () => {
    expect(values(hessian((x: Tensor) => x.pow(3).sum(), vector(1, 2)))).toEqual([
      [6, 0],
      [0, 12],
    ]);
    const h = hessian((a: Tensor, b: Tensor) => a.pow(2).mul(b).sum(), [vector(1, 2), vector(3, 4)]);
    expect(h.map((row) => row.map(values))).toEqual([
      [
        [
          [6, 0],
          [0, 8],
        ],
        [
          [2, 0],
          [0, 4],
        ],
      ],
      [
        [
          [2, 0],
          [0, 4],
        ],
        [
          [0, 0],
          [0, 0],
        ],
      ],
    ]);
    expect(() => hessian((x: Tensor) => x, vector(1, 2))).toThrow(AutogradError);
  });

  it('and their products agree', () => {
    const f = (x: Tensor): Tensor =>
      x
        .sin()
        .mul(x.flip([0]))
        .sum();
    const [x, v] = [vector(0.3, 1, -2), vector(1, -1, 2)];
    const expected = values(hessian(f, x).mv(v)) as number[];
    for (const product of [vhp, hvp]) {
      const [y, p] = product(f, x, v);
      expect(y.itemSync()).toBeCloseTo(f(x).itemSync(), 12);
      for (const [i, value] of (values(p) as number[]).entries()) expect(value).toBeCloseTo(expected[i]!, 10);
    }
    const linear = (t: Tensor): Tensor => t.sum();
    expect(values(hvp(linear, x, v)[1])).toEqual([0, 0, 0]);
    expect(() => vhp(linear, x, v, { strict: true })).toThrow(AutogradError);
  });

  it('can be differentiated again with createGraph', async () => {
    const x = vector(0.5, 2).requiresGrad_();
    expect(await gradcheck((t) => jacobian((s: Tensor) => s.pow(3), t!, { createGraph: true }), [x])).toBe(true);
    expect(await gradcheck((t) => hessian((s: Tensor) => s.pow(4).sum(), t!, { createGraph: true }), [x])).toBe(true);
  });
});

describe('func', () => {
  it('differentiates any number of times', () => {
    const cube = (x: Tensor): Tensor => x.pow(3);
    expect(values(func.grad(cube)(tensor(2)))).toBe(12);
    const third = func.grad(func.grad(func.grad(cube)));
    expect([values(third(tensor(2))), third(tensor(2)).requiresGrad]).toEqual([6, false]);
  });

  it('by arguments that are asked for', () => {
    const f = (a: Tensor, b: Tensor, factor: number): Tensor => a.pow(2).mul(b).mul(factor).sum();
    const args = [tensor([3]), tensor([5]), 10] as const;
    expect(values(func.grad(f, 1)(...args))).toEqual([90]);
    expect(
      func
        .grad(
          f,
          [0, 1],
        )(...args)
        .map(values),
    ).toEqual([[300], [90]]);
    const [gradient, value] = func.gradAndValue(f)(...args);
    expect([values(gradient), values(value)]).toEqual([[300], 450]);
    expect(() => func.grad(f as (...xs: unknown[]) => Tensor, 2)(...args)).toThrow(/argument 2 must be a tensor/);
  });

  it('reaches tensors that the function closes over', () => {
    const w = tensor([2], { requiresGrad: true });
    const slope = func.grad((x: Tensor) => x.pow(2).mul(w).sum())(tensor([3]));
    expect(slope.requiresGrad).toBe(true);
    slope.sum().backward();
    expect(values(w.grad)).toEqual([6]);
  });

  it('vjp, jvp, jacrev, jacfwd, hessian', () => {
    const [y, pull] = func.vjp((x: Tensor) => x.pow(2), vector(1, 2));
    expect([values(y), pull(vector(1, 0)).map(values), pull(vector(0, 1)).map(values)]).toEqual([
      [1, 4],
      [[2, 0]],
      [[0, 4]],
    ]);
    expect(func.jvp((x: Tensor) => x.pow(2), [vector(1, 2)], [vector(1, 10)]).map(values)).toEqual([
      [1, 4],
      [2, 40],
    ]);
    const expected = [
      [2, 0],
      [0, 4],
    ];
    expect(values(func.jacrev((x: Tensor) => x.pow(2))(vector(1, 2)))).toEqual(expected);
    expect(values(func.jacfwd((x: Tensor) => x.pow(2))(vector(1, 2)))).toEqual(expected);
    expect(values(func.hessian((x: Tensor) => x.pow(2).mul(vector(1, 2)).sum())(vector(5, 6)))).toEqual(expected);
    const perSample = func.vmap(
      func.grad((w: Tensor, x: Tensor) => w.mul(x).sum().pow(2)),
      [null, 0],
    );
    expect(
      values(
        perSample(
          vector(1, 1),
          tensor(
            [
              [1, 2],
              [3, 4],
            ],
            { dtype: 'float64' },
          ),
        ),
      ),
    ).toEqual([
      [6, 12],
      [42, 56],
    ]);
  });
});
