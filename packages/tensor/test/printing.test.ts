import { describe, expect, it } from 'vitest';
import type { DType, TypedArray } from '../src/dtype.ts';
import { bfloat16ToNumber, float16ToNumber } from '../src/float16.ts';
import type { PrintOptionChanges } from '../src/printing/options.ts';
import { changePrintOptions, defaultPrintOptions } from '../src/printing/options.ts';
import type { Printable } from '../src/printing/tensor.ts';
import { formatTensor, formatUnread } from '../src/printing/tensor.ts';
import type { GoldenTensor } from './golden.ts';
import { elementsOf, readFixture } from './golden.ts';

interface GoldenText {
  id: string;
  expr: string | null;
  printoptions: Omit<PrintOptionChanges, 'sciMode'> & { sci_mode?: boolean };
  tensor: GoldenTensor;
  requires_grad: boolean;
  grad_fn: string | null;
  is_parameter: boolean;
  default_dtype?: DType;
  str: string;
}

const golden = readFixture<GoldenText[]>('repr.json.gz');

function reader(dtype: DType, data: TypedArray): Printable['read'] {
  switch (dtype) {
    case 'bool':
      return (i) => data[i] === 1;
    case 'float16':
      return (i) => float16ToNumber(data[i] as number);
    case 'bfloat16':
      return (i) => bfloat16ToNumber(data[i] as number);
    case 'complex64':
    case 'complex128':
      return (i) => ({ re: data[2 * i] as number, im: data[2 * i + 1] as number });
    default:
      return (i) => data[i]!;
  }
}

function printable(dtype: DType, shape: readonly number[], data: TypedArray, rest: Partial<Printable> = {}): Printable {
  return { dtype, shape, read: reader(dtype, data), ...rest };
}

const options = (changes: PrintOptionChanges = {}) => changePrintOptions(defaultPrintOptions(), changes);

describe('tensors are printed as PyTorch prints them', () => {
  it.each(golden)(
    '$id: $expr',
    ({ tensor, printoptions, requires_grad, grad_fn, is_parameter, default_dtype, str }) => {
      const { sci_mode, ...changes } = printoptions;
      const view = printable(tensor.$t.dtype, tensor.$t.shape, elementsOf(tensor), {
        requiresGrad: requires_grad,
        gradFnName: grad_fn,
        isParameter: is_parameter,
      });
      expect(formatTensor(view, options({ ...changes, sciMode: sci_mode }), default_dtype)).toBe(str);
    },
  );
});

describe('beyond what PyTorch 1.13 does', () => {
  const ones = printable('float32', [2], Float32Array.of(1, 1));

  it('a device other than the CPU is named', () => {
    expect(formatTensor({ ...ones, device: 'webgpu:0' }, options())).toBe("tensor([1., 1.], device='webgpu:0')");
    expect(formatTensor({ ...ones, device: 'cpu' }, options())).toBe('tensor([1., 1.])');
  });

  it('suffixes that do not fit into the line start a new one', () => {
    const view = { ...ones, device: 'webgpu:0', dtype: 'float64', gradFnName: 'AddBackward0' } as const;
    expect(formatTensor(view, options({ linewidth: 40 }))).toBe(
      "tensor([1., 1.], device='webgpu:0',\n       dtype=torch.float64,\n       grad_fn=<AddBackward0>)",
    );
  });

  it('elements that cannot be read yet are replaced by the shape', () => {
    const unread = (shape: number[], rest: Partial<Printable> = {}) =>
      formatUnread({ dtype: 'float32', shape, device: 'webgpu:0', ...rest }, options());
    expect(unread([4, 3])).toBe("tensor(<4x3>, device='webgpu:0')");
    expect(unread([])).toBe("tensor(<scalar>, device='webgpu:0')");
    expect(unread([0], { dtype: 'int32' })).toBe("tensor(<0>, device='webgpu:0', dtype=torch.int32)");
    expect(unread([2], { requiresGrad: true, isParameter: true })).toBe(
      "Parameter containing:\ntensor(<2>, device='webgpu:0', requires_grad=True)",
    );
  });

  it('edgeitems 0 leaves only the ellipsis', () => {
    const view = printable('int64', [2, 3], BigInt64Array.of(1n, 2n, 3n, 4n, 5n, 6n));
    expect(formatTensor(view, options({ threshold: 2, edgeitems: 0 }))).toBe('tensor([...])');
    expect(formatTensor({ ...view, shape: [6] }, options({ threshold: 2, edgeitems: 0 }))).toBe('tensor([...])');
  });

  it('a large tensor is read only where it is printed', () => {
    const indices = new Set<number>();
    const read = (index: number) => {
      indices.add(index);
      return index % 7;
    };
    const text = formatTensor({ dtype: 'int32', shape: [100000, 5, 100000], read }, options());
    expect(indices.size).toBe(6 * 5 * 6);
    expect(text.split('\n')[0]).toBe('tensor([[[0, 1, 2,  ..., 2, 3, 4],');
  });
});

describe('print options', () => {
  it('start as PyTorch’s', () => {
    expect(defaultPrintOptions()).toEqual({
      precision: 4,
      threshold: 1000,
      edgeitems: 3,
      linewidth: 80,
      sciMode: null,
    });
  });

  it('change one by one, and sciMode goes back to automatic', () => {
    const changed = options({ precision: 2, sciMode: true });
    expect(changed).toEqual({ ...defaultPrintOptions(), precision: 2, sciMode: true });
    expect(changePrintOptions(changed, { linewidth: 100, edgeitems: undefined })).toEqual({
      ...defaultPrintOptions(),
      precision: 2,
      linewidth: 100,
    });
  });

  it('a profile comes before single options', () => {
    expect(options({ profile: 'short', edgeitems: 4 })).toEqual({
      ...defaultPrintOptions(),
      precision: 2,
      edgeitems: 4,
    });
    expect(options({ profile: 'full' }).threshold).toBe(Infinity);
    expect(changePrintOptions(options({ precision: 7 }), { profile: 'default' })).toEqual(defaultPrintOptions());
  });

  it.each<[object, ErrorConstructor]>([
    [{ precision: -1 }, RangeError],
    [{ precision: 1.5 }, RangeError],
    [{ precision: 101 }, RangeError],
    [{ edgeitems: -1 }, RangeError],
    [{ threshold: NaN }, RangeError],
    [{ linewidth: '80' }, TypeError],
    [{ profile: 'tiny' }, TypeError],
    [{ sciMode: 1 }, TypeError],
    [{ lineWidth: 80 }, TypeError],
  ])('%o is refused', (changes, error) => {
    expect(() => options(changes as PrintOptionChanges)).toThrow(error);
  });
});
