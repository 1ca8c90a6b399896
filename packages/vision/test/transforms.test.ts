import '@flambeau/backend-cpu';
import { inspect } from 'node:util';
import { DTypeError, ones, ShapeError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { transforms } from '../src/index.ts';
import { decodeTensor, type EncodedTensor, readGoldens } from './goldens.ts';

interface Golden {
  id: string;
  fn: 'normalize' | 'to_tensor';
  input: { $t: EncodedTensor; $pil: { data: { $t: EncodedTensor } }; $ndarray: { $t: EncodedTensor } };
  args: number[][];
  out: { $t: EncodedTensor };
}

const goldens = readGoldens<Golden[]>('transforms.json.gz');
const { Compose, Normalize, ToTensor, Transform, functional } = transforms;

function expectEqual(x: Tensor, golden: EncodedTensor): void {
  const expected = decodeTensor(golden);
  expect([x.dtype, x.shape]).toEqual([expected.dtype, expected.shape]);
  expect(x.toTypedArraySync()).toEqual(expected.toTypedArraySync());
}

describe('transforms give the numbers of torchvision', () => {
  it.each(goldens.filter(({ fn }) => fn === 'normalize'))('$id', ({ input, args, out }) => {
    const [mean, std] = args as [number[], number[]];
    const image = decodeTensor(input.$t);
    expectEqual(functional.normalize(image, mean, std), out.$t);
    expectEqual(new Normalize(mean, std)(image), out.$t);
    expect(image.toTypedArraySync()).toEqual(decodeTensor(input.$t).toTypedArraySync());
    expect(new Normalize(mean, std, true)(image)).toBe(image);
    expectEqual(image, out.$t);
  });

  it.each(goldens.filter(({ fn }) => fn === 'to_tensor'))('$id', ({ input, out }) => {
    const encoded = (input.$pil?.data ?? input.$ndarray).$t;
    const pixels = decodeTensor(encoded);
    const [height, width, channels = 1] = pixels.shape as [number, number, number?];
    if (pixels.dtype === 'uint8') {
      const data = pixels.asTypedArray() as Uint8Array;
      expectEqual(new ToTensor()({ data, width, height, channels }), out.$t);
      expectEqual(functional.toTensor({ data: new Uint8ClampedArray(data), width, height }), out.$t);
    }
    const planes = pixels.ndim === 3 ? pixels.permute(2, 0, 1) : pixels;
    expectEqual(functional.toTensor(planes), out.$t);
  });
});

describe('ToTensor', () => {
  it('passes on other dtypes as they are', () => {
    const image = tensor([[[3.5]]]);
    expect(new ToTensor()(image)).toBe(image);
    expect(functional.toTensor(zeros([2, 2], { dtype: 'int32' })).shape).toEqual([1, 2, 2]);
  });

  it('refuses what is no image', () => {
    expect(() => functional.toTensor(zeros(3))).toThrow(ShapeError);
    expect(() => functional.toTensor({ data: new Uint8Array(5), width: 2, height: 2 })).toThrow(
      /5 bytes are no 2 × 2 image/,
    );
    expect(() => functional.toTensor({ data: new Uint8Array(0), width: 0, height: 0 })).toThrow(ShapeError);
  });
});

describe('Normalize', () => {
  it('keeps the history of images that require gradients, and other dtypes', () => {
    expect(new Normalize([1], [2])(ones([1, 1, 1], { dtype: 'float64' })).dtype).toBe('float64');
    const image = ones([1, 1, 2], { dtype: 'float64' }).permute(0, 2, 1);
    expect(functional.normalize(image, [3], [2]).toArraySync()).toEqual([[[-1], [-1]]]);
  });

  it('names what does not fit', () => {
    const image = zeros(3, 2, 2);
    expect(() => functional.normalize(zeros([3, 2, 2], { dtype: 'uint8' }), [0], [1])).toThrow(DTypeError);
    expect(() => functional.normalize(zeros(2, 2), [0], [1])).toThrow(
      /expected an image \[\.\.\., C, H, W\], got shape \[2, 2\]/,
    );
    expect(() => functional.normalize(image, [0, 0], [1])).toThrow(
      /mean has 2 values, the image of shape \[3, 2, 2\] has 3 channels/,
    );
    expect(() => functional.normalize(image, [0], [1, 0, 1])).toThrow(RangeError);
    expect(() => functional.normalize({} as Tensor, [0], [1])).toThrow(/put ToTensor before Normalize/);
    expect(() => new Normalize(0.5 as never, [1])).toThrow(/mean must be a list of numbers, got 0.5/);
    expect(() => new Normalize([0.5], { inplace: true } as never)).toThrow(/missing argument 'std'/);
  });
});

describe('Compose', () => {
  class Double extends Transform<Tensor, Tensor> {
    override readonly name = 'doubles';
    forward(image: Tensor): Tensor {
      return image.mul(2);
    }
  }

  it('calls one step after the other', () => {
    const transform = new Compose([new ToTensor(), new Double(), (image: Tensor) => image.shape]);
    const shape: readonly number[] = transform(zeros([1, 2, 3], { dtype: 'uint8' }));
    expect(shape).toEqual([1, 2, 3]);
    expect(new Compose([new Double()])(ones(2)).toArraySync()).toEqual([2, 2]);
    expect(new Compose({ transforms: [] })(5)).toBe(5);
  });

  it('prints as in PyTorch', () => {
    const transform = new Compose([
      new ToTensor(),
      new Normalize([0.1], [0.9]),
      new Double(),
      function flip() {},
      new Compose([]),
    ]);
    const expected =
      'Compose(\n    ToTensor()\n    Normalize(mean=[0.1], std=[0.9])\n    Double()\n    flip\n    Compose(\n)\n)';
    expect(String(transform)).toBe(expected);
    expect(inspect(transform)).toBe(expected);
  });

  it('is a function of its class', () => {
    const transform = new Double();
    expect(transform).toBeInstanceOf(Double);
    expect(transform).toBeInstanceOf(Transform);
    expect(transform.name).toBe('doubles');
    expect([tensor([1])].map(transform)[0]!.itemSync()).toBe(2);
  });

  it('refuses steps that are no functions', () => {
    expect(() => new Compose([new ToTensor(), 3 as never])).toThrow(/step 1 must be a transform or a function, got 3/);
  });
});
