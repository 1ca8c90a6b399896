import { isPlainObject, nearest, shapeArguments, signature } from '@flambeau/tensor/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

interface SumOptions {
  dim: number | null;
  keepdim: boolean;
  dtype: string | undefined;
}

const parse = signature<SumOptions>('sum', ['dim', 'keepdim'], { dim: null, keepdim: false, dtype: undefined });

describe('arguments by position and by name', () => {
  const forms: [readonly unknown[], Partial<SumOptions>][] = [
    [[], {}],
    [[1], { dim: 1 }],
    [[1, true], { dim: 1, keepdim: true }],
    [[1, { keepdim: true }], { dim: 1, keepdim: true }],
    [[{ dim: 1, dtype: 'int64' }], { dim: 1, dtype: 'int64' }],
    [[null, true], { keepdim: true }],
    [[undefined, true], { keepdim: true }],
    [[1, undefined], { dim: 1 }],
    [[1, false, undefined], { dim: 1 }],
    [[1, undefined, undefined, { dtype: 'int64' }], { dim: 1, dtype: 'int64' }],
    [[{ dim: 1 }, undefined], { dim: 1 }],
    [[{ dim: undefined }], {}],
    [[1, { dim: undefined }], { dim: 1 }],
    [[undefined, { dim: 2 }], { dim: 2 }],
    [[Object.assign(Object.create(null), { dim: 3 })], { dim: 3 }],
  ];
  it.each(forms)('%j', (args, expected) => {
    expect(parse(args)).toEqual({ dim: null, keepdim: false, dtype: undefined, ...expected });
  });

  const wrong: [readonly unknown[], string][] = [
    [[1, true, 3], 'sum() takes at most 2 positional arguments here (dim, keepdim), got 3'],
    [[1, true, 'int64', {}], 'takes at most 2 positional arguments'],
    [[1, { dim: 1 }], "sum(): argument 'dim' was given both by position and by name"],
    [[{ keepDim: true }], "sum(): unknown option 'keepDim'; did you mean 'keepdim'?"],
    [[{ dtpye: 'int64' }], "did you mean 'dtype'?"],
    [[{ constructor: 1 }], "unknown option 'constructor'"],
  ];
  it.each(wrong)('%j is a TypeError', (args, message) => {
    expect(() => parse(args)).toThrow(TypeError);
    expect(() => parse(args)).toThrow(message);
  });

  it('names what is missing', () => {
    const required = signature<{ n: number; out: unknown }>('pick', ['n'], { out: undefined });
    expect(required([2])).toEqual({ n: 2, out: undefined });
    expect(required([{ n: 2 }])).toEqual({ n: 2, out: undefined });
    expect(() => required([])).toThrow("pick(): missing argument 'n'");
    expect(() => required([undefined, {}])).toThrow("pick(): missing argument 'n'");
  });

  it('a function without options says so', () => {
    expect(() => signature('seed', [], {})([{ x: 1 }])).toThrow("seed(): unknown option 'x'; it takes no options");
  });

  it('leaves the defaults as they were', () => {
    const defaults = { dim: null, keepdim: false, dtype: undefined };
    signature<SumOptions>('sum', ['dim', 'keepdim'], defaults)([1, true]);
    expect(defaults).toEqual({ dim: null, keepdim: false, dtype: undefined });
  });
});

describe('only plain objects are options', () => {
  class Options {
    dim = 1;
  }
  const values: [unknown, boolean][] = [
    [{}, true],
    [Object.create(null), true],
    [[], false],
    [new Options(), false],
    [new Map(), false],
    [new Float32Array(1), false],
    [null, false],
    [undefined, false],
    ['dim', false],
    [() => 1, false],
  ];
  it.each(values)('%o: %s', (value, expected) => {
    expect(isPlainObject(value)).toBe(expected);
  });
});

describe('the nearest word', () => {
  it('is the one itself, else one that takes the fewest changes, whatever the case', () => {
    expect(nearest('keepdims', ['dim', 'keepdim', 'dtype'])).toBe('keepdim');
    expect(nearest('DTYPE', ['dim', 'keepdim', 'dtype'])).toBe('dtype');
    expect(nearest('x', [])).toBeUndefined();
    const word = fc.string({ minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 5, selector: (w) => w.toLowerCase() }), (words) => {
        for (const w of words) expect(nearest(w, words)).toBe(w);
      }),
    );
  });
});

describe('shapes', () => {
  const forms: [readonly unknown[], readonly [number[], object]][] = [
    [
      [2, 3],
      [[2, 3], {}],
    ],
    [[[2, 3]], [[2, 3], {}]],
    [[], [[], {}]],
    [[[]], [[], {}]],
    [
      [2, { dtype: 'int64' }],
      [[2], { dtype: 'int64' }],
    ],
    [
      [[2], { dtype: 'int64' }],
      [[2], { dtype: 'int64' }],
    ],
    [
      [2, undefined],
      [[2], {}],
    ],
    [
      [[2], undefined],
      [[2], {}],
    ],
  ];
  it.each(forms)('%j', (args, expected) => {
    expect(shapeArguments('zeros', args)).toEqual(expected);
  });

  it('are copied', () => {
    const shape = [1, 2];
    expect(shapeArguments('zeros', [shape])[0]).not.toBe(shape);
  });

  it.each([[[2.5]], [['2']], [[null, 2]], [[[2], 3]], [[2n]], [[Number.NaN]]])('%o is a TypeError', (args) => {
    expect(() => shapeArguments('zeros', args)).toThrow(TypeError);
    expect(() => shapeArguments('zeros', args)).toThrow('zeros(): sizes must be integers');
  });
});
