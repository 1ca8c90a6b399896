/** Transforms of images: `torchvision.transforms`. */
export { Compose, Normalize, type NormalizeOptions, type Step, ToTensor } from './transforms/basic.ts';
export * as functional from './transforms/functional.ts';
export type { PixelImage } from './transforms/pixels.ts';
export { Transform } from './transforms/transform.ts';
