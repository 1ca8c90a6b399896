/** The umbrella: what one import gives, and that importing it switches everything on. */
import { readFileSync } from 'node:fs';
import * as flambeau from 'flambeau';
import {
  autograd,
  data,
  einsum,
  F,
  load,
  manualSeed,
  matmul,
  nn,
  noGrad,
  optim,
  rand,
  ShapeError,
  save,
  setPrintoptions,
  tensor,
  version,
  zeros,
} from 'flambeau';
import { describe, expect, it } from 'vitest';

describe('flambeau', () => {
  it('has tensor functions, modes and errors flat', () => {
    const functions = { tensor, zeros, noGrad, manualSeed, save, load, matmul, einsum, setPrintoptions };
    for (const [name, value] of Object.entries(functions)) expect(value, name).toBeTypeOf('function');
    expect(() => zeros(2).add(zeros(3))).toThrow(ShapeError);
  });

  it('has the rest as namespaces', () => {
    expect(F.relu).toBeTypeOf('function');
    expect(autograd.grad).toBeTypeOf('function');
    expect(data.DataLoader).toBeTypeOf('function');
    expect(nn.Linear).toBeTypeOf('function');
    expect(nn.init.xavierUniform_).toBeTypeOf('function');
    expect(optim.SGD).toBeTypeOf('function');
    expect(flambeau.linalg.vectorNorm).toBeTypeOf('function');
  });

  it("exports JavaScript's reserved names under both", () => {
    expect(flambeau.var).toBe(flambeau.variance);
  });

  it('computes on the CPU and records gradients', async () => {
    const x = tensor([1, 2, 3], { requiresGrad: true });
    x.mul(x).sum().backward();
    expect(x.device).toBe('cpu');
    expect(await x.grad!.toArray()).toEqual([2, 4, 6]);
    expect(noGrad(() => x.mul(2)).requiresGrad).toBe(false);
  });

  it('draws the numbers of PyTorch', () => {
    manualSeed(0);
    expect(String(rand(3))).toBe('tensor([0.4963, 0.7682, 0.0885])');
  });

  it('saves and loads', () => {
    expect([save, load].map((f) => f.constructor.name)).toEqual(['AsyncFunction', 'AsyncFunction']);
  });

  it('knows its version', () => {
    const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(version, 'src/version.ts goes with package.json').toBe(manifest.version);
  });
});
