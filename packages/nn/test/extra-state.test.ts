/** What a module keeps beside its tensors, and conversions that take all of a module's tensors. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { DTypeError, ones, SerializationError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { BatchNorm1d, Linear, Module, Sequential } from '../src/index.ts';

class Counting extends Module {
  linear = new Linear(1, 1);
  scale = new Linear(1, 1).weight;
  private calls = 0;

  forward(x: Tensor): Tensor {
    this.calls += 1;
    return this.linear(x).mul(this.scale);
  }

  override getExtraState(): unknown {
    return { calls: this.calls };
  }

  override setExtraState(state: unknown): void {
    if (typeof state !== 'object' || state === null || !('calls' in state)) throw new TypeError('no calls');
    this.calls = Number(state.calls);
  }
}

class Giving extends Module {
  forward(): void {}
  override getExtraState(): unknown {
    return undefined;
  }
}

describe('extra state', () => {
  it('comes after the own tensors, before those of submodules, and back', () => {
    const model = new Sequential(new Counting(), new Counting());
    const state = model.stateDict();
    const own = (i: number) => [`${i}.scale`, `${i}._extra_state`, `${i}.linear.weight`, `${i}.linear.bias`];
    expect([...state.keys()]).toEqual([...own(0), ...own(1)]);
    model.at(0)(ones(1, 1));
    const later = model.stateDict();
    expect([later.get('0._extra_state'), later.get('1._extra_state')]).toEqual([{ calls: 1 }, { calls: 0 }]);
    const copy = new Sequential(new Counting(), new Counting());
    expect(String(copy.loadStateDict(later))).toBe('<All keys matched successfully>');
    expect(copy.at(0).getExtraState()).toEqual({ calls: 1 });
  });

  it('is missing or unexpected like a tensor, by what the class defines', () => {
    const state = new Counting().stateDict();
    state.delete('_extra_state');
    expect(() => new Counting().loadStateDict(state)).toThrow(/Missing key\(s\) in state_dict: "_extra_state"/);
    expect(new Counting().loadStateDict(state, false).missingKeys).toEqual(['_extra_state']);
    const linear = { ...Object.fromEntries(new Linear(1, 1).stateDict()), _extra_state: 3 };
    expect(() => new Linear(1, 1).loadStateDict(linear)).toThrow(/Unexpected key\(s\) in state_dict: "_extra_state"/);
    expect(new Linear(1, 1).loadStateDict(linear, { strict: false }).unexpectedKeys).toEqual(['_extra_state']);
    // One that gives but does not take; what it gives may be nothing.
    const given = new Giving().stateDict();
    expect([...given]).toEqual([['_extra_state', undefined]]);
    expect(() => new Giving().loadStateDict(given)).toThrow(SerializationError);
    expect(() => new Linear(1, 1).getExtraState()).toThrow('Linear has no extra state');
    expect(() => new Linear(1, 1).setExtraState(1)).toThrow('Linear has no extra state');
  });

  it('that is refused leaves the tensors as they were, as tensors that do not fit leave it', () => {
    const module = new Counting();
    const before = module.scale.itemSync();
    const state = new Map<string, unknown>(new Counting().stateDict());
    expect(() => module.loadStateDict(state.set('_extra_state', 'none').set('scale', tensor([[before + 1]])))).toThrow(
      'no calls',
    );
    expect(module.scale.itemSync()).toBe(before);
    expect(() => module.loadStateDict(state.set('_extra_state', { calls: 9 }).set('scale', zeros(2)))).toThrow(
      'size mismatch for scale',
    );
    expect(module.getExtraState()).toEqual({ calls: 0 });
  });
});

describe('conversions of everything', () => {
  it('type casts integer buffers too', () => {
    const norm = new BatchNorm1d(2);
    const { weight } = norm;
    expect(norm.type('float64').stateDict().get('num_batches_tracked')!.dtype).toBe('float64');
    expect(norm.weight).toBe(weight);
    expect([weight!.dtype, weight!.requiresGrad]).toEqual(['float64', true]);
    expect(() => norm.type('int32')).toThrow(DTypeError);
    expect(norm.running_mean!.dtype).toBe('float64');
    norm(ones(2, 2, { dtype: 'float64' }))
      .sum()
      .backward();
    expect(norm.type('float32').weight!.grad!.dtype).toBe('float32');
    expect(norm.requiresGrad_(false).type('int32').weight!.toArraySync()).toEqual([1, 1]);
    expect([norm.weight!.grad, norm.bias!.dtype]).toEqual([null, 'int32']);
  });

  it('toEmpty keeps shapes, dtypes and the parameters themselves', () => {
    const norm = new BatchNorm1d(3);
    const { weight } = norm;
    norm(ones(4, 3)).sum().backward();
    const { storage } = weight!;
    expect(norm.toEmpty('cpu')).toBe(norm);
    expect(norm.weight).toBe(weight);
    expect(weight!.storage).not.toBe(storage);
    expect([...norm.stateDict().values()].map(({ shape, dtype }) => [shape, dtype])).toEqual([
      [[3], 'float32'],
      [[3], 'float32'],
      [[3], 'float32'],
      [[3], 'float32'],
      [[], 'int64'],
    ]);
    expect([weight!.requiresGrad, weight!.grad!.shape]).toEqual([true, [3]]);
    expect(() => norm.toEmpty({ device: 'nowhere' })).toThrow('unknown device');
  });
});
