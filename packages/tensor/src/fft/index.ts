/** @file The namespace `fft`. */
export type { FftNorm, FftnOptions, FftOptions } from './arguments.ts';
export * from './frequencies.ts';
export * from './grids.ts';
export * from './lines.ts';
