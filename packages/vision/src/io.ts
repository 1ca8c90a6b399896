/** Image files: `torchvision.io`. */
export {
  decodeImage,
  type EncodeOptions,
  encodeImage,
  type ImageFormat,
  type ImageReadMode,
  readImage,
  writeJpeg,
  writePng,
} from './io/image.ts';
