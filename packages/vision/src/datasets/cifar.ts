/**
 * @file CIFAR-10 in its binary form: records of one label byte and 3,072 bytes of pixels (32 × 32 red, then green, then
 * blue), 10,000 to a file. Described at https://www.cs.toronto.edu/~kriz/cifar.html.
 */
import { fromTypedArray, SerializationError, type Tensor } from '@flambeau/tensor';
import { nodeModule } from '@flambeau/tensor/internal';
import { download } from '../download.ts';
import { DatasetNotFoundError } from '../errors.ts';
import { ImageDataset, type ImageParts, type TransformOptions } from './image-dataset.ts';
import { type LoadArguments, type ParsedLoadOptions, parseLoadArguments } from './load-options.ts';
import { readPossiblyGzipped } from './local-files.ts';
import { extractTarGz } from './tar.ts';

const name = 'CIFAR10';
const folderName = 'cifar-10-batches-bin';
const archive = 'cifar-10-binary.tar.gz';
const archiveMd5 = 'c32a1d4ab5d03f1284b67883e8d87530';
const mirrors = ['https://www.cs.toronto.edu/~kriz/', 'https://cave.cs.toronto.edu/kriz/'];
const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const side = 32;
const pixelBytes = 3 * side * side;
const recordBytes = 1 + pixelBytes;
const recordsPerFile = 10_000;
const fileBytes = recordsPerFile * recordBytes;
const trainFiles = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
const testFiles = ['test_batch.bin'];

/**
 * Small colour photographs in ten classes (Krizhevsky, Nair, Hinton). Item `i` is `[image, label]`: uint8 [3, 32, 32]
 * and 0 to 9.
 *
 * ```ts
 * const train = await datasets.CIFAR10.load('data', { download: true, transform: new transforms.ToTensor() });
 * train.data.shape; // [50000, 3, 32, 32]
 * ```
 */
export class CIFAR10<X = Tensor, Y = number> extends ImageDataset<X, Y> {
  /**
   * Reads data_batch_1.bin … data_batch_5.bin, or test_batch.bin, plain or .gz, from `root/cifar-10-batches-bin` (where
   * downloads are unpacked) or from `root` itself. With `partial: true` any part of them will do: whichever of these
   * files exist, and files called test_batch….bin, with any number of records.
   *
   * @throws DatasetNotFoundError when files are missing, DownloadError when no mirror delivers, SerializationError when
   *   a file is damaged
   */
  static async load<X = Tensor, Y = number>(root: string, ...args: LoadArguments<X, Y>): Promise<CIFAR10<X, Y>> {
    return new CIFAR10<X, Y>(...(await read<X, Y>([root, ...args])));
  }
}

async function read<X, Y>(args: readonly unknown[]): Promise<[ImageParts, TransformOptions<X, Y>]> {
  const options = parseLoadArguments(name, args);
  const { root, train, partial } = options;
  if (options.download) await downloadMissing(options);
  const paths = await locate(options);
  const files: Uint8Array[] = [];
  for (const path of paths) files.push(checkRecords(path, await readPossiblyGzipped(path, fileBytes), partial));
  const { images, labels } = splitRecords(files);
  const parts: ImageParts = {
    name,
    data: fromTypedArray(images, [labels.length, 3, side, side]),
    targets: fromTypedArray(labels),
    classes,
    imageShape: [3, side, side],
    root,
    train,
  };
  return [parts, options as TransformOptions<X, Y>];
}

/** The files of one split in the first folder that has any of them, and the names of those that are not there. */
async function findBatches(
  root: string,
  train: boolean,
): Promise<{ found: string[]; missing: string[]; folders: string[] }> {
  const { readdir } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const { join } = nodeModule<typeof import('node:path')>('node:path');
  const folders = [join(root, folderName), root];
  const wanted = train ? trainFiles : testFiles;
  let nearest: string[] = [];
  let missing: string[] = wanted;
  for (const folder of folders) {
    const present = new Set<string>(await readdir(folder).catch(() => []));
    const found = wanted.flatMap((file) => [file, `${file}.gz`].find((candidate) => present.has(candidate)) ?? []);
    // A part of the test set has no fixed name.
    if (!train && found.length === 0) {
      found.push(...[...present].filter((file) => /^test_batch.*\.bin(\.gz)?$/.test(file)).sort());
    }
    if (found.length === 0) continue;
    nearest = found.map((file) => join(folder, file));
    missing = wanted.filter((file) => !found.includes(file) && !found.includes(`${file}.gz`));
    break;
  }
  return { found: nearest, missing, folders };
}

async function locate({ root, train, partial }: ParsedLoadOptions): Promise<string[]> {
  const { found, missing, folders } = await findBatches(root, train);
  if (missing.length === 0 || (partial && found.length > 0)) return found;
  const remedy = found.length > 0 ? ', or { partial: true } to make do with the files that are there' : '';
  throw new DatasetNotFoundError(
    `${name}: ${missing.join(', ')} (or .gz) not found in ${folders.join(' or ')}. Pass { download: true } to fetch ` +
      `the official binary version (162 MB)${remedy}`,
  );
}

/** Fetches the archive into the root and unpacks the batches, unless both splits are there. */
async function downloadMissing({ root, mirrors: given, onProgress, signal }: ParsedLoadOptions): Promise<void> {
  const splits = [await findBatches(root, true), await findBatches(root, false)];
  if (splits.every(({ missing }) => missing.length === 0)) return;
  const { join } = nodeModule<typeof import('node:path')>('node:path');
  const path = join(root, archive);
  const urls = (given ?? mirrors).map((mirror) => `${mirror.replace(/\/*$/, '/')}${archive}`);
  await download(urls, path, { md5: archiveMd5, onProgress, signal });
  const wanted = [...trainFiles, ...testFiles, 'batches.meta.txt'].map((file) => `${folderName}/${file}`);
  await extractTarGz(path, root, wanted, fileBytes);
}

/** @throws SerializationError unless the file is whole records of the ten classes, and 10,000 of them if it must be whole */
function checkRecords(path: string, bytes: Uint8Array, partial: boolean): Uint8Array {
  if (bytes.length === 0 || bytes.length % recordBytes !== 0) {
    throw new SerializationError(
      `${path}: ${bytes.length} bytes are no whole number of CIFAR-10 records (${recordBytes} bytes each); is it truncated?`,
    );
  }
  const count = bytes.length / recordBytes;
  if (!partial && count !== recordsPerFile) {
    throw new SerializationError(
      `${path} has ${count} images, where the official file has ${recordsPerFile}; pass { partial: true } if that is meant`,
    );
  }
  for (let start = 0; start < bytes.length; start += recordBytes) {
    if (bytes[start]! < classes.length) continue;
    throw new SerializationError(
      `${path}: image ${start / recordBytes} has label ${bytes[start]}; labels must be 0 to 9`,
    );
  }
  return bytes;
}

function splitRecords(files: readonly Uint8Array[]): { images: Uint8Array; labels: Int32Array } {
  const count = files.reduce((total, file) => total + file.length / recordBytes, 0);
  const images = new Uint8Array(count * pixelBytes);
  const labels = new Int32Array(count);
  let next = 0;
  for (const file of files) {
    for (let start = 0; start < file.length; start += recordBytes, next++) {
      labels[next] = file[start]!;
      images.set(file.subarray(start + 1, start + recordBytes), next * pixelBytes);
    }
  }
  return { images, labels };
}
