/** @file The loops behind ToTensor and Normalize. They read memory directly: whole epochs of small images go through here. */
import { fromTypedArray, ShapeError, type Tensor } from '@flambeau/tensor';
import { formatShape } from '@flambeau/tensor/internal';

/** Decoded pixels, interleaved (height × width × channels), as sharp's `raw()` and a canvas's `getImageData()` give them. */
export interface PixelImage {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  /** Default: what the length of `data` implies. */
  readonly channels?: number | undefined;
}

/** Interleaved pixels as a uint8 tensor [C, H, W]. @throws ShapeError when they do not fit width and height */
export function planesOf({ data, width, height, channels = data.length / (width * height) }: PixelImage): Tensor {
  if (!Number.isInteger(channels) || channels < 1 || width * height * channels !== data.length) {
    throw new ShapeError(`toTensor(): ${data.length} bytes are no ${width} × ${height} image of whole channels`);
  }
  const size = width * height;
  const planes = new Uint8Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0, from = channel, to = channel * size; i < size; i++, from += channels) planes[to++] = data[from]!;
  }
  return fromTypedArray(planes, [channels, height, width]);
}

/** value / 255 as float32, for every byte. */
const unitValues = Float32Array.from({ length: 256 }, (_, value) => value / 255);

/** Bytes of a CPU tensor as float32 from 0 to 1. */
export function unitScaled(image: Tensor): Tensor {
  const bytes = image.contiguous().asTypedArray() as Uint8Array;
  const values = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) values[i] = unitValues[bytes[i]!]!;
  return fromTypedArray(values, image.shape);
}

/** @throws ShapeError unless there is one value for each channel of [..., C, H, W], or one for all */
export function checkChannels(image: Tensor, name: string, values: readonly number[]): void {
  const channels = image.shape[image.ndim - 3]!;
  if (values.length === 1 || values.length === channels) return;
  throw new ShapeError(
    `normalize(): ${name} has ${values.length} values, the image of shape ${formatShape(image.shape)} has ${channels} channels`,
  );
}

/** (image - mean) / std by channel for a float32 CPU tensor [..., C, H, W], rounded after each step as PyTorch does. */
export function normalizedPlanes(image: Tensor, mean: readonly number[], std: readonly number[]): Tensor {
  const values = image.contiguous().asTypedArray() as Float32Array;
  const result = new Float32Array(values.length);
  const [channels, height, width] = image.shape.slice(-3) as [number, number, number];
  const size = height * width;
  for (let start = 0, plane = 0; start < values.length; start += size, plane++) {
    const m = Math.fround(mean[plane % channels] ?? mean[0]!);
    const s = Math.fround(std[plane % channels] ?? std[0]!);
    for (let i = start; i < start + size; i++) result[i] = Math.fround(values[i]! - m) / s;
  }
  return fromTypedArray(result, image.shape);
}
