/** @file Image files to tensors and back, by sharp (libvips). */
import { writeFileAtomic } from '@flambeau/serialize';
import {
  DTypeError,
  FlambeauError,
  fromTypedArray,
  SerializationError,
  ShapeError,
  type Tensor,
} from '@flambeau/tensor';
import { checkOptions, formatShape, nodeModule, signature, type Trailing } from '@flambeau/tensor/internal';

/** Which channels a decoded image gets: those that the file has, or these. */
export type ImageReadMode = 'unchanged' | 'gray' | 'grayAlpha' | 'rgb' | 'rgbAlpha';

const modes: readonly ImageReadMode[] = ['unchanged', 'gray', 'grayAlpha', 'rgb', 'rgbAlpha'];

type ModeArguments = Trailing<[mode: ImageReadMode], { mode?: ImageReadMode | undefined }>;
const parseDecode = signature<{ mode: ImageReadMode }>('decodeImage', ['mode'], { mode: 'unchanged' });
const parseRead = signature<{ mode: ImageReadMode }>('readImage', ['mode'], { mode: 'unchanged' });

type Sharp = typeof import('sharp')['default'];

async function loadSharp(): Promise<Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    throw new FlambeauError('image files need the package sharp: run `npm install sharp`', { cause: error });
  }
}

/**
 * Decodes an image: PNG, JPEG, WebP, GIF (first frame), AVIF, TIFF or SVG.
 *
 * Values are the file's own: colour profiles and EXIF rotation are not applied, 16 bits per channel become 8, palettes
 * become their colours, CMYK becomes RGB. PNG and JPEG decode to the very values that torchvision gives for 'rgb'.
 *
 * ```ts
 * const image = await decodeImage(bytes, 'rgb');
 * image.shape; // [3, height, width]
 * ```
 * @returns uint8 [C, H, W]
 * @throws SerializationError for bytes that are no image or a damaged one, FlambeauError when sharp is not installed
 */
export async function decodeImage(bytes: Uint8Array, ...args: ModeArguments): Promise<Tensor> {
  return decode('decodeImage()', bytes, parseDecode(args).mode);
}

/** Reads and decodes an image file. See {@link decodeImage}. @throws SerializationError also when there is no such file */
export async function readImage(path: string | URL, ...args: ModeArguments): Promise<Tensor> {
  const { mode } = parseRead(args);
  const { readFile } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const bytes = await readFile(path).catch((error: Error) => {
    throw new SerializationError(`readImage(): cannot read ${String(path)}: ${error.message}`, { cause: error });
  });
  return decode(`readImage(): ${String(path)}`, bytes, mode);
}

async function decode(source: string, bytes: Uint8Array, mode: ImageReadMode): Promise<Tensor> {
  if (!modes.includes(mode)) {
    throw new TypeError(`${source}: mode must be one of ${modes.join(', ')}, got ${String(mode)}`);
  }
  const sharp = await loadSharp();
  try {
    // failOn 'error': libjpeg warns of files that every other program, PyTorch included, shows without ado.
    const image = sharp(bytes, { failOn: 'error', ignoreIcc: true });
    const { space, hasAlpha } = await image.metadata();
    const { data, info } = await image
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return toPlanes(data, info, mode === 'unchanged' ? ownMode(space, hasAlpha) : mode);
  } catch (error) {
    throw new SerializationError(`${source}: not an image that can be decoded: ${(error as Error).message.trim()}`, {
      cause: error,
    });
  }
}

function ownMode(space: string, hasAlpha: boolean): ImageReadMode {
  if (space === 'b-w' || space === 'grey16') return hasAlpha ? 'grayAlpha' : 'gray';
  return hasAlpha ? 'rgbAlpha' : 'rgb';
}

interface PixelInfo {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Interleaved RGB or RGBA as planes of the channels that a mode asks for. */
function toPlanes(pixels: Uint8Array, { width, height, channels: step }: PixelInfo, mode: ImageReadMode): Tensor {
  const size = width * height;
  const gray = mode === 'gray' || mode === 'grayAlpha';
  const colours = gray ? 1 : 3;
  const alpha = mode === 'grayAlpha' || mode === 'rgbAlpha';
  const planes = new Uint8Array(size * (colours + Number(alpha)));
  for (let i = 0, from = 0; i < size; i++, from += step) {
    const [r, g, b] = [pixels[from]!, pixels[from + 1]!, pixels[from + 2]!];
    if (gray) planes[i] = luma(r, g, b);
    else {
      planes[i] = r;
      planes[size + i] = g;
      planes[2 * size + i] = b;
    }
    if (alpha) planes[colours * size + i] = step === 4 ? pixels[from + 3]! : 255;
  }
  return fromTypedArray(planes, [planes.length / size, height, width]);
}

/** Brightness with the weights of ITU-R BT.601 in 16-bit fixed point, as Pillow computes it. Grey stays what it is. */
const luma = (r: number, g: number, b: number): number => (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;

/** File formats that images are written in. */
export type ImageFormat = 'png' | 'jpeg';

export interface EncodeOptions {
  /** PNG: 0 (fast) to 9 (small), default 6. */
  compressionLevel?: number | undefined;
  /** JPEG: 1 to 100, default 75. */
  quality?: number | undefined;
}

/** @throws DTypeError, ShapeError unless it is a uint8 image with 1 to 4 channels */
async function interleaved(op: string, image: Tensor): Promise<{ pixels: Uint8Array; raw: PixelInfo }> {
  if (image.dtype !== 'uint8') {
    throw new DTypeError(
      `${op}: expected a uint8 image, got ${image.dtype}; see utils.saveImage for values from 0 to 1`,
    );
  }
  const [channels = 0, height = 0, width = 0] = image.shape;
  if (image.ndim !== 3 || channels > 4 || image.elementCount === 0) {
    throw new ShapeError(
      `${op}: expected an image [C, H, W] with 1 to 4 channels, got shape ${formatShape(image.shape)}`,
    );
  }
  const planes = (await image.toTypedArray()) as Uint8Array;
  const pixels = new Uint8Array(planes.length);
  const size = width * height;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0, to = channel; i < size; i++, to += channels) pixels[to] = planes[channel * size + i]!;
  }
  return { pixels, raw: { width, height, channels } };
}

/** Encodes an image. @param image uint8 [C, H, W], 1 to 4 channels */
export async function encodeImage(
  image: Tensor,
  format: ImageFormat,
  options: EncodeOptions = {},
): Promise<Uint8Array> {
  const op = `encodeImage() to ${format}`;
  const { pixels, raw } = await interleaved(op, image);
  checkOptions(op, options, ['compressionLevel', 'quality']);
  const { compressionLevel = 6, quality = 75 } = options;
  const sharp = await loadSharp();
  try {
    const picture = sharp(pixels, { raw: raw as PixelInfo & { channels: 1 | 2 | 3 | 4 } }).toColourspace(
      raw.channels < 3 ? 'b-w' : 'srgb',
    );
    return await (format === 'png' ? picture.png({ compressionLevel }) : picture.jpeg({ quality })).toBuffer();
  } catch (error) {
    throw new SerializationError(`${op}: ${(error as Error).message}`, { cause: error });
  }
}

const parsePng = signature<{ compressionLevel: number }>('writePng', ['compressionLevel'], { compressionLevel: 6 });
const parseJpeg = signature<{ quality: number }>('writeJpeg', ['quality'], { quality: 75 });

/**
 * Writes a PNG file.
 *
 * ```ts
 * await io.writePng(image, 'cat.png');
 * ```
 * @param image uint8 [C, H, W]; 1 channel is grey, 2 grey and alpha, 3 RGB, 4 RGBA
 * @throws DTypeError and ShapeError for what is no image, SerializationError when the file cannot be written
 */
export async function writePng(
  image: Tensor,
  path: string,
  ...args: Trailing<[compressionLevel: number], { compressionLevel?: number | undefined }>
): Promise<void> {
  await writeFileAtomic(path, [await encodeImage(image, 'png', parsePng(args))]);
}

/** Writes a JPEG file of an image of 1 or 3 channels. Like {@link writePng}. */
export async function writeJpeg(
  image: Tensor,
  path: string,
  ...args: Trailing<[quality: number], { quality?: number | undefined }>
): Promise<void> {
  await writeFileAtomic(path, [await encodeImage(image, 'jpeg', parseJpeg(args))]);
}
