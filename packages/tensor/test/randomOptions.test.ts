import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import {
  AutogradError,
  arange,
  bernoulli,
  DTypeError,
  defaultGenerator,
  FlambeauError,
  Generator,
  getRngState,
  initialSeed,
  manualSeed,
  multinomial,
  noGrad,
  normal,
  ones,
  poisson,
  rand,
  randint,
  randn,
  randperm,
  ShapeError,
  seed,
  setRngState,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const values = (x: Tensor): unknown => x.toArraySync();

describe('the global generator', () => {
  it('gives the same numbers after the same seed, and is what manualSeed returns', () => {
    expect(manualSeed(3)).toBe(defaultGenerator());
    const first = values(rand(4));
    expect(values(rand(4))).not.toEqual(first);
    manualSeed(3);
    expect(values(rand(4))).toEqual(first);
    expect(initialSeed()).toBe(3);
  });

  it('takes negative and large seeds modulo 2^64', () => {
    manualSeed(-1);
    expect(initialSeed()).toBe(2n ** 64n - 1n);
    expect(() => manualSeed(2n ** 64n)).toThrow(RangeError);
    expect(() => manualSeed(0.5)).toThrow(RangeError);
    expect(initialSeed()).toBe(2n ** 64n - 1n);
  });

  it('gets another seed each time from seed()', () => {
    const a = seed();
    expect(initialSeed()).toBe(a);
    expect(seed()).not.toBe(a);
  });

  it('continues from a saved state, cached normal included', () => {
    manualSeed(5);
    randn(3);
    const state = getRngState();
    expect([state.dtype, state.shape]).toEqual(['uint8', [5056]]);
    const after = [values(randn(2)), values(rand(2))];
    setRngState(state);
    expect([values(randn(2)), values(rand(2))]).toEqual(after);
  });

  it('refuses what is no state and stays as it was', () => {
    manualSeed(5);
    const before = values(getRngState());
    expect(() => setRngState(zeros(4, { dtype: 'uint8' }))).toThrow(FlambeauError);
    expect(() => setRngState(zeros(5056, { dtype: 'uint8' }))).toThrow(FlambeauError);
    expect(() => setRngState(zeros(5056))).toThrow(DTypeError);
    expect(values(getRngState())).toEqual(before);
  });
});

describe('options', () => {
  const draws: Record<string, (generator: Generator | null) => Tensor> = {
    rand: (generator) => rand(3, { generator }),
    randn: (generator) => randn([3], { generator }),
    randint: (generator) => randint(0, 100, [3], { generator }),
    randperm: (generator) => randperm(20, { generator }),
    normal: (generator) => normal(0, 1, [3], { generator }),
    'normal of tensors': (generator) => normal(zeros(3), ones(3), { generator }),
    poisson: (generator) => poisson(ones(20), { generator }),
    bernoulli: (generator) => bernoulli(ones(30).mul(0.5), { generator }),
    multinomial: (generator) => multinomial(ones(30), 5, { generator }),
    uniform_: (generator) => zeros(3).uniform_({ generator }),
    normal_: (generator) => zeros(3).normal_(0, 1, { generator }),
    random_: (generator) => zeros(3).random_(100, { generator }),
    bernoulli_: (generator) => zeros(30).bernoulli_({ generator }),
    exponential_: (generator) => zeros(3).exponential_(1, { generator }),
    geometric_: (generator) => zeros(9).geometric_(0.1, { generator }),
    cauchy_: (generator) => zeros(3).cauchy_({ generator }),
    logNormal_: (generator) => zeros(3).logNormal_({ generator }),
  };
  it.each(Object.keys(draws))('%s draws from the generator that it is given, from the global one for null', (name) => {
    manualSeed(1);
    const untouched = values(getRngState());
    const own = values(draws[name]!(new Generator().manualSeed(9)));
    expect(values(getRngState())).toEqual(untouched);
    manualSeed(9);
    expect(values(draws[name]!(null))).toEqual(own);
    expect(values(draws[name]!(null))).not.toEqual(own);
  });

  it('out receives the numbers, in its own dtype and memory order', () => {
    const out = zeros(2, 3, { dtype: 'float64' });
    const { version } = out.storage;
    manualSeed(2);
    expect(rand(2, 3, { out })).toBe(out);
    expect(out.storage.version).toBe(version + 1);
    manualSeed(2);
    expect(values(rand(2, 3, { dtype: 'float64' }))).toEqual(values(out));
    const transposed = zeros(3, 2, { dtype: 'int64' }).t();
    randint(5, 10, [2, 3], { out: transposed });
    expect((values(transposed) as number[][]).flat().every((x) => x >= 5 && x < 10)).toBe(true);
    expect(values(randperm(3, { out: zeros(3) }).sort().values)).toEqual([0, 1, 2]);
    expect(bernoulli(ones(3), { out: zeros(3, { dtype: 'float64' }) }).dtype).toBe('float64');
  });

  it('out of another shape or dtype is refused before anything is drawn', () => {
    manualSeed(2);
    const before = values(getRngState());
    expect(() => rand(2, { out: zeros(3) })).toThrow(ShapeError);
    expect(() => rand(2, { out: zeros(2), dtype: 'float64' })).toThrow(DTypeError);
    expect(() => randn(3, { out: zeros(1).expand(3) })).toThrow(ShapeError);
    expect(() => rand(2, { out: zeros(2, { dtype: 'int32' }) })).toThrow(DTypeError);
    expect(values(getRngState())).toEqual(before);
  });

  it('in-place methods return the tensor, count a change, and take arguments by name', () => {
    const x = zeros(4);
    const { version } = x.storage;
    expect(x.uniform_({ from: 2, to: 3 })).toBe(x);
    expect(x.storage.version).toBe(version + 1);
    expect((values(x) as number[]).every((v) => v >= 2 && v < 3)).toBe(true);
    expect(values(x.normal_({ mean: 5, std: 0 }))).toEqual([5, 5, 5, 5]);
    expect((values(x.random_({ from: 7, to: 9 })) as number[]).every((v) => v === 7 || v === 8)).toBe(true);
  });

  it('misspelt options name the right one', () => {
    expect(() => rand(2, { genrator: null } as never)).toThrow("did you mean 'generator'?");
    expect(() => zeros(2).normal_({ sigma: 1 } as never)).toThrow(TypeError);
    expect(() => zeros(2).uniform_(0, 1, { to: 2 })).toThrow('both by position and by name');
  });
});

describe('wrong use', () => {
  const calls: [string, () => unknown, new (...args: never[]) => Error][] = [
    ['rand of integers', () => rand(3, { dtype: 'int64' }), DTypeError],
    ['randn of bools', () => randn(3, { dtype: 'bool' }), DTypeError],
    ['rand of a negative size', () => rand(-1), ShapeError],
    ['rand of a fraction', () => rand(2.5), TypeError],
    ['randint of an empty range', () => randint(5, 5, [2]), RangeError],
    ['randint beyond int32', () => randint(0, 2 ** 40, [2]), RangeError],
    ['randint below uint8', () => randint(-1, 5, [2], { dtype: 'uint8' }), RangeError],
    ['randint beyond uint8', () => randint(0, 257, [2], { dtype: 'uint8' }), RangeError],
    ['randint beyond float16', () => randint(0, 70000, [2], { dtype: 'float16' }), RangeError],
    ['randint of a fraction', () => randint(0.5, [2]), TypeError],
    ['randint without a size', () => randint(5 as never, 6 as never), TypeError],
    ['randint with a number as size', () => randint(0, 5, 3 as never), TypeError],
    ['randint of complex numbers', () => randint(5, [2], { dtype: 'complex64' }), DTypeError],
    ['randperm of a negative number', () => randperm(-1), RangeError],
    ['randperm beyond uint8', () => randperm(300, { dtype: 'uint8' }), RangeError],
    ['randperm of complex numbers', () => randperm(3, { dtype: 'complex64' }), DTypeError],
    ['normal of numbers without a size', () => normal(0, 1), TypeError],
    ['normal of tensors with a size', () => normal(zeros(2), 1, [2]), TypeError],
    ['normal of tensors with a dtype', () => normal(zeros(2), 1, { dtype: 'float64' }), TypeError],
    ['normal with a negative std', () => normal(0, -1, [2]), RangeError],
    ['normal with a negative std tensor', () => normal(0, tensor([1, -1])), RangeError],
    ['normal of shapes that do not broadcast', () => normal(zeros(3), ones(2)), ShapeError],
    ['normal of integers', () => normal(arange(3), 1), DTypeError],
    ['poisson of integers', () => poisson(arange(3)), DTypeError],
    ['poisson of negative rates', () => poisson(tensor([-1])), RangeError],
    ['poisson of infinite rates', () => poisson(tensor([Infinity])), RangeError],
    ['bernoulli of integers', () => bernoulli(arange(2)), DTypeError],
    ['bernoulli beyond 1', () => bernoulli(tensor([0.5, 2])), RangeError],
    ['bernoulli of NaN', () => bernoulli(tensor([NaN])), RangeError],
    ['bernoulli_ of probabilities that do not fit', () => zeros(3).bernoulli_(tensor([0.1, 0.2])), ShapeError],
    ['bernoulli_ of probabilities that are larger', () => zeros(1).bernoulli_(tensor([0.1, 0.2])), ShapeError],
    ['multinomial of integers', () => multinomial(arange(3), 1), DTypeError],
    ['multinomial of a cube', () => multinomial(ones(2, 2, 2), 1), ShapeError],
    ['multinomial of a number', () => multinomial(ones([]), 1), ShapeError],
    ['multinomial of more than there are', () => multinomial(ones(2), 3), RangeError],
    ['multinomial of no categories', () => multinomial(ones(3, 0), 1), RangeError],
    ['multinomial of half a sample', () => multinomial(ones(3), 1.5), TypeError],
    ['uniform_ of integers', () => zeros(3, { dtype: 'int32' }).uniform_(), DTypeError],
    ['uniform_ of an empty range', () => zeros(3).uniform_(1, 0), RangeError],
    ['exponential_ of integers', () => zeros(3, { dtype: 'int32' }).exponential_(), DTypeError],
    ['geometric_ without p', () => (zeros(3).geometric_ as () => Tensor).call(zeros(3)), TypeError],
    ['geometric_ of bools', () => zeros(3, { dtype: 'bool' }).geometric_(0.5), DTypeError],
    ['random_ of complex numbers', () => zeros(3, { dtype: 'complex64' }).random_(), DTypeError],
    ['random_ beyond int8', () => zeros(3, { dtype: 'int8' }).random_(200), RangeError],
    ['uniform_ of expanded memory', () => ones(1).expand(3).uniform_(), ShapeError],
    ['uniform_ of a leaf that requires grad', () => ones(3, { requiresGrad: true }).uniform_(), AutogradError],
    [
      'normal into out with gradients to a leaf',
      () => rand(3, { out: ones(3, { requiresGrad: true }) }),
      AutogradError,
    ],
  ];
  it.each(calls)('%s draws nothing', (_, call, error) => {
    manualSeed(0);
    const before = values(getRngState());
    expect(call).toThrow(error);
    expect(values(getRngState())).toEqual(before);
  });

  it('leaves a tensor unchanged', () => {
    const x = ones(3);
    const { version } = x.storage;
    expect(() => x.uniform_(1, 0)).toThrow(RangeError);
    expect(() => x.bernoulli_(tensor(2))).toThrow(RangeError);
    expect(values(x)).toEqual([1, 1, 1]);
    expect(x.storage.version).toBe(version);
  });

  it('a leaf may be filled inside noGrad', () => {
    const x = ones(3, { requiresGrad: true });
    noGrad(() => x.uniform_(5, 6));
    expect(x.isLeaf).toBe(true);
    expect((values(x) as number[]).every((v) => v >= 5)).toBe(true);
  });
});

describe('tensors without elements, and of one', () => {
  it('are made without a draw', () => {
    manualSeed(0);
    const before = values(getRngState());
    expect([rand(0).shape, randn(2, 0).shape, randint(5, [0]).shape, randperm(0).shape]).toEqual([
      [0],
      [2, 0],
      [0],
      [0],
    ]);
    expect(multinomial(ones(0, 3), 1).shape).toEqual([0, 1]);
    expect(bernoulli(ones(0)).shape).toEqual([0]);
    expect(zeros(3, 0).t().uniform_().shape).toEqual([0, 3]);
    expect(values(getRngState())).toEqual(before);
  });

  it('0-d tensors get one number', () => {
    manualSeed(0);
    expect(rand([]).itemSync()).toBe(Math.fround(0.49625658988952637));
    manualSeed(0);
    expect(zeros([]).uniform_().itemSync()).toBe(Math.fround(0.49625658988952637));
  });
});
