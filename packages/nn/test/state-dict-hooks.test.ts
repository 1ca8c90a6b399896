/** Hooks around state dicts, and hooks of copies. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { ones, SerializationError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { Linear, Sequential } from '../src/index.ts';

const net = () => new Sequential(new Linear(2, 1), new Linear(1, 1));

describe('state dict hooks', () => {
  it('run before and after a module adds its part', () => {
    const model = net();
    const seen: string[] = [];
    model.at(1).registerStateDictPreHook((module, prefix, keepVars) => {
      seen.push(`${module.constructor.name} ${prefix} ${keepVars}`);
    });
    const handle = model.at(0).registerStateDictHook((_module, state, prefix) => {
      state.delete(`${prefix}bias`);
      state.set(`${prefix}extra`, tensor(1));
    });
    expect([...model.stateDict().keys()]).toEqual(['0.weight', '0.extra', '1.weight', '1.bias']);
    expect(seen).toEqual(['Linear 1. false']);
    handle.remove();
    expect([...model.stateDict({ prefix: 'a.' }).keys()]).toEqual(['a.0.weight', 'a.0.bias', 'a.1.weight', 'a.1.bias']);
    expect(seen[1]).toBe('Linear a.1. false');
  });

  it('bring a loaded dict up to date, without changing the caller’s', () => {
    const model = net();
    model.at(0).registerLoadStateDictPreHook((_module, state, prefix) => {
      const old = state.get(`${prefix}kernel`);
      if (old === undefined) return;
      state.delete(`${prefix}kernel`);
      state.set(`${prefix}weight`, old);
    });
    const state = new Map<string, Tensor>(net().stateDict());
    state.delete('0.weight');
    state.set('0.kernel', ones(1, 2).mul(3));
    expect(String(model.loadStateDict(state))).toBe('<All keys matched successfully>');
    expect(model.at(0).parameters()[0]!.toArraySync()).toEqual([[3, 3]]);
    expect(state.has('0.kernel')).toBe(true);
  });

  it('forgive keys, or refuse them before anything is copied', () => {
    const model = net();
    const handle = model.registerLoadStateDictPostHook((_module, keys) => {
      keys.missingKeys.length = 0;
    });
    expect(model.loadStateDict({ '0.weight': zeros(1, 2) }).missingKeys).toEqual([]);
    handle.remove();
    expect(() => model.loadStateDict({ '0.weight': ones(1, 2) })).toThrow(SerializationError);
    expect(model.at(0).parameters()[0]!.toArraySync()).toEqual([[0, 0]]);
    model.registerLoadStateDictPostHook(() => {
      throw new TypeError('no');
    });
    expect(() => model.loadStateDict(net().to('float64').stateDict())).toThrow('no');
    expect(model.at(0).parameters()[0]!.toArraySync()).toEqual([[0, 0]]);
  });
});

describe('copies', () => {
  it('have the same hooks, removed on their own', () => {
    const layer = new Linear(1, 1);
    const called: unknown[] = [];
    const handle = layer.registerForwardHook((module) => {
      called.push(module);
    });
    const copy = layer.clone();
    handle.remove();
    layer(ones(1, 1));
    copy(ones(1, 1));
    expect(called.length).toBe(1);
    expect(called[0] === copy).toBe(true);
  });
});
