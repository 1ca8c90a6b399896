import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bestKernelMode } from '../src/wasm/features.ts';

/** The modules under test, freshly loaded: they remember what they found out about the machine. */
async function load() {
  vi.resetModules();
  const features = await import('../src/wasm/features.ts');
  const scratch = await import('../src/wasm/scratch.ts');
  return { ...features, ...scratch };
}

/** Makes a constructor of WebAssembly throw. */
function replace(name: 'Module' | 'Memory', error: Error): void {
  class Refusing {
    constructor() {
      throw error;
    }
  }
  vi.stubGlobal('WebAssembly', Object.create(WebAssembly, { [name]: { value: Refusing } }));
}

describe('kernelMode', () => {
  beforeEach(() => vi.stubEnv('FLAMBEAU_CPU', undefined));
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  });

  it('is the best of the machine', async () => {
    const { kernelMode, bestKernelMode, scratchFor } = await load();
    expect(kernelMode()).toBe(bestKernelMode());
    expect(scratchFor('float32') === null).toBe(bestKernelMode() === 'js');
    expect(scratchFor('float64')).toBe(scratchFor('float64'));
  });

  it('is plain JavaScript when the environment says so', async () => {
    vi.stubEnv('FLAMBEAU_CPU', 'js');
    const { kernelMode, scratchFor } = await load();
    expect(kernelMode()).toBe('js');
    expect(scratchFor('float32')).toBeNull();
  });

  it('ignores other values of the variable', async () => {
    vi.stubEnv('FLAMBEAU_CPU', 'wasm');
    const { kernelMode, bestKernelMode } = await load();
    expect(kernelMode()).toBe(bestKernelMode());
  });

  it('is plain JavaScript without WebAssembly', async () => {
    vi.stubGlobal('WebAssembly', undefined);
    const { kernelMode } = await load();
    expect(kernelMode()).toBe('js');
  });

  it('is plain JavaScript where modules may not be compiled', async () => {
    replace('Module', new WebAssembly.CompileError('refused'));
    const { kernelMode } = await load();
    expect(kernelMode()).toBe('js');
  });

  it('does without scratch where there is no room for it', async () => {
    replace('Memory', new RangeError('no memory'));
    const { scratchFor, setKernelMode } = await load();
    setKernelMode('simd');
    expect(scratchFor('float32')).toBeNull();
    expect(scratchFor('float32')).toBeNull();
  });

  it('can be chosen', async () => {
    const { kernelMode, setKernelMode } = await load();
    setKernelMode('simd');
    expect(kernelMode()).toBe('simd');
    setKernelMode(undefined);
    vi.stubEnv('FLAMBEAU_CPU', 'js');
    expect(kernelMode()).toBe('js');
  });
});

describe.skipIf(bestKernelMode() === 'js')('scratch memory', () => {
  it('does not grow, and keeps its first bytes zero', async () => {
    const { scratchFor, regions } = await load();
    const scratch = scratchFor('float32')!;
    const { matmul } = await import('../src/kernels/matmul.ts');
    const { layOut, randomSource, emptyView } = await import('./views.ts');
    const random = randomSource(1);
    const [a, b] = [
      layOut(random, 'float32', [300, 700], 'contiguous'),
      layOut(random, 'float32', [700, 600], 'permuted'),
    ];
    matmul(a, b, emptyView('float32', [300, 600]));
    expect(scratch.heap.byteLength).toBeGreaterThanOrEqual(regions.end);
    expect(scratch.heap.byteLength).toBeLessThan(8 * 1024 * 1024);
    expect(Array.from(scratch.words.subarray(0, 8))).toEqual(new Array(8).fill(0));
  });
});
