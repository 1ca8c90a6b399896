import '@flambeau/backend-cpu';
import { DeviceError, FlambeauError, getDefaultDevice, ones, setDefaultDevice, tensor, zeros } from '@flambeau/tensor';
import { type Backend, backendFor, contractVersion, registerBackend, state } from '@flambeau/tensor/internal';
import { describe, expect, it, vi } from 'vitest';

describe('a second copy of the package', () => {
  it('warns, and shares the state of the first', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const path = '../src/state.ts?second';
    const second = (await import(/* @vite-ignore */ path)) as { state: unknown };
    expect(second.state).toBe(state);
    expect(warn.mock.calls.flat().join()).toContain('@flambeau/tensor was loaded twice');
    warn.mockRestore();
  });

  it('finds it under a global symbol', () => {
    expect((globalThis as unknown as Record<symbol, unknown>)[Symbol.for('@flambeau/tensor')]).toBe(state);
  });
});

describe('backends', () => {
  it('for another version of the contract are refused, naming both versions', () => {
    const backend = { device: 'other:0', contract: contractVersion + 7 } as Backend;
    expect(() => registerBackend(backend)).toThrow(FlambeauError);
    expect(() => registerBackend(backend)).toThrow(`version ${contractVersion + 7}`);
    expect(() => registerBackend(backend)).toThrow(`needs version ${contractVersion}`);
    expect(state.backends.has('other:0')).toBe(false);
  });

  it('become known by registration', () => {
    const backend = { device: 'other:0', contract: contractVersion } as Backend;
    registerBackend(backend);
    expect(backendFor('other:0')).toBe(backend);
    state.backends.delete('other:0');
    expect(() => backendFor('other:0')).toThrow(DeviceError);
  });
});

describe('unknown devices', () => {
  const remedies: [string, string][] = [
    ['cuda', "GPUs are reached through 'webgpu'"],
    ['cuda:1', "GPUs are reached through 'webgpu'"],
    ['webgpu', 'await webgpu.init()'],
    ['webgpu:3', 'await webgpu.init()'],
    ['tpu', "registered devices: 'cpu'"],
  ];
  it.each(remedies)('%s: the error says what to do', (device, remedy) => {
    for (const use of [() => zeros(2, { device }), () => tensor([1], { device }), () => ones(2).to({ device })]) {
      expect(use).toThrow(DeviceError);
      expect(use).toThrow(remedy);
    }
    expect(() => setDefaultDevice(device)).toThrow(remedy);
    expect(getDefaultDevice()).toBe('cpu');
  });
});
