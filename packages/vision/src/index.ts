/** Image datasets, transforms, image files: what PyTorch has in torchvision. */
export * as datasets from './datasets.ts';
export type { Progress } from './download.ts';
export { DatasetNotFoundError, DownloadError } from './errors.ts';
export * as io from './io.ts';
export * as models from './models.ts';
export * as transforms from './transforms.ts';
export * as utils from './utils.ts';
