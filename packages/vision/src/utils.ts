/** Showing images: `torchvision.utils`. */
import { writeFileAtomic } from '@flambeau/serialize';
import { cat, DTypeError, full, isTensor, ShapeError, stack, type Tensor } from '@flambeau/tensor';
import { formatShape, isFloating, signature, type Trailing } from '@flambeau/tensor/internal';
import { encodeImage, type ImageFormat } from './io/image.ts';

export interface GridOptions {
  /** Images in a row. Default 8. */
  nrow?: number | undefined;
  /** Pixels between images and around them. Default 2. */
  padding?: number | undefined;
  /** Shifts and scales values to 0 … 1. Default false. */
  normalize?: boolean | undefined;
  /** What becomes 0 and 1 when normalizing; values beyond are clipped. Default: the least and the greatest value. */
  valueRange?: readonly [number, number] | null | undefined;
  /** Normalizes each image by its own values. Default false. */
  scaleEach?: boolean | undefined;
  /** Value of the pixels between. Default 0. */
  padValue?: number | undefined;
}

type Settings = { [K in keyof GridOptions]-?: Exclude<GridOptions[K], undefined> };
type GridArguments = Trailing<
  [
    nrow: number,
    padding: number,
    normalize: boolean,
    valueRange: readonly [number, number] | null,
    scaleEach: boolean,
    padValue: number,
  ],
  GridOptions
>;

const gridNames = ['nrow', 'padding', 'normalize', 'valueRange', 'scaleEach', 'padValue'] as const;
const gridDefaults: Settings = {
  nrow: 8,
  padding: 2,
  normalize: false,
  valueRange: null,
  scaleEach: false,
  padValue: 0,
};
const parseGrid = signature<Settings>('makeGrid', gridNames, gridDefaults);

/**
 * One image that shows many, row by row.
 *
 * ```ts
 * const [images] = await loader.first(); // [64, 1, 28, 28]
 * makeGrid(images).shape; // [3, 242, 242]
 * ```
 * @param images [N, C, H, W], one image [C, H, W] or [H, W], or a list of equal images; grey ones become RGB
 * @returns [C, rows · (H + padding) + padding, columns · (W + padding) + padding]; a single image just as it is
 * @throws ShapeError for other shapes, DTypeError when integers are to be normalized
 */
export function makeGrid(images: Tensor | readonly Tensor[], ...args: GridArguments): Tensor {
  return grid('makeGrid()', images, parseGrid(args));
}

function grid(op: string, images: Tensor | readonly Tensor[], settings: Settings): Tensor {
  const { nrow, padding, padValue } = settings;
  if (!Number.isInteger(nrow) || nrow < 1) throw new RangeError(`${op}: nrow must be a positive integer, got ${nrow}`);
  if (!Number.isInteger(padding) || padding < 0) {
    throw new RangeError(`${op}: padding must be an integer of at least 0, got ${padding}`);
  }
  let batch = asBatch(op, images);
  if (settings.normalize) batch = normalizeRange(op, batch, settings);
  const [count, channels, height, width] = batch.shape as [number, number, number, number];
  if (count === 1) return batch.squeeze(0);
  const columns = Math.min(nrow, count);
  const rows = Math.ceil(count / columns);
  const [stepY, stepX] = [height + padding, width + padding];
  const result = full([channels, stepY * rows + padding, stepX * columns + padding], padValue, {
    dtype: batch.dtype,
    device: batch.device,
  });
  for (let k = 0; k < count; k++) {
    const [row, column] = [Math.floor(k / columns), k % columns];
    result
      .narrow(1, row * stepY + padding, height)
      .narrow(2, column * stepX + padding, width)
      .copy_(batch.select(0, k));
  }
  return result;
}

/** Any of the accepted forms as [N, C, H, W], without gradients. */
function asBatch(op: string, images: Tensor | readonly Tensor[]): Tensor {
  const given = isTensor(images) ? images : stack([...images]);
  let batch = given.detach();
  if (batch.ndim === 2) batch = batch.unsqueeze(0);
  if (batch.ndim === 3) batch = batch.unsqueeze(0);
  if (batch.ndim !== 4 || batch.elementCount === 0) {
    throw new ShapeError(
      `${op}: expected images [N, C, H, W], or one [C, H, W] or [H, W], got shape ${formatShape(given.shape)}`,
    );
  }
  return batch.shape[1] === 1 ? cat([batch, batch, batch], 1) : batch;
}

function normalizeRange(op: string, batch: Tensor, { valueRange, scaleEach }: Settings): Tensor {
  if (!isFloating(batch.dtype)) {
    throw new DTypeError(`${op}: normalize needs floating-point images, got ${batch.dtype}`);
  }
  if (scaleEach && batch.shape[0]! > 1) {
    return stack(batch.unbind(0).map((image) => normalizeRange(op, image, { ...gridDefaults, valueRange })));
  }
  const [low, high] = valueRange ?? [batch.min(), batch.max()];
  const clamped = batch.clamp(low, high);
  // Where all values are equal the range is 0; PyTorch divides by 1e-5 then.
  const range = isTensor(low) ? (high as Tensor).sub(low).clamp({ min: 1e-5 }) : Math.max((high as number) - low, 1e-5);
  return clamped.sub(low).div(range);
}

export interface SaveImageOptions extends GridOptions {
  /** Default: by the extension of the path, .png, .jpg or .jpeg. */
  format?: ImageFormat | null | undefined;
}

const parseSave = signature<Settings & { format: ImageFormat | null }>('saveImage', ['format'], {
  ...gridDefaults,
  format: null,
});
const formats: Readonly<Record<string, ImageFormat>> = { png: 'png', jpg: 'jpeg', jpeg: 'jpeg' };

/**
 * Writes images as one picture file, several as a grid (see {@link makeGrid}, whose options it takes).
 *
 * ```ts
 * await saveImage(images, 'samples.png', { nrow: 4 });
 * ```
 * @param images floating-point from 0 to 1 (values beyond are clipped), or uint8 from 0 to 255
 * @throws TypeError for an unknown extension, otherwise as {@link makeGrid} and `io.writePng`
 */
export async function saveImage(
  images: Tensor | readonly Tensor[],
  path: string,
  ...args: Trailing<[format: ImageFormat | null], SaveImageOptions>
): Promise<void> {
  const { format: asked, ...settings } = parseSave(args);
  const extension = /\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  const format = asked ?? formats[extension];
  if (format === undefined) {
    throw new TypeError(
      `saveImage(): ${path} must end in .${Object.keys(formats).join(', .')}, or the option format must say what to write`,
    );
  }
  const picture = grid('saveImage()', images, settings);
  const bytes = picture.dtype === 'uint8' ? picture : picture.mul(255).add(0.5).clamp(0, 255).to('uint8');
  await writeFileAtomic(path, [await encodeImage(bytes, format)]);
}
