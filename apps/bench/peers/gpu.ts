/** @file Gives Node the globals of a browser with WebGPU, which the other libraries look for. Imported before them. */
import { create, globals } from 'webgpu';

// Dawn's object must live as long as the process, so it hangs on `navigator`, which hangs on globalThis.
Object.assign(globalThis, globals);
Object.defineProperty(globalThis, 'navigator', {
  value: { gpu: create([]), userAgent: 'Node', hardwareConcurrency: 2 },
  configurable: true,
});
