import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { IndexError, ones, type Tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import {
  Identity,
  Linear,
  ModuleDict,
  ModuleList,
  Parameter,
  ParameterDict,
  ParameterList,
  ReLU,
  Sequential,
  Tanh,
} from '../src/index.ts';

describe('Sequential', () => {
  it('calls its modules in order', () => {
    const [first, second] = [new Linear(2, 3), new Linear(3, 1)];
    const net = new Sequential(first, new ReLU(), second);
    const x = ones(4, 2);
    expect(net(x).toArraySync()).toEqual(second(first(x).relu()).toArraySync());
    expect(net).toHaveLength(3);
    expect([...net]).toEqual([first, net.at(1), second]);
  });

  it('keeps the order of names, integers included, in a Map', () => {
    const names = (net: Sequential): string[] => net.namedChildren().map(([name]) => name);
    expect(names(new Sequential({ conv: new ReLU(), act: new Tanh() }))).toEqual(['conv', 'act']);
    expect(
      names(
        new Sequential(
          new Map([
            ['10', new ReLU()],
            ['9', new Tanh()],
            ['b', new ReLU()],
          ]),
        ),
      ),
    ).toEqual(['10', '9', 'b']);
  });

  it('is changed and cut', () => {
    const net: Sequential = new Sequential(new ReLU(), new Tanh());
    net.append(new Identity()).insert(0, new Tanh());
    expect(net.namedChildren().map(([, module]) => module.constructor.name)).toEqual([
      'Tanh',
      'ReLU',
      'Tanh',
      'Identity',
    ]);
    expect(net.pop()).toBeInstanceOf(Identity);
    net.set(-1, new ReLU());
    expect(net.at(-1)).toBeInstanceOf(ReLU);
    expect(
      net
        .slice(1)
        .namedChildren()
        .map(([name]) => name),
    ).toEqual(['1', '2']);
    expect(net.slice(0, 1).at(0)).toBe(net.at(0));
    expect(() => net.at(3)).toThrow(IndexError);
    expect(() => new Sequential({ 'a.b': new ReLU() })).toThrow(/dots/);
    expect(() => new Sequential(1 as never)).toThrow(/not a Module/);
  });

  it('gives back its input when empty', () => {
    const x = ones(2);
    expect(new Sequential({})(x)).toBe(x);
  });
});

describe('ModuleList and ModuleDict', () => {
  it('hold modules whose parameters count', () => {
    const list = new ModuleList([new Linear(1, 1), new Linear(1, 1)]);
    list.extend([new Linear(1, 1)]);
    expect(list.parameters()).toHaveLength(6);
    expect([...list.stateDict().keys()]).toContain('2.bias');
    expect(list.map((layer) => layer.outFeatures)).toEqual([1, 1, 1]);
    expect(list.slice(1)).toHaveLength(2);
    expect(() => list(ones(1) as never)).toThrow(TypeError);
  });

  it('find modules by name', () => {
    const dict = new ModuleDict<Linear | ReLU>({ b: new ReLU(), a: new Linear(1, 1) });
    expect([...dict.keys()]).toEqual(['b', 'a']);
    expect(dict.has('c')).toBe(false);
    expect((dict.get('a') as Linear)(ones(1, 1)).shape).toEqual([1, 1]);
    expect(() => dict.get('c')).toThrow(IndexError);
    dict.set('2', new ReLU()).set('1', new ReLU());
    expect([...dict].map(([name]) => name)).toEqual(['b', 'a', '2', '1']);
    expect(dict.pop('b')).toBeInstanceOf(ReLU);
    dict.clear();
    expect(dict).toHaveLength(0);
  });

  it('keep fields beside their modules', () => {
    class Blocks extends ModuleList<Linear> {
      scale = new Parameter(ones(1));
    }
    const blocks = new Blocks([new Linear(1, 1)]);
    expect(blocks.namedParameters().map(([name]) => name)).toEqual(['scale', '0.weight', '0.bias']);
  });
});

describe('ParameterList and ParameterDict', () => {
  it('hold parameters', () => {
    const list = new ParameterList([new Parameter(zeros(2, 3))]);
    list.append(new Parameter(zeros(4)));
    expect(list.namedParameters().map(([name]) => name)).toEqual(['0', '1']);
    expect(list.at(-1).shape).toEqual([4]);
    // As PyTorch: a tensor becomes a parameter.
    list.append(zeros(1));
    expect(list.at(-1)).toBeInstanceOf(Parameter);
    expect(() => list.append(3 as never)).toThrow("'3' is number, not a tensor");
    expect(() => list.append(list.at(0).mul(2))).toThrow('detach()');
    const dict = new ParameterDict({ w: new Parameter(zeros(2)) });
    expect([...dict.stateDict().keys()]).toEqual(['w']);
    expect(dict.get('w').requiresGrad).toBe(true);
    expect(() => dict.get('v')).toThrow(IndexError);
    expect(dict.setdefault('w', zeros(9)).shape).toEqual([2]);
    expect(dict.setdefault('u', zeros(3)).shape).toEqual([3]);
    expect([...dict.values()].map(({ shape }) => shape)).toEqual([[2], [3]]);
    expect(dict.pop('w').shape).toEqual([2]);
    expect([...dict.entries()].map(([name]) => name)).toEqual(['u']);
    dict.clear();
    expect(dict.length).toBe(0);
  });

  it('move with the module that has them', () => {
    const list = new ParameterList([new Parameter(zeros(2))]);
    const [parameter] = [list.at(0)] as [Tensor];
    list.double();
    expect(parameter.dtype).toBe('float64');
  });
});
