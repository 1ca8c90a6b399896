/** What every layer must do: train on its own, have the gradients of its forward, and survive being saved. */
import '@flambeau/backend-cpu';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradcheck } from '@flambeau/autograd';
import { Adam } from '@flambeau/optim';
import { load, save } from '@flambeau/serialize';
import { isTensor, manualSeed, noGrad, randn, type Tensor, tensor } from '@flambeau/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';
import { examples } from './support/every-layer.ts';

/** Containers and the base class, which cannot be called. */
const notCalled = ['Module', 'ModuleDict', 'ModuleList', 'ParameterDict', 'ParameterList'];
/** Its gradient is PyTorch's, which sums other channels than its forward. */
const ownGradient = ['CrossMapLRN2d'];
/** Its gradient is right behind a log-softmax only, PyTorch's too. */
const ofLogSoftmax = ['CTCLoss'];

/** All tensors of a nested result that gradients can flow to. */
function tensorsOf(value: unknown): Tensor[] {
  if (isTensor(value)) return value.dtype === 'float64' ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(tensorsOf);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(tensorsOf) : [];
}

/** Runs a layer; what it draws at random is the same every time. */
function run(layer: nn.Module, inputs: readonly unknown[]): Tensor[] {
  manualSeed(5);
  return tensorsOf(layer(...(inputs as never[])));
}

const isLeaf = (value: unknown): value is Tensor => isTensor(value) && value.requiresGrad;

function made(name: string): { layer: nn.Module; inputs: unknown[] } {
  const { make, inputs: draw } = examples[name]!;
  const [layer, inputs] = [make().to('float64'), draw()];
  // Lazy modules take their sizes.
  noGrad(() => run(layer.clone(), inputs));
  if (name.startsWith('Lazy')) noGrad(() => run(layer, inputs));
  return { layer, inputs };
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'layers-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('has an example of every layer', () => {
  const layers = Object.entries(nn).flatMap(([name, value]) =>
    typeof value === 'function' && value.prototype instanceof nn.Module ? [name] : [],
  );
  expect(Object.keys(examples).sort()).toEqual(layers.filter((name) => !notCalled.includes(name)).sort());
});

describe.each(Object.keys(examples).map((name) => [name]))('%s', (name) => {
  it('trains on its own: the loss falls', () => {
    manualSeed(1);
    const { layer, inputs } = made(name);
    const leaves = [...layer.parameters(), ...inputs.filter(isLeaf)];
    const outputs = run(layer, inputs);
    const targets = outputs.map((y) => randn([...y.shape], { dtype: 'float64' }));
    // Losses are their own.
    const single = outputs.length === 1 && outputs[0]!.ndim === 0;
    const lossOf = (ys: readonly Tensor[]): Tensor =>
      single
        ? ys[0]!
        : ys
            .map((y, i) => y.sub(targets[i]!).square().sum())
            .reduce((a, b) => a.add(b), tensor(0, { dtype: 'float64' }));
    const optimizer = new Adam(leaves, { lr: 0.01 });
    const losses = Array.from({ length: 15 }, () => {
      optimizer.zeroGrad();
      const loss = lossOf(run(layer, inputs));
      loss.backward();
      optimizer.step();
      return loss.itemSync();
    });
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
  });

  it(`${ownGradient.includes(name) ? 'fails' : 'passes'} gradcheck in float64`, async () => {
    manualSeed(2);
    const { layer, inputs } = made(name);
    const names = layer.namedParameters().map(([key]) => key);
    const leaves = [...layer.parameters(), ...inputs.filter(isLeaf)];
    const call = (...given: Tensor[]): Tensor[] => {
      const parameters = new Map(names.map((key, i) => [key, given[i]!]));
      let next = names.length;
      const values = inputs.map((value) => (isLeaf(value) ? given[next++]! : value));
      if (ofLogSoftmax.includes(name)) values[0] = (values[0] as Tensor).logSoftmax(-1);
      manualSeed(5);
      return tensorsOf(nn.utils.stateless.functionalCall(layer, parameters, values));
    };
    expect(await gradcheck(call, leaves, { raiseException: false })).toBe(!ownGradient.includes(name));
  });

  it('gives the same after being saved and loaded', async () => {
    manualSeed(3);
    const { layer, inputs } = made(name);
    run(layer, inputs);
    const path = join(folder, `${name}.safetensors`);
    await save(layer.stateDict(), path);
    const other = examples[name]!.make().to('float64');
    other.loadStateDict(await load(path));
    const [before, after] = [layer, other].map((net) => run(net.eval(), inputs).map((y) => y.toArraySync()));
    expect(after).toEqual(before);
  });

  it('gives the same after being packed and unpacked', () => {
    nn.registerModules(nn);
    manualSeed(3);
    const { layer, inputs } = made(name);
    run(layer, inputs);
    const other = nn.unpackModule(nn.packModule(layer.clone()));
    expect(other.constructor).toBe(layer.constructor);
    expect(String(other)).toBe(String(layer));
    expect([...other.stateDict().keys()]).toEqual([...layer.stateDict().keys()]);
    const [before, after] = [layer, other].map((net) => run(net.eval(), inputs).map((y) => y.toArraySync()));
    expect(after).toEqual(before);
  });
});
