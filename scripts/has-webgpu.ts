// Exits with 0 where a WebGPU adapter can be had, with 1 elsewhere: test.ts asks before it runs the GPU tests.
import { isAvailable } from '@flambeau/backend-webgpu';

process.exit((await isAvailable()) ? 0 : 1);
