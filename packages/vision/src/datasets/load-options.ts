/** @file What `load` of every dataset takes. */

import { signature, type Trailing } from '@flambeau/tensor/internal';
import type { Progress } from '../download.ts';
import type { TransformOptions } from './image-dataset.ts';

/** Options of datasets that are read from files. */
export interface LoadOptions<X, Y> extends TransformOptions<X, Y> {
  /** The images to train with (default), or those to test with. */
  train?: boolean | undefined;
  /** Downloads the official files when they are not there. Default false. */
  download?: boolean | undefined;
  /** Accepts a set that is not the whole official one: other numbers of images, missing parts. Default false. */
  partial?: boolean | undefined;
  /** Base addresses to download from instead of the official ones. The checksums stay the official ones. */
  mirrors?: readonly string[] | null | undefined;
  /** Called as a download proceeds. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends a download. */
  signal?: AbortSignal | undefined;
}

/** Arguments of `load` after the root: PyTorch's order, or by name. */
export type LoadArguments<X, Y> = Trailing<
  [
    train: boolean,
    transform: TransformOptions<X, Y>['transform'],
    targetTransform: TransformOptions<X, Y>['targetTransform'],
    download: boolean,
  ],
  LoadOptions<X, Y>
>;

export interface ParsedLoadOptions {
  readonly root: string;
  readonly train: boolean;
  readonly transform: ((image: never) => unknown) | null;
  readonly targetTransform: ((label: never) => unknown) | null;
  readonly download: boolean;
  readonly partial: boolean;
  readonly mirrors: readonly string[] | null;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Reads the arguments of a dataset's `load`. @throws TypeError for unknown options and a root that is no path. */
export function parseLoadArguments(name: string, args: readonly unknown[]): ParsedLoadOptions {
  const options = signature<ParsedLoadOptions>(
    `${name}.load`,
    ['root', 'train', 'transform', 'targetTransform', 'download'],
    {
      train: true,
      transform: null,
      targetTransform: null,
      download: false,
      partial: false,
      mirrors: null,
      onProgress: undefined,
      signal: undefined,
    },
  )(args);
  if (typeof options.root !== 'string') {
    throw new TypeError(`${name}.load(): root must be the path of a folder, got ${String(options.root)}`);
  }
  return options;
}
