import '@flambeau/backend-cpu';
import { describe, expect, it } from 'vitest';
import { DTypeError, functional as F, polygamma, ShapeError, special, type Tensor, tensor } from '../src/index.ts';

const values = (t: Tensor): unknown => t.toArraySync();
const x = tensor([-3, -0.5, 0, 0.5, 3], { dtype: 'float64' });
const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN];

// Values at [-3, -0.5, 0, 0.5, 3] by the definitions, computed with 30 digits.
const expected: [string, (x: Tensor) => Tensor, number[]][] = [
  ['relu', F.relu, [0, 0, 0, 0.5, 3]],
  ['relu6', (t) => F.relu6(t.mul(3)), [0, 0, 0, 1.5, 6]],
  ['hardtanh', F.hardtanh, [-1, -0.5, 0, 0.5, 1]],
  ['leakyRelu', (t) => F.leakyRelu(t, 0.1), [-0.3, -0.05, 0, 0.5, 3]],
  ['elu', (t) => F.elu(t, 2), [-1.900425863264272, -0.7869386805747332, 0, 0.5, 3]],
  ['celu', (t) => F.celu(t, 2), [-1.5537396797031404, -0.44239843385719024, 0, 0.5, 3]],
  ['selu', F.selu, [-1.6705687287671118, -0.6917581878028713, 0, 0.5253504936777402, 3.1521029620664414]],
  ['gelu', F.gelu, [-0.0040496940948902835, -0.15426876936299344, 0, 0.34573123063700656, 2.99595030590511]],
  [
    'gelu tanh',
    (t) => F.gelu(t, 'tanh'),
    [-0.003637392081773019, -0.15428599017485609, 0, 0.34571400982514394, 2.996362607918227],
  ],
  ['silu', F.silu, [-0.14227761953270035, -0.18877033439907273, 0, 0.3112296656009273, 2.8577223804672998]],
  ['mish', F.mish, [-0.14564746127562458, -0.22074377465173, 0, 0.37524521130489513, 2.9865350049679575]],
  ['softplus', F.softplus, [0.04858735157374206, 0.4740769841801067, Math.LN2, 0.9740769841801067, 3.048587351573742]],
  [
    'logsigmoid',
    F.logsigmoid,
    [-3.048587351573742, -0.9740769841801067, -Math.LN2, -0.4740769841801067, -0.04858735157374206],
  ],
  ['hardsigmoid', F.hardsigmoid, [0, 2.5 / 6, 0.5, 3.5 / 6, 1]],
  ['hardswish', F.hardswish, [0, (-0.5 * 2.5) / 6, 0, (0.5 * 3.5) / 6, 3]],
  ['hardshrink', (t) => F.hardshrink(t), [-3, 0, 0, 0, 3]],
  ['softshrink', (t) => F.softshrink(t, 0.25), [-2.75, -0.25, 0, 0.25, 2.75]],
  ['tanhshrink', F.tanhshrink, [-2.0049452463132695, -0.03788284273999024, 0, 0.03788284273999024, 2.0049452463132695]],
  ['softsign', F.softsign, [-0.75, -1 / 3, 0, 1 / 3, 0.75]],
  ['threshold', (t) => F.threshold(t, 0.25, 20), [20, 20, 20, 0.5, 3]],
  ['prelu', (t) => F.prelu(t, tensor([0.2], { dtype: 'float64' })), [-0.6, -0.1, 0, 0.5, 3]],
];

describe('activations', () => {
  it.each(expected)('%s', (_, f, list) => {
    const got = f(x).toArraySync() as number[];
    got.forEach((value, i) => {
      expect(value).toBeCloseTo(list[i]!, 14);
    });
  });

  it('take their numbers by position or by name', () => {
    expect(values(F.leakyRelu(x, { negativeSlope: 0.5 }))).toEqual([-1.5, -0.25, 0, 0.5, 3]);
    expect(values(F.hardtanh(x, { maxVal: 2 }))).toEqual([-1, -0.5, 0, 0.5, 2]);
    expect(values(F.threshold(x, { threshold: 0, value: -1 }))).toEqual([-1, -1, -1, 0.5, 3]);
    expect(() => F.leakyRelu(x, { slope: 0.5 } as never)).toThrow(TypeError);
  });

  it('work in place when asked', () => {
    for (const change of [
      (t: Tensor) => F.relu(t, true),
      (t: Tensor) => F.relu(t, { inplace: true }),
      F.relu_,
      (t: Tensor) => t.relu_(),
    ]) {
      const t = tensor([-1, 2]);
      expect(change(t)).toBe(t);
      expect(values(t)).toEqual([0, 2]);
    }
    const t = tensor([-1, 2]);
    F.threshold_(t, 0, 9);
    F.hardtanh(t, 0, 5, true);
    expect(values(t)).toEqual([5, 2]);
  });

  it('keep NaN and meet infinities as PyTorch does', () => {
    const t = tensor([nan, inf, -inf]);
    expect(values(t.relu())).toEqual([nan, inf, 0]);
    expect(values(t.sigmoid())).toEqual([nan, 1, 0]);
    expect(values(t.tanh())).toEqual([nan, 1, -1]);
    expect(values(F.elu(t))).toEqual([nan, inf, -1]);
    expect(values(F.softplus(t))).toEqual([nan, inf, 0]);
    expect(values(F.logsigmoid(t))).toEqual([nan, 0, -inf]);
  });

  it('refuse what has no meaning', () => {
    expect(() => F.gelu(tensor([1n]))).toThrow(DTypeError);
    expect(() => F.gelu(x, 'exact' as 'tanh')).toThrow(TypeError);
    expect(() => tensor([true]).relu()).toThrow(DTypeError);
    expect(() => F.celu(x, 0)).toThrow(RangeError);
    expect(() => F.softshrink(x, -1)).toThrow(RangeError);
    expect(() => F.glu(tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => F.glu(tensor(1))).toThrow(ShapeError);
    expect(() => F.prelu(tensor([[1, 2]]), tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => F.prelu(tensor([1]), tensor([1], { dtype: 'float64' }))).toThrow(DTypeError);
  });

  it('glu halves a dimension, prelu has one slope for each channel', () => {
    expect(
      values(
        F.glu(
          tensor([
            [1, 0],
            [2, 0],
          ]),
          0,
        ),
      ),
    ).toEqual([[Math.fround(1 / (1 + Math.exp(-2))), 0]]);
    expect(
      values(
        F.prelu(
          tensor([
            [
              [-1, 1],
              [-2, -4],
            ],
          ]),
          tensor([0.5, 0.25]),
        ),
      ),
    ).toEqual([
      [
        [-0.5, 1],
        [-0.5, -1],
      ],
    ]);
    expect(values(tensor([[-1, -1]]).prelu(tensor([0.5, 2])))).toEqual([[-0.5, -2]]);
  });
});

describe('special functions', () => {
  const close = (t: Tensor, list: number[]): void => {
    (t.toArraySync() as number[]).forEach((value, i) => {
      expect(value).toBeCloseTo(list[i]!, 12);
    });
  };
  const y = tensor([0.5, 2], { dtype: 'float64' });

  it('have the values of PyTorch', () => {
    close(y.lgamma(), [0.5723649429247001, 0]);
    close(y.digamma(), [-1.9635100260214235, 0.42278433509846713]);
    close(polygamma(1, y), [4.934802200544679, 0.6449340668482264]);
    close(y.polygamma(2), [-16.82879664423432, -0.4041138063191886]);
    close(tensor([2, 3], { dtype: 'float64' }).mvlgamma(2), [0.4515827052894549, 1.5501949939575645]);
    close(special.gammainc(y, y), [0.6826894921370859, 0.5939941502901619]);
    close(special.gammaincc(y, y), [0.31731050786291415, 0.40600584970983794]);
    close(special.zeta(y.add(1), 1), [2.612375348685488, 1.2020569031595942]);
    close(y.i0(), [1.0634833707413236, 2.2795853023360673]);
    close(special.ndtr(y), [0.6914624612740131, 0.9772498680518208]);
    close(special.logNdtr(tensor([-20, 2], { dtype: 'float64' })), [-203.91715537109727, -0.02301290932896349]);
    close(special.entr(y), [0.34657359027997264, -1.3862943611198906]);
    expect(special.expit).toBe(F.sigmoid);
  });

  it('make floats of integers and refuse negative orders', () => {
    expect(tensor([1n, 2n]).lgamma().dtype).toBe('float32');
    expect(() => y.polygamma(-1)).toThrow(RangeError);
    expect(() => y.mvlgamma(0)).toThrow(RangeError);
    expect(() => tensor([1n]).igamma(tensor([1n]))).toThrow(DTypeError);
    expect(values(polygamma.inplace(0, tensor([1], { dtype: 'float64' })))).toEqual([-0.5772156649015323]);
  });
});
