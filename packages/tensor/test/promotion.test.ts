import '@flambeau/backend-cpu';
import {
  canCast,
  type DType,
  ones,
  promoteTypes,
  resultType,
  setDefaultDtype,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/tensor';
import { afterEach, describe, expect, it } from 'vitest';

afterEach(() => setDefaultDtype('float32'));

const names: Record<string, DType> = {
  b: 'bool',
  u1: 'uint8',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  f2: 'float16',
  bf: 'bfloat16',
  f4: 'float32',
  f8: 'float64',
  c8: 'complex64',
  c16: 'complex128',
};
const columns = Object.keys(names);

/** Rows `a: result result …`, one result for each column, as PyTorch 1.13 gives them. */
function* cells(
  table: string,
  heads: readonly string[] = columns,
): Iterable<[row: DType, column: string, result: string]> {
  for (const line of table.trim().split('\n')) {
    const [row, ...results] = line.trim().split(/:?\s+/);
    expect(results).toHaveLength(heads.length);
    for (const [i, result] of results.entries()) yield [names[row!]!, heads[i]!, result];
  }
}

describe('PyTorch’s tables', () => {
  it('promote_types', () => {
    const table = `
      b:   b   u1  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
      u1:  u1  u1  i2  i2  i4  i8  f2  bf  f4  f8  c8  c16
      i1:  i1  i2  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
      i2:  i2  i2  i2  i2  i4  i8  f2  bf  f4  f8  c8  c16
      i4:  i4  i4  i4  i4  i4  i8  f2  bf  f4  f8  c8  c16
      i8:  i8  i8  i8  i8  i8  i8  f2  bf  f4  f8  c8  c16
      f2:  f2  f2  f2  f2  f2  f2  f2  f4  f4  f8  c8  c16
      bf:  bf  bf  bf  bf  bf  bf  f4  bf  f4  f8  c8  c16
      f4:  f4  f4  f4  f4  f4  f4  f4  f4  f4  f8  c8  c16
      f8:  f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  c16 c16
      c8:  c8  c8  c8  c8  c8  c8  c8  c8  c8  c16 c8  c16
      c16: c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16`;
    for (const [a, b, result] of cells(table)) {
      expect(promoteTypes(a, names[b]!), `${a} ${b}`).toBe(names[result]);
      expect(resultType(zeros(2, { dtype: a }), zeros(1, { dtype: names[b]! })), `${a} ${b}`).toBe(names[result]);
      expect(resultType(zeros([], { dtype: a }), zeros([], { dtype: names[b]! })), `${a} ${b}`).toBe(names[result]);
    }
  });

  it('can_cast', () => {
    const integer = '. x x x x x x x x x x x';
    const floating = '. . . . . . x x x x x x';
    const complex = '. . . . . . . . . . x x';
    const table = [
      'b: x x x x x x x x x x x x',
      ...['u1', 'i1', 'i2', 'i4', 'i8'].map((row) => `${row}: ${integer}`),
      ...['f2', 'bf', 'f4', 'f8'].map((row) => `${row}: ${floating}`),
      ...['c8', 'c16'].map((row) => `${row}: ${complex}`),
    ].join('\n');
    for (const [from, to, result] of cells(table))
      expect(canCast(from, names[to]!), `${from} ${to}`).toBe(result === 'x');
  });

  it('result_type of a tensor with dimensions (rows) and a 0-d one; without complex32, complex64 stands for it', () => {
    const table = `
      b:   b   u1  i1  i2  i4  i8  f2  bf  f4  f8  c8  c16
      u1:  u1  u1  u1  u1  u1  u1  f2  bf  f4  f8  c8  c16
      i1:  i1  i1  i1  i1  i1  i1  f2  bf  f4  f8  c8  c16
      i2:  i2  i2  i2  i2  i2  i2  f2  bf  f4  f8  c8  c16
      i4:  i4  i4  i4  i4  i4  i4  f2  bf  f4  f8  c8  c16
      i8:  i8  i8  i8  i8  i8  i8  f2  bf  f4  f8  c8  c16
      f2:  f2  f2  f2  f2  f2  f2  f2  f2  f2  f2  c8  c8
      bf:  bf  bf  bf  bf  bf  bf  bf  bf  bf  bf  c8  c8
      f4:  f4  f4  f4  f4  f4  f4  f4  f4  f4  f4  c8  c8
      f8:  f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  c16 c16
      c8:  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8
      c16: c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16`;
    for (const [a, b, result] of cells(table)) {
      const [dimensioned, zeroDim] = [zeros(2, { dtype: a }), zeros([], { dtype: names[b]! })];
      expect(resultType(dimensioned, zeroDim), `${a} ${b}`).toBe(names[result]);
      expect(resultType(zeroDim, dimensioned), `${b} ${a}`).toBe(names[result]);
    }
  });

  it('result_type of a tensor and a number', () => {
    const scalars = { true: true, 2: 2, '2n': 2n, 2.5: 2.5 };
    const table = `
      b:   b   i8  i8  f4
      u1:  u1  u1  u1  f4
      i1:  i1  i1  i1  f4
      i2:  i2  i2  i2  f4
      i4:  i4  i4  i4  f4
      i8:  i8  i8  i8  f4
      f2:  f2  f2  f2  f2
      bf:  bf  bf  bf  bf
      f4:  f4  f4  f4  f4
      f8:  f8  f8  f8  f8
      c8:  c8  c8  c8  c8
      c16: c16 c16 c16 c16`;
    const heads = ['true', '2', '2n', '2.5'] as const;
    for (const [a, scalar, result] of cells(table, heads)) {
      const value = scalars[scalar as keyof typeof scalars];
      expect(resultType(zeros(2, { dtype: a }), value), `${a} ${scalar}`).toBe(names[result]);
      expect(resultType(value, zeros([], { dtype: a })), `${scalar} ${a}`).toBe(names[result]);
    }
  });
});

describe('ops follow', () => {
  const results: [string, () => Tensor, DType][] = [
    ['int32 + 1', () => tensor([1], { dtype: 'int32' }).add(1), 'int32'],
    ['int32 + 1.5', () => tensor([1], { dtype: 'int32' }).add(1.5), 'float32'],
    ['int32 + NaN', () => tensor([1], { dtype: 'int32' }).add(Number.NaN), 'float32'],
    ['int32 + 1e300, no safe integer', () => tensor([1], { dtype: 'int32' }).add(1e300), 'float32'],
    ['uint8 + int8', () => tensor([1], { dtype: 'uint8' }).add(tensor([1], { dtype: 'int8' })), 'int16'],
    ['bool + true', () => tensor([true]).add(true), 'bool'],
    ['bool + 1', () => tensor([true]).add(1), 'int64'],
    ['int32 / int32', () => tensor([1], { dtype: 'int32' }).div(2), 'float32'],
    ['int32 < 1.5', () => tensor([1], { dtype: 'int32' }).lt(1.5), 'bool'],
    ['float16 + float64 0-d', () => ones(2, { dtype: 'float16' }).add(tensor(1, { dtype: 'float64' })), 'float16'],
    ['exp of int64', () => tensor([1n]).exp(), 'float32'],
  ];
  it.each(results)('%s', (_, compute, dtype) => {
    expect(compute().dtype).toBe(dtype);
  });

  it('the default dtype, which is what numbers with fractions are', () => {
    setDefaultDtype('float64');
    expect(tensor([1], { dtype: 'int32' }).add(1.5).dtype).toBe('float64');
    expect(tensor([1], { dtype: 'int32' }).div(2).dtype).toBe('float64');
    expect(tensor([1.5]).dtype).toBe('float64');
    expect(resultType(1, 2.5)).toBe('float64');
    setDefaultDtype('half');
    expect(tensor([1n]).exp().dtype).toBe('float16');
  });
});
