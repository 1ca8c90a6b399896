import '@flambeau/backend-cpu';
import { setCodeGeneration } from '@flambeau/backend-cpu';
import { arange, type DType, type Tensor } from '@flambeau/tensor';
import { afterEach, describe, expect, it } from 'vitest';

afterEach(() => setCodeGeneration(undefined));

/** The elements in the order of a view, one by one. */
function elements(x: Tensor, data: ArrayLike<unknown>): unknown[] {
  const walk = (d: number, offset: number): unknown[] =>
    d === x.ndim
      ? [data[offset]]
      : Array.from({ length: x.shape[d]! }, (_, i) => walk(d + 1, offset + i * x.strides[d]!)).flat();
  return walk(0, x.offset);
}

describe('copies that exchange dimensions', () => {
  const layouts: [string, (x: Tensor) => Tensor][] = [
    ['a matrix', (x) => x.view(90, 70).t()],
    ['a part of a matrix', (x) => x.view(90, 70).narrow(0, 3, 50).narrow(1, 7, 33).t()],
    ['a batch of matrices', (x) => x.view(7, 30, 30).transpose(1, 2)],
    ['channels to the end', (x) => x.view(2, 50, 9, 7).permute(0, 2, 3, 1)],
    ['all dimensions reversed', (x) => x.view(18, 10, 35).T],
    ['reversed rows', (x) => x.view(90, 70).flip(0).t()],
  ];
  const dtypes: DType[] = ['float32', 'float64', 'int32', 'int64', 'uint8', 'bool', 'bfloat16'];

  it.each(layouts.flatMap(([name, view]) => dtypes.map((dtype) => ({ name, view, dtype }))))(
    '$name of $dtype',
    ({ view, dtype }) => {
      const x = view(arange(6300).remainder(250).to(dtype));
      const expected = elements(x, x.storage.data as ArrayLike<unknown>);
      expect(Array.from(x.contiguous().storage.data as ArrayLike<unknown>)).toEqual(expected);
      setCodeGeneration(false);
      expect(Array.from(x.contiguous().storage.data as ArrayLike<unknown>)).toEqual(expected);
    },
  );
});
