import { FlambeauError } from '@flambeau/tensor';

/** The files of a dataset are not where they were looked for. The message names the places and what to do. */
export class DatasetNotFoundError extends FlambeauError {
  override name = 'DatasetNotFoundError';
}

/** No source delivered a file whole and with the right checksum. The message lists what each of them did. */
export class DownloadError extends FlambeauError {
  override name = 'DownloadError';
}
