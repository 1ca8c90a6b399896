/** @file Networks for images, with torchvision's names inside. */
export { MobileNetV2, type MobileNetV2Options, mobilenetV2 } from './models/mobilenet.ts';
export {
  ResNet,
  type ResNetOptions,
  resnet18,
  resnet34,
  resnet50,
  resnet101,
  resnet152,
  resnext5032x4d,
  resnext10132x8d,
  resnext10164x4d,
  wideResnet502,
  wideResnet1012,
} from './models/resnet.ts';
