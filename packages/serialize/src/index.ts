/** Saving and loading tensors. */
export { writeFileAtomic } from './atomic.ts';
export { load, type SaveOptions, save } from './files.ts';
export { loadSafetensors, saveSafetensors } from './safetensors.ts';
export type { Metadata } from './safetensors-header.ts';
export { type NamedTensors, TensorMap } from './tensors.ts';
