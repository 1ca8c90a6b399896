/** Which WebAssembly features this machine has, and which kernels run. */
import { WasmModule } from './encoder.ts';
import { f32x4, v128 } from './instructions.ts';

/**
 * How the CPU kernels of this package run: `js` plain JavaScript, `simd` WebAssembly SIMD with a multiply and an add,
 * `fma` the same with relaxed SIMD's fused multiply-add.
 */
export type KernelMode = 'js' | 'simd' | 'fma';

let mode: KernelMode | undefined;

/** The mode in force: the best that this machine has, unless the environment says `FLAMBEAU_CPU=js`. */
export function kernelMode(): KernelMode {
  mode ??= environment() === 'js' ? 'js' : bestKernelMode();
  return mode;
}

/** Chooses the mode (tests run with each); `undefined` goes back to the automatic choice. */
export function setKernelMode(wanted: KernelMode | undefined): void {
  mode = wanted;
}

function environment(): string | undefined {
  return typeof process === 'undefined' ? undefined : process.env?.FLAMBEAU_CPU;
}

/** The best mode that this machine can run. */
export function bestKernelMode(): KernelMode {
  if (typeof WebAssembly === 'undefined') return 'js';
  try {
    const sum = probe(() => f32x4.add(v128.load(0), v128.load(16)));
    if (sum(1, 2, 0) !== 3) return 'js';
  } catch {
    return 'js';
  }
  try {
    // Relaxed multiply-add may also be lowered to a multiply and an add, which rounds twice and needs the registers of
    // the other kernel: (1 + 2^-12)² - (1 + 2^-11) is 2^-24 when rounded once, and 0 when rounded twice.
    const fused = probe(() => f32x4.relaxedMadd(v128.load(0), v128.load(16), v128.load(32)));
    const x = 1 + 2 ** -12;
    return fused(x, x, -(1 + 2 ** -11)) === 2 ** -24 ? 'fma' : 'simd';
  } catch {
    return 'simd';
  }
}

function probe(expression: () => ReturnType<typeof f32x4.add>): (a: number, b: number, c: number) => number {
  const module = new WasmModule();
  module.exportMemory('memory', { initial: 1 });
  module.func('run', {}, 'f32', () => [f32x4.extractLane(expression(), 0)]);
  const exports = new WebAssembly.Instance(new WebAssembly.Module(module.encode())).exports;
  const lanes = new Float32Array((exports.memory as WebAssembly.Memory).buffer, 0, 12);
  return (a, b, c) => {
    lanes.fill(a, 0, 4).fill(b, 4, 8).fill(c, 8, 12);
    return (exports.run as () => number)();
  };
}

const compiled = new Map<string, WebAssembly.Module>();

/** Compiles a module once for each signature, when it is first wanted, and gives an instance of it. */
export function instantiate(
  signature: string,
  build: () => WasmModule,
  imports: WebAssembly.Imports = {},
): WebAssembly.Exports {
  let module = compiled.get(signature);
  if (module === undefined) {
    module = new WebAssembly.Module(build().encode());
    compiled.set(signature, module);
  }
  return new WebAssembly.Instance(module, imports).exports;
}
