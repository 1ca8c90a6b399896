/** @file MNIST and Fashion-MNIST: 60,000 + 10,000 grey images of 28 × 28 pixels in ten classes, as idx files. */
import { fromTypedArray, SerializationError, type Tensor } from '@flambeau/tensor';
import { nodeModule } from '@flambeau/tensor/internal';
import { download } from '../download.ts';
import { DatasetNotFoundError } from '../errors.ts';
import { type IdxArray, parseIdx } from './idx.ts';
import { ImageDataset, type ImageParts, type TransformOptions } from './image-dataset.ts';
import { type LoadArguments, type ParsedLoadOptions, parseLoadArguments } from './load-options.ts';
import { findFile, readPossiblyGzipped } from './local-files.ts';

/** Where a dataset comes from and what its files are. */
interface Source {
  readonly name: string;
  readonly classes: readonly string[];
  readonly mirrors: readonly string[];
  /** MD5 of the official .gz files. */
  readonly md5: Readonly<Record<string, string>>;
}

/** The classes of handwritten digits, as torchvision calls them. */
export const digitNames = [
  '0 - zero',
  '1 - one',
  '2 - two',
  '3 - three',
  '4 - four',
  '5 - five',
  '6 - six',
  '7 - seven',
  '8 - eight',
  '9 - nine',
];

const mnist: Source = {
  name: 'MNIST',
  classes: digitNames,
  mirrors: [
    'https://ossci-datasets.s3.amazonaws.com/mnist/',
    'https://storage.googleapis.com/cvdf-datasets/mnist/',
    'http://yann.lecun.com/exdb/mnist/',
  ],
  md5: {
    'train-images-idx3-ubyte': 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
    'train-labels-idx1-ubyte': 'd53e105ee54ea40749a09fcbcd1e9432',
    't10k-images-idx3-ubyte': '9fb629c4189551a2d022fa330f9573f3',
    't10k-labels-idx1-ubyte': 'ec29112dd5afa0611ce80d1b7f02629c',
  },
};

const fashion: Source = {
  name: 'FashionMNIST',
  classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  mirrors: [
    'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
    'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
  ],
  md5: {
    'train-images-idx3-ubyte': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    'train-labels-idx1-ubyte': '25c81989df183df01b3e8a0aad5dffbe',
    't10k-images-idx3-ubyte': 'bef4ecab320f06d8554ea6380940ec79',
    't10k-labels-idx1-ubyte': 'bb300cfdad3c16e7a12a480ee83cd310',
  },
};

const side = 28;
const trainCount = 60_000;
const testCount = 10_000;
/** Bytes of the largest file. */
const maxBytes = 16 + trainCount * side * side;

/**
 * Handwritten digits (LeCun, Cortes, Burges). Item `i` is `[image, label]`: uint8 [1, 28, 28] and 0 to 9.
 *
 * ```ts
 * const train = await datasets.MNIST.load('data', { download: true, transform: new transforms.ToTensor() });
 * train.data.shape; // [60000, 28, 28]
 * ```
 */
export class MNIST<X = Tensor, Y = number> extends ImageDataset<X, Y> {
  /**
   * Reads the idx files, plain or .gz, from `root/MNIST/raw` (where downloads go) or from `root` itself.
   *
   * @throws DatasetNotFoundError when they are not there, DownloadError when no mirror delivers, SerializationError
   *   when a file is damaged or, without `partial`, not one of the official size
   */
  static async load<X = Tensor, Y = number>(root: string, ...args: LoadArguments<X, Y>): Promise<MNIST<X, Y>> {
    return new MNIST<X, Y>(...(await read<X, Y>(mnist, [root, ...args])));
  }
}

/**
 * Pictures of clothes (Zalando Research), in the files and sizes of {@link MNIST}.
 *
 * ```ts
 * const test = await datasets.FashionMNIST.load('data', { train: false, download: true });
 * ```
 */
export class FashionMNIST<X = Tensor, Y = number> extends ImageDataset<X, Y> {
  /** As {@link MNIST.load}; the files are in `root/FashionMNIST/raw` or in `root`. */
  static async load<X = Tensor, Y = number>(root: string, ...args: LoadArguments<X, Y>): Promise<FashionMNIST<X, Y>> {
    return new FashionMNIST<X, Y>(...(await read<X, Y>(fashion, [root, ...args])));
  }
}

async function read<X, Y>(source: Source, args: readonly unknown[]): Promise<[ImageParts, TransformOptions<X, Y>]> {
  const options = parseLoadArguments(source.name, args);
  const { root, train, partial } = options;
  const { join } = nodeModule<typeof import('node:path')>('node:path');
  const folders = [join(root, source.name, 'raw'), root];
  if (options.download) await downloadMissing(source, folders, options);
  const prefix = train ? 'train' : 't10k';
  const imagePath = await locate(source, folders, `${prefix}-images-idx3-ubyte`);
  const labelPath = await locate(source, folders, `${prefix}-labels-idx1-ubyte`);
  await refuseOtherSource(source, labelPath);
  const images = parseIdx(imagePath, await readPossiblyGzipped(imagePath, maxBytes), 3);
  const labels = parseIdx(labelPath, await readPossiblyGzipped(labelPath, maxBytes), 1);
  checkFit(imagePath, images, labelPath, labels, partial ? null : train ? trainCount : testCount);
  const parts: ImageParts = {
    name: source.name,
    data: fromTypedArray(images.data, images.shape),
    targets: fromTypedArray(Int32Array.from(labels.data)),
    classes: source.classes,
    imageShape: [1, side, side],
    root,
    train,
  };
  return [parts, options as TransformOptions<X, Y>];
}

async function downloadMissing(source: Source, folders: readonly string[], options: ParsedLoadOptions): Promise<void> {
  const { join } = nodeModule<typeof import('node:path')>('node:path');
  const mirrors = options.mirrors ?? source.mirrors;
  for (const [name, md5] of Object.entries(source.md5)) {
    if ((await findFile(folders, name)) !== undefined) continue;
    const urls = mirrors.map((mirror) => `${mirror.replace(/\/*$/, '/')}${name}.gz`);
    const { onProgress, signal } = options;
    await download(urls, join(folders[0]!, `${name}.gz`), { md5, onProgress, signal });
  }
}

async function locate(source: Source, folders: readonly string[], name: string): Promise<string> {
  const path = await findFile(folders, name);
  if (path !== undefined) return path;
  throw new DatasetNotFoundError(
    `${source.name}: there is no ${name} or ${name}.gz in ${folders.join(' or ')}. Pass { download: true } to fetch it, ` +
      'or the folder that has it as root',
  );
}

/** The files of both sets have the same names, and one taken for the other would go unnoticed. */
async function refuseOtherSource(source: Source, labelPath: string): Promise<void> {
  const { readFile } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const { createHash } = nodeModule<typeof import('node:crypto')>('node:crypto');
  const md5 = createHash('md5')
    .update(await readFile(labelPath))
    .digest('hex');
  const other = [mnist, fashion].find(
    (candidate) => candidate !== source && Object.values(candidate.md5).includes(md5),
  );
  if (other === undefined) return;
  throw new DatasetNotFoundError(
    `${source.name}: ${labelPath} belongs to ${other.name}; give ${source.name} a folder of its own`,
  );
}

/** @param count the number of images that there must be, null for any */
function checkFit(
  imagePath: string,
  images: IdxArray,
  labelPath: string,
  labels: IdxArray,
  count: number | null,
): void {
  const [found, height, width] = images.shape as [number, number, number];
  if (height !== side || width !== side) {
    throw new SerializationError(
      `${imagePath}: the images must have ${side} × ${side} pixels, these have ${height} × ${width}`,
    );
  }
  if (labels.shape[0] !== found) {
    throw new SerializationError(`${imagePath} has ${found} images, but ${labelPath} has ${labels.shape[0]} labels`);
  }
  if (count !== null && found !== count) {
    throw new SerializationError(
      `${imagePath} has ${found} images, where the official set has ${count}; pass { partial: true } if that is meant`,
    );
  }
  const odd = labels.data.find((label) => label > 9);
  if (odd !== undefined) throw new SerializationError(`${labelPath}: labels must be 0 to 9, found ${odd}`);
}
