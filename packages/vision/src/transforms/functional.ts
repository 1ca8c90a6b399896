/** @file Transforms as functions: `transforms.functional`. */
import { DTypeError, isTensor, ShapeError, type Tensor, tensor } from '@flambeau/tensor';
import { formatShape, isFloating, signature, type Trailing } from '@flambeau/tensor/internal';
import { checkChannels, normalizedPlanes, type PixelImage, planesOf, unitScaled } from './pixels.ts';

/**
 * An image as float32 [C, H, W]: bytes become 0 to 1, other dtypes stay as they are.
 *
 * @param image a uint8 tensor [C, H, W] or [H, W], or interleaved pixels
 * @throws ShapeError for another number of dimensions, or pixels that do not fit their width and height
 */
export function toTensor(image: Tensor | PixelImage): Tensor {
  const planes = isTensor(image) ? image : planesOf(image);
  if (planes.ndim !== 2 && planes.ndim !== 3) {
    throw new ShapeError(`toTensor(): expected an image [C, H, W] or [H, W], got shape ${formatShape(planes.shape)}`);
  }
  const shaped = planes.ndim === 2 ? planes.unsqueeze(0) : planes;
  if (shaped.dtype !== 'uint8') return shaped;
  return shaped.device === 'cpu' ? unitScaled(shaped) : shaped.to('float32').div(255);
}

const parse = signature<{ inplace: boolean }>('normalize', ['inplace'], { inplace: false });

/**
 * `(image - mean) / std` for each channel.
 *
 * @param image floating-point tensor [..., C, H, W]
 * @param mean one number per channel, or one for all
 * @param std likewise
 * @param args `inplace`: whether to change `image` itself, default false
 * @throws DTypeError for integer images (convert them with ToTensor), ShapeError, RangeError for a std of 0
 */
export function normalize(
  image: Tensor,
  mean: readonly number[],
  std: readonly number[],
  ...args: Trailing<[inplace: boolean], { inplace?: boolean | undefined }>
): Tensor {
  if (!isTensor(image)) throw new TypeError('normalize(): expected a tensor; put ToTensor before Normalize');
  const inplace = args.length > 0 && parse(args).inplace;
  if (!isFloating(image.dtype)) {
    throw new DTypeError(
      `normalize(): expected floating-point values, got ${image.dtype}; put ToTensor before Normalize`,
    );
  }
  if (image.ndim < 3) {
    throw new ShapeError(`normalize(): expected an image [..., C, H, W], got shape ${formatShape(image.shape)}`);
  }
  checkChannels(image, 'mean', mean);
  checkChannels(image, 'std', std);
  if (std.some((value) => Math.fround(value) === 0)) {
    throw new RangeError(`normalize(): std must not be 0, got [${std.join(', ')}]`);
  }
  if (!inplace && image.dtype === 'float32' && image.device === 'cpu' && !image.requiresGrad) {
    return normalizedPlanes(image, mean, std);
  }
  const column = (values: readonly number[]): Tensor =>
    tensor(values, { dtype: image.dtype, device: image.device }).view(-1, 1, 1);
  const result = inplace ? image : image.clone();
  return result.sub_(column(mean)).div_(column(std));
}
