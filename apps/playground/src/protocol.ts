/** @file What the page and its worker say to each other. */

export type Device = 'cpu' | 'webgpu';

/** What a run is made of. Equal settings, the device apart, give equal first weights and equal batches. */
export interface Settings {
  readonly device: Device;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Number of images to learn from. */
  readonly trainCount: number;
  /** Number of images that the accuracy is measured on. */
  readonly testCount: number;
  readonly seed: number;
}

export type Request =
  /** Throws the present run away and prepares another, which the reply names by its number. */
  | { readonly type: 'prepare'; readonly run: number; readonly settings: Settings }
  | { readonly type: 'train' }
  | { readonly type: 'pause' }
  | { readonly type: 'learningRate'; readonly value: number }
  /** 28 × 28 brightnesses from 0 to 1. */
  | { readonly type: 'classify'; readonly pixels: Float32Array }
  | { readonly type: 'sample' };

/** Memory in use, and what it is that was counted. */
export interface MemoryUse {
  readonly bytes: number;
  readonly of: string;
}

export type Reply =
  /** Said once, first. `null`: it can be used; else why it cannot. */
  | { readonly type: 'webgpu'; readonly problem: string | null }
  | {
      readonly type: 'prepared';
      readonly run: number;
      readonly deviceName: string;
      readonly network: string;
      readonly weights: number;
    }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly epoch: number;
      readonly loss: number;
      readonly imagesPerSecond: number;
      readonly memory: MemoryUse;
    }
  /** The part of the test images, from 0 to 1, that is read rightly after `step` steps. */
  | { readonly type: 'accuracy'; readonly step: number; readonly accuracy: number }
  /** `null`: there is no network. */
  | { readonly type: 'probabilities'; readonly values: readonly number[] | null }
  /** One of the test images: 28 × 28 brightnesses from 0 to 1. */
  | { readonly type: 'sample'; readonly pixels: Float32Array; readonly label: number }
  /** Nothing is trained any more. */
  | { readonly type: 'failure'; readonly message: string };

/** Pixels in a row and in a column of an image. */
export const side = 28;
