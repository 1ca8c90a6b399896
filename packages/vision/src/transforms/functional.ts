/** @file Transforms as functions: `transforms.functional`. */
import {
  DTypeError,
  formatShape,
  fromTypedArray,
  isFloating,
  isTensor,
  ShapeError,
  type Tensor,
  tensor,
} from '@flambeau/tensor';

/** Decoded pixels, interleaved (height × width × channels), as sharp's `raw()` and a canvas's `getImageData()` give them. */
export interface PixelImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** Default: what the length of `data` implies. */
  readonly channels?: number | undefined;
}

/** value / 255 as float32, for every byte. */
const unitValues = Float32Array.from({ length: 256 }, (_, value) => value / 255);

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
  if (shaped.device !== 'cpu') return shaped.to('float32').div(255);
  // This and the loop in normalize() read memory directly: images are small, and whole epochs go through here.
  const bytes = shaped.contiguous().asTypedArray() as Uint8Array;
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = unitValues[bytes[i]!]!;
  return fromTypedArray(values, shaped.shape);
}

/** Interleaved pixels as a uint8 tensor [C, H, W]. */
export function planesOf({ data, width, height, channels = data.length / (width * height) }: PixelImage): Tensor {
  if (!Number.isInteger(channels) || channels < 1 || width * height * channels !== data.length) {
    throw new ShapeError(`${data.length} bytes are no ${width} × ${height} image of whole channels`);
  }
  const size = width * height;
  const planes = new Uint8Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0, from = channel, to = channel * size; i < size; i++, from += channels) planes[to++] = data[from]!;
  }
  return fromTypedArray(planes, [channels, height, width]);
}

/**
 * `(image - mean) / std` for each channel.
 *
 * @param image floating-point tensor [..., C, H, W]
 * @param mean one number per channel, or one for all
 * @param std likewise
 * @param inplace whether to change `image` itself
 * @throws DTypeError for integer images (convert them with ToTensor), ShapeError, RangeError for a std of 0
 */
export function normalize(image: Tensor, mean: readonly number[], std: readonly number[], inplace = false): Tensor {
  if (!isTensor(image)) throw new TypeError('normalize(): expected a tensor; put ToTensor before Normalize');
  if (!isFloating(image.dtype))
    throw new DTypeError(
      `normalize(): expected a floating-point image, got ${image.dtype}; put ToTensor before Normalize`,
    );
  if (image.ndim < 3)
    throw new ShapeError(`normalize(): expected an image [..., C, H, W], got shape ${formatShape(image.shape)}`);
  const channels = image.shape[image.ndim - 3]!;
  for (const [name, values] of [
    ['mean', mean],
    ['std', std],
  ] as const) {
    if (values.length === 1 || values.length === channels) continue;
    throw new ShapeError(
      `normalize(): ${name} has ${values.length} values, the image of shape ${formatShape(image.shape)} has ${channels} channels`,
    );
  }
  if (std.some((value) => Math.fround(value) === 0))
    throw new RangeError(`normalize(): std must not be 0, got [${std.join(', ')}]`);
  if (!inplace && image.dtype === 'float32' && image.device === 'cpu' && !image.requiresGrad)
    return normalizePlanes(image, mean, std);
  const column = (values: readonly number[]): Tensor =>
    tensor([...values], { dtype: image.dtype, device: image.device }).view(-1, 1, 1);
  const result = inplace ? image : image.clone();
  return result.sub_(column(mean)).div_(column(std));
}

function normalizePlanes(image: Tensor, mean: readonly number[], std: readonly number[]): Tensor {
  const values = image.contiguous().asTypedArray() as Float32Array;
  const result = new Float32Array(values.length);
  const [channels, height, width] = image.shape.slice(-3) as [number, number, number];
  const size = height * width;
  for (let start = 0, plane = 0; start < values.length; start += size, plane++) {
    const channel = plane % channels;
    const m = Math.fround(mean[mean.length === 1 ? 0 : channel]!);
    const s = Math.fround(std[std.length === 1 ? 0 : channel]!);
    for (let i = start; i < start + size; i++) result[i] = Math.fround(values[i]! - m) / s;
  }
  return fromTypedArray(result, image.shape);
}
