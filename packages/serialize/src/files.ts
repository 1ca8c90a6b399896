/** @file `save` and `load`: the format follows from the file's extension. */
import { SerializationError } from '@flambeau/tensor';
import { checkOptions, nodeModule } from '@flambeau/tensor/internal';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import type { Metadata } from './safetensors-header.ts';
import type { NamedTensors, TensorMap } from './tensors.ts';

export interface SaveOptions {
  /** Strings to keep beside the tensors. */
  metadata?: Metadata | null | undefined;
}

interface Format {
  write(value: unknown, path: string, options: SaveOptions): Promise<void>;
  read(path: string): Promise<unknown>;
}

/** Formats by extension; a further one is one file and one line here. */
const formats: Readonly<Record<string, Format>> = {
  '.safetensors': {
    write: (value, path, { metadata }) => writeSafetensors(value, path, metadata),
    read: readSafetensors,
  },
};

/**
 * Saves tensors by name, e.g. a state dict, in the format of the path's extension: .safetensors.
 *
 * The file is written under a temporary name and renamed when it is complete. Tensors on other devices are read first.
 *
 * ```ts
 * await save(net.stateDict(), 'model.safetensors', { metadata: { epochs: '3' } });
 * ```
 * @throws SerializationError for an unknown extension, values that the format cannot hold, and refusals of the file
 *   system. The file is then as it was before.
 */
export async function save(value: NamedTensors, path: string | URL, options: SaveOptions = {}): Promise<void> {
  checkOptions('save', options, ['metadata']);
  // Nothing is awaited before the writer has looked at the tensors, so that it notices changes made from here on.
  const name = typeof path === 'string' ? path : await toPath(path);
  await formatOf('save', name).write(value, name, options);
}

/**
 * Loads what {@link save}, or another program, saved in the format of the path's extension: .safetensors.
 *
 * ```ts
 * net.loadStateDict(await load('model.safetensors'));
 * ```
 * @throws SerializationError when there is no such file or its contents break the format's rules.
 */
export async function load(path: string | URL): Promise<TensorMap> {
  const name = typeof path === 'string' ? path : await toPath(path);
  return (await formatOf('load', name).read(name)) as TensorMap;
}

async function toPath(path: URL): Promise<string> {
  const { fileURLToPath } = nodeModule<typeof import('node:url')>('node:url');
  return fileURLToPath(path);
}

function formatOf(op: string, path: string): Format {
  const extension = /\.[^./\\]+$/.exec(path)?.[0].toLowerCase() ?? '';
  const format = formats[extension];
  if (format !== undefined) return format;
  throw new SerializationError(
    `${op}(): ${path} has ${extension === '' ? 'no extension' : `the extension ${extension}`}; the formats of this version are ${Object.keys(formats).join(', ')}`,
  );
}
