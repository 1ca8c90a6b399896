import '@flambeau/backend-cpu';
import { SGD } from '@flambeau/optim';
import { manualSeed, ones, randn, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { BatchNorm1d, Buffer, Linear, Module, Parameter, ReLU, Sequential } from '../src/index.ts';

class Scale extends Module {
  inner = new Linear(2, 2);
  factor = new Parameter(tensor([2]));
  plain = tensor([1]);
  count = new Buffer(tensor([3]));
  scratch = new Buffer(tensor([4]), { persistent: false });

  forward(x: Tensor): Tensor {
    return this.inner(x).mul(this.factor);
  }
}

describe('calling', () => {
  it('runs forward', () => {
    const net = new Scale();
    const x = ones(1, 2);
    expect(net(x).toArraySync()).toEqual(net.forward(x).toArraySync());
    expect(typeof net).toBe('function');
    expect(net).toBeInstanceOf(Scale);
    expect(net).toBeInstanceOf(Module);
  });

  it('has no fields of a function, so that a module may have its own', () => {
    class Named extends Module {
      override name = 'mine';
      override readonly length = 7;
      forward(): string {
        return this.name;
      }
    }
    const named = new Named();
    expect(named()).toBe('mine');
    expect(named.length).toBe(7);
    expect(Object.hasOwn(new ReLU(), 'name')).toBe(false);
    expect(Object.hasOwn(new ReLU(), 'length')).toBe(false);
  });

  it('works for asynchronous forwards', async () => {
    class Later extends Module {
      async forward(x: number): Promise<number> {
        return x + 1;
      }
    }
    expect(await new Later()(1)).toBe(2);
  });
});

describe('registration', () => {
  it('finds parameters, buffers and modules in fields, in PyTorch’s order', () => {
    const net = new Scale();
    expect(net.namedParameters().map(([name]) => name)).toEqual(['factor', 'inner.weight', 'inner.bias']);
    expect(net.namedBuffers().map(([name]) => name)).toEqual(['count', 'scratch']);
    expect([...net.stateDict().keys()]).toEqual(['factor', 'count', 'inner.weight', 'inner.bias']);
    expect(net.namedModules().map(([name]) => name)).toEqual(['', 'inner']);
    expect(net.parameters(false)[0]).toBe(net.factor);
    expect(net.namedParameters('a', { recurse: false }).map(([name]) => name)).toEqual(['a.factor']);
  });

  it('counts what is shared once', () => {
    const shared = new Linear(2, 2);
    const net = new Sequential(shared, new ReLU(), shared);
    expect(net.parameters()).toHaveLength(2);
    expect(net.modules()).toHaveLength(3);
    expect(net.namedModules({ removeDuplicate: false })).toHaveLength(4);
    expect([...net.stateDict().keys()]).toEqual(['0.weight', '0.bias', '2.weight', '2.bias']);
  });

  it('takes what is registered by name, and refuses what does not fit', () => {
    const net = new Scale();
    net.registerBuffer('extra', zeros(2), { persistent: false });
    net.registerParameter('gone', null);
    net.addModule('more', new ReLU());
    expect(net.getBuffer('extra').persistent).toBe(false);
    expect(net.namedChildren().map(([name]) => name)).toEqual(['inner', 'more']);
    expect(() => net.registerParameter('p', zeros(1) as Parameter)).toThrow(/new Parameter/);
    expect(() => net.registerModule('a.b', new ReLU())).toThrow(TypeError);
    expect(() => net.registerBuffer('', zeros(1))).toThrow(TypeError);
  });

  it('reaches submodules and parameters by path', () => {
    const net = new Sequential({ block: new Sequential(new Linear(1, 1), new BatchNorm1d(1)) });
    expect(net.getSubmodule('block.1')).toBeInstanceOf(BatchNorm1d);
    expect(net.getSubmodule('')).toBe(net);
    expect(net.getParameter('block.0.weight').shape).toEqual([1, 1]);
    expect(net.getBuffer('block.1.running_mean').shape).toEqual([1]);
    expect(() => net.getSubmodule('block.2')).toThrow(/no submodule '2'/);
    expect(() => net.getParameter('block.0.scale')).toThrow(TypeError);
  });
});

describe('state dicts', () => {
  it('share memory with the module', () => {
    const net = new Linear(1, 1);
    net.stateDict().get('weight')!.fill_(5);
    expect(net.weight.itemSync()).toBe(5);
    expect(net.stateDict().get('weight')!.requiresGrad).toBe(false);
    expect(net.stateDict({ keepVars: true }).get('weight')).toBe(net.weight);
    expect([...net.stateDict({ prefix: 'a.' }).keys()]).toEqual(['a.weight', 'a.bias']);
  });

  it('are loaded from maps and records, converting dtypes', () => {
    const net = new Linear(2, 1);
    const result = net.loadStateDict({ weight: tensor([[1, 2]], { dtype: 'float64' }), bias: tensor([3]) });
    expect(net.weight.toArraySync()).toEqual([[1, 2]]);
    expect(net.weight.dtype).toBe('float32');
    expect(net.weight.requiresGrad).toBe(true);
    expect(String(result)).toBe('<All keys matched successfully>');
    net.loadStateDict(new Linear(2, 1).stateDict());
  });

  it('leave the module unchanged when they do not fit, and say why as PyTorch does', () => {
    const net = new Sequential(new Linear(2, 1), new Linear(1, 1));
    const before = net.parameters().map((p) => p.toArraySync());
    const wrong = { '0.weight': zeros(1, 2), '0.bias': zeros(3), extra: zeros(1) };
    expect(() => net.loadStateDict(wrong)).toThrow(
      'Error(s) in loading state_dict for Sequential:\n\t' +
        'Missing key(s) in state_dict: "1.weight", "1.bias". \n\t' +
        'Unexpected key(s) in state_dict: "extra". \n\t' +
        'size mismatch for 0.bias: copying a param with shape torch.Size([3]) from checkpoint, the shape in current model is torch.Size([1]).',
    );
    expect(net.parameters().map((p) => p.toArraySync())).toEqual(before);
    expect(() => net.loadStateDict({ '0.weight': 1 }, { strict: false })).toThrow(/expected a tensor/);
    expect(() => net.loadStateDict(zeros(1) as never)).toThrow(TypeError);
  });

  it('may lack names when not strict', () => {
    const net = new Linear(2, 1);
    const { missingKeys, unexpectedKeys } = net.loadStateDict({ weight: ones(1, 2), more: zeros(1) }, false);
    expect(missingKeys).toEqual(['bias']);
    expect(unexpectedKeys).toEqual(['more']);
    expect(net.weight.toArraySync()).toEqual([[1, 1]]);
  });

  it('of old PyTorch versions may lack num_batches_tracked', () => {
    const state = new BatchNorm1d(2).stateDict();
    state.delete('num_batches_tracked');
    expect(new BatchNorm1d(2).loadStateDict(state).missingKeys).toEqual([]);
  });
});

describe('modes and conversion', () => {
  it('switches training in all submodules', () => {
    const net = new Sequential(new BatchNorm1d(2), new Sequential(new ReLU()));
    expect(net.eval()).toBe(net);
    expect(net.modules().map((module) => module.training)).toEqual([false, false, false, false]);
    net.train();
    expect(net.modules().every((module) => module.training)).toBe(true);
    expect(() => net.train(1 as never)).toThrow(TypeError);
  });

  it('keeps parameters the same objects, so that an optimizer made before goes on', () => {
    const net = new Sequential(new Linear(2, 2), new BatchNorm1d(2));
    const parameters = net.parameters();
    const optimizer = new SGD(parameters, { lr: 1 });
    net(randn(3, 2)).sum().backward();
    net.double();
    expect(net.parameters().every((p, i) => p === parameters[i])).toBe(true);
    expect(parameters.every((p) => p.dtype === 'float64' && p.grad!.dtype === 'float64' && p.requiresGrad)).toBe(true);
    expect(net.getBuffer('1.num_batches_tracked').dtype).toBe('int64');
    const before = parameters[0]!.detach().clone();
    parameters[0]!.grad = ones(2, 2, { dtype: 'float64' });
    optimizer.step();
    expect(parameters[0]!.sub(before).toArraySync()).toEqual([
      [-1, -1],
      [-1, -1],
    ]);
  });

  it('refuses dtypes that cannot be trained and unknown devices', () => {
    const net = new Linear(1, 1);
    expect(() => net.to('int32')).toThrow(/floating point or complex/);
    expect(() => net.to('cuda')).toThrow(/webgpu/);
    expect(net.weight.dtype).toBe('float32');
  });

  it('zeroes gradients, freezes and applies functions', () => {
    const net = new Sequential(new Linear(1, 1), new ReLU());
    net(ones(1, 1)).sum().backward();
    net.zeroGrad({ setToNone: false });
    expect(net.parameters().every((p) => p.grad !== null)).toBe(true);
    net.zeroGrad();
    expect(net.parameters().every((p) => p.grad === null)).toBe(true);
    net.requiresGrad_(false);
    expect(net(ones(1, 1)).requiresGrad).toBe(false);
    const seen: string[] = [];
    net.apply((module) => seen.push(module.constructor.name));
    expect(seen).toEqual(['Linear', 'ReLU', 'Sequential']);
  });
});

describe('hooks', () => {
  it('see and replace inputs and outputs', () => {
    const net = new Linear(1, 1, { bias: false });
    net.weight.data.fill_(2);
    const pre = net.registerForwardPreHook((_, [x]) => (x as Tensor).add(1));
    const post = net.registerForwardHook((module, inputs, output) => {
      expect(module).toBe(net);
      expect((inputs[0] as Tensor).itemSync()).toBe(2);
      return (output as Tensor).mul(10);
    });
    expect(net(ones(1, 1)).itemSync()).toBe(40);
    pre.remove();
    post.remove();
    expect(net(ones(1, 1)).itemSync()).toBe(2);
  });

  it('see and replace gradients', () => {
    const net = new Linear(2, 1, { bias: false });
    net.weight.data.copy_(tensor([[3, 4]]));
    const x = ones(1, 2).requiresGrad_();
    const handle = net.registerFullBackwardHook((_, gradInput, gradOutput) => {
      expect(gradOutput[0]!.toArraySync()).toEqual([[2]]);
      return [gradInput[0]!.mul(10)];
    });
    net(x).mul(2).sum().backward();
    expect(x.grad!.toArraySync()).toEqual([[60, 80]]);
    handle.remove();
    x.grad = null;
    net(x).sum().backward();
    expect(x.grad!.toArraySync()).toEqual([[3, 4]]);
  });

  it('run for modules whose inputs need no gradients', () => {
    const net = new Linear(1, 1);
    let seen: unknown;
    net.registerFullBackwardHook((_, gradInput) => {
      seen = gradInput;
    });
    net(ones(1, 1)).sum().backward();
    expect(seen).toEqual([null]);
  });
});

describe('text', () => {
  it('is PyTorch’s', () => {
    class Net extends Module {
      fc = new Linear(1, 2);
      head = null;
      forward(x: Tensor): Tensor {
        return this.fc(x);
      }
      override extraRepr(): string {
        return 'first\nsecond';
      }
    }
    expect(String(new Net())).toBe(
      'Net(\n  first\n  second\n  (fc): Linear(in_features=1, out_features=2, bias=True)\n)',
    );
    expect(String(new ReLU())).toBe('ReLU()');
  });
});

describe('initialisation', () => {
  it('draws PyTorch’s numbers', () => {
    manualSeed(0);
    const { weight, bias } = new Linear(2, 1);
    expect(String(weight)).toBe('Parameter containing:\ntensor([[-0.0053,  0.3793]], requires_grad=True)');
    expect(String(bias)).toBe('Parameter containing:\ntensor([-0.5820], requires_grad=True)');
  });
});
