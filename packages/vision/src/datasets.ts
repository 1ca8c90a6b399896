/** Ready-made sets of images: `torchvision.datasets`. */
export { CIFAR10 } from './datasets/cifar.ts';
export { Digits, type DigitsOptions } from './datasets/digits.ts';
export { ImageDataset, type TransformOptions } from './datasets/image-dataset.ts';
export type { LoadArguments, LoadOptions } from './datasets/load-options.ts';
export { FashionMNIST, MNIST } from './datasets/mnist.ts';
