/** @file Flags of the WebGPU specification. Node has no such globals, and browsers' workers only some. */
export const BufferUsage = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 } as const;
export const MAP_MODE_READ = 1;
export const SHADER_STAGE_COMPUTE = 4;
