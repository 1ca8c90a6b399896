import '@flambeau/backend-cpu';
import { manualSeed, ones, registerClass, registeredClass, registeredName, type Tensor } from '@flambeau/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import * as nn from '../src/index.ts';

class Residual extends nn.Module {
  readonly inner: nn.Module;
  readonly scale: number;
  readonly settings = { names: ['a', 'b'], sizes: new Map([[1, 2n]]), none: null };
  activation: unknown = nn.functional.relu;

  constructor(inner: nn.Module, scale: number) {
    super();
    this.inner = inner;
    this.scale = scale;
  }

  override forward(x: Tensor): Tensor {
    const activation = this.activation as (x: Tensor) => Tensor;
    return x.add(activation((this.inner as nn.Linear)(x)).mul(this.scale));
  }
}
class Unknown extends nn.Identity {}

beforeAll(() => {
  nn.registerModules(nn);
  registerClass(Residual, 'tests.Residual');
});

describe('classes by name', () => {
  it('are found both ways', () => {
    expect(registeredClass('Linear')).toBe(nn.Linear);
    expect(registeredName(Residual)).toBe('tests.Residual');
    expect([registeredClass('Residual'), registeredName(Unknown)]).toEqual([undefined, undefined]);
  });

  it('are refused where names clash, and nothing changes', () => {
    expect(() => registerClass(Unknown, 'Linear')).toThrow("'Linear' is the name of another class");
    expect(() => registerClass(Residual)).toThrow("registered as 'tests.Residual' already");
    expect(() => registerClass(class extends nn.Identity {}, '')).toThrow('without a name');
    registerClass(Residual, 'tests.Residual');
    expect(registeredClass('Linear')).toBe(nn.Linear);
  });
});

describe('whole modules', () => {
  it('come back with fields, shared parts and tensors, without their constructors', () => {
    manualSeed(0);
    const shared = new nn.Linear(3, 3);
    const net = new nn.Sequential(new Residual(shared, 0.5), new Residual(shared, 2)).eval();
    const before = net(ones(2, 3)).toArraySync();
    const packed = nn.packModule(net);
    const other = nn.unpackModule(packed) as typeof net;
    expect(other(ones(2, 3)).toArraySync()).toEqual(before);
    expect(String(other)).toBe(String(net));
    expect(other.training).toBe(false);
    const [first, second] = [...other.children()] as unknown as Residual[];
    expect(first!.inner).toBe(second!.inner);
    expect(first).toBeInstanceOf(Residual);
    expect(first!.settings).toEqual({ names: ['a', 'b'], sizes: new Map([[1, 2n]]), none: null });
    expect(first!.activation).toBe(nn.functional.relu);
    expect((first!.inner as nn.Linear).weight).toBe(shared.weight);
  });

  it('that cannot be packed say where and why', () => {
    const holding = (value: unknown): nn.Module => {
      const module = new Residual(new nn.Identity(), 1);
      module.activation = value;
      return new nn.Sequential(module);
    };
    expect(() => nn.packModule(new nn.Sequential(new Unknown()))).toThrow('class Unknown, which is not registered');
    expect(() => nn.packModule(holding((x: Tensor) => x))).toThrow(/activation holds a function/);
    expect(() => nn.packModule(holding(new Date()))).toThrow(/activation holds a Date/);
    expect(() => nn.unpackModule({ module: 'Nowhere', fields: [] })).toThrow("no class is registered as 'Nowhere'");
    class Plain {}
    registerClass(Plain, 'tests.Plain');
    expect(() => nn.unpackModule({ module: 'tests.Plain', fields: [] })).toThrow('is no Module');
  });
});
