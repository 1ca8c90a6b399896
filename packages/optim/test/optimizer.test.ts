import '@flambeau/backend-cpu';
import '@flambeau/autograd';
import { AutogradError, ones, SerializationError, type Tensor, tensor, zeros } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import * as optim from '../src/index.ts';

const { Adam, AdamW, SGD } = optim;

const parameter = (...values: number[]): Tensor => tensor(values).requiresGrad_();

/** A step along a gradient of ones. */
function stepOf(optimizer: optim.Optimizer<never>, ...parameters: Tensor[]): void {
  for (const p of parameters) p.grad = ones([...p.shape], { dtype: p.dtype });
  (optimizer as unknown as optim.Optimizer).step();
}

describe('construction', () => {
  it('takes parameters, or groups with options of their own', () => {
    const [a, b] = [parameter(1), parameter(2)];
    const optimizer = new SGD([{ params: [a] }, { params: b, lr: 0.5 }], { lr: 0.1, momentum: 0.9 });
    expect(optimizer.paramGroups.map(({ lr, momentum }) => [lr, momentum])).toEqual([
      [0.1, 0.9],
      [0.5, 0.9],
    ]);
    optimizer.addParamGroup({ params: [parameter(3)], momentum: 0 });
    expect(optimizer.paramGroups[2]!.momentum).toBe(0);
    expect(new SGD([parameter(1)], 0.1, 0.9).paramGroups[0]!.momentum).toBe(0.9);
  });

  it('refuses what cannot be optimized', () => {
    const p = parameter(1);
    expect(() => new SGD([], { lr: 1 })).toThrow(/empty/);
    expect(() => new SGD(p as never, { lr: 1 })).toThrow(/list of tensors/);
    expect(() => new SGD([1 as never], { lr: 1 })).toThrow(TypeError);
    expect(() => new SGD([p.mul(2)], { lr: 1 })).toThrow(AutogradError);
    expect(() => new SGD([p, p], { lr: 1 })).toThrow(/twice/);
    expect(() => new SGD([{ params: [p] }, { params: [p] }], { lr: 1 })).toThrow(/twice/);
    expect(() => new SGD([{}] as never, { lr: 1 })).toThrow(/'params'/);
    const optimizer = new SGD([p], { lr: 1 });
    expect(() => optimizer.addParamGroup({ params: [parameter(1)], momntum: 1 } as never)).toThrow(/'momentum'/);
    expect(optimizer.paramGroups).toHaveLength(1);
  });

  it('names options that are missing or out of range', () => {
    const p = parameter(1);
    expect(() => new SGD([p])).toThrow(/required option 'lr'/);
    expect(() => new SGD([p], { lr: -1 })).toThrow(new RangeError('SGD: lr must be at least 0, got -1'));
    expect(() => new SGD([p], { lr: Number.NaN })).toThrow(RangeError);
    expect(() => new SGD([p], { lr: 1, nesterov: true })).toThrow(/nesterov/);
    expect(() => new Adam([p], { betas: [1, 0.9] })).toThrow(/betas\[0\]/);
    expect(() => new AdamW([p], { weightDecay: -1 })).toThrow(/weightDecay/);
    expect(() => new Adam([p], { epsilon: 1 } as never)).toThrow(/'eps'/);
    expect(() => new optim.Adadelta([p], { rho: 2 })).toThrow(/rho/);
    expect(() => new optim.Rprop([p], { etas: [2, 3] })).toThrow(/etas/);
    expect(() => new SGD([{ params: [p], lr: -1 }])).toThrow(RangeError);
  });
});

describe('steps', () => {
  it('leave parameters without gradients and their state alone', () => {
    const [a, b] = [parameter(1), parameter(1)];
    const optimizer = new Adam([a, b], { lr: 0.1 });
    a.grad = tensor([1]);
    optimizer.step();
    expect(b.itemSync()).toBe(1);
    expect(optimizer.state.has(b)).toBe(false);
    expect(optimizer.state.get(a)!.step).toBe(1);
  });

  it('follow changes of options between them', () => {
    const p = parameter(1);
    const optimizer = new SGD([p], { lr: 0.5 });
    stepOf(optimizer as never, p);
    optimizer.paramGroups[0]!.lr = 0.25;
    stepOf(optimizer as never, p);
    expect(p.itemSync()).toBe(0.25);
    optimizer.paramGroups[0]!.lr = -1;
    expect(() => stepOf(optimizer as never, p)).toThrow(RangeError);
  });

  it('work on views with gaps, and on other dtypes', () => {
    const whole = zeros(2, 3);
    const column = whole.select(1, 1).detach().requiresGrad_();
    stepOf(new SGD([column], { lr: 1, momentum: 0.5 }) as never, column);
    expect(whole.toArraySync()).toEqual([
      [0, -1, 0],
      [0, -1, 0],
    ]);
    for (const dtype of ['float64', 'float16'] as const) {
      const p = ones(2, { dtype }).requiresGrad_();
      stepOf(new AdamW([p], { lr: 0.5, weightDecay: 0 }) as never, p);
      expect([...p.detach().toTypedArraySync()].map(Number)[0]).toBeCloseTo(0.5, 3);
    }
  });

  it('make autograd notice that what it saved has changed', () => {
    const p = parameter(1, 2);
    const loss = p.mul(p).sum();
    stepOf(new SGD([p], { lr: 1 }) as never, p);
    expect(() => loss.backward()).toThrow(AutogradError);
  });

  it('take closures, with gradients switched on', () => {
    const p = parameter(3);
    const optimizer = new SGD([p], { lr: 0.1 });
    const loss = optimizer.step(() => {
      optimizer.zeroGrad();
      const square = p.mul(p).sum();
      square.backward();
      return square;
    });
    expect(loss.itemSync()).toBe(9);
    expect(p.itemSync()).toBeCloseTo(2.4, 6);
  });

  it('take asynchronous closures', async () => {
    const p = parameter(3);
    const optimizer = new SGD([p], { lr: 0.1 });
    const result = optimizer.step(async () => {
      await Promise.resolve();
      p.mul(p).sum().backward();
      return 'done';
    });
    expect(p.itemSync()).toBe(3);
    expect(await result).toBe('done');
    expect(p.itemSync()).toBeCloseTo(2.4, 6);
    await expect(optimizer.step(async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(p.itemSync()).toBeCloseTo(2.4, 6);
  });

  it('zero gradients', () => {
    const p = parameter(1);
    const optimizer = new SGD([p], { lr: 1 });
    p.grad = tensor([2]);
    optimizer.zeroGrad({ setToNone: false });
    expect(p.grad.toArraySync()).toEqual([0]);
    optimizer.zeroGrad();
    expect(p.grad).toBeNull();
  });
});

const optimizers: Record<string, (params: Tensor[]) => optim.Optimizer<never>> = {
  SGD: (params) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }) as never,
  Adam: (params) => new Adam(params, { lr: 0.1, amsgrad: true, weightDecay: 0.1 }) as never,
  AdamW: (params) => new AdamW(params, { lr: 0.1 }) as never,
  RMSprop: (params) => new optim.RMSprop(params, { centered: true, momentum: 0.5 }) as never,
  Adagrad: (params) => new optim.Adagrad(params) as never,
  Adadelta: (params) => new optim.Adadelta(params) as never,
  Adamax: (params) => new optim.Adamax(params) as never,
  NAdam: (params) => new optim.NAdam(params) as never,
  RAdam: (params) => new optim.RAdam(params) as never,
  Rprop: (params) => new optim.Rprop(params) as never,
  ASGD: (params) => new optim.ASGD(params, { t0: 1 }) as never,
};

describe('state dicts', () => {
  for (const [name, make] of Object.entries(optimizers)) {
    it(`of ${name} let a new optimizer go on where the old one was`, () => {
      const first = [parameter(1, -2), parameter(3)];
      const optimizer = make(first);
      for (let i = 0; i < 3; i++) stepOf(optimizer, ...first);
      const second = first.map((p) => p.detach().clone().requiresGrad_());
      const resumed = make(second);
      resumed.loadStateDict(optimizer.stateDict());
      for (let i = 0; i < 2; i++) {
        stepOf(optimizer, ...first);
        stepOf(resumed, ...second);
      }
      expect(second.map((p) => p.toArraySync())).toEqual(first.map((p) => p.toArraySync()));
    });
  }

  it('have PyTorch’s form', () => {
    const p = parameter(1);
    const optimizer = new Adam([p], { lr: 0.1, weightDecay: 0.5 });
    stepOf(optimizer as never, p);
    const { state, param_groups: groups } = optimizer.stateDict();
    expect([...state.keys()]).toEqual([0]);
    expect(Object.keys(state.get(0)!)).toEqual(['step', 'exp_avg', 'exp_avg_sq']);
    expect(String(state.get(0)!.step)).toBe('tensor(1.)');
    expect(groups[0]).toMatchObject({ lr: 0.1, weight_decay: 0.5, betas: [0.9, 0.999], params: [0] });
  });

  it('come as maps from files, and are copied', () => {
    const p = parameter(1);
    const buffer = tensor([4]);
    const optimizer = new SGD([p], { lr: 0.1, momentum: 0.9 });
    const state = new Map<string, unknown>([
      ['state', new Map([[0, new Map([['momentum_buffer', buffer]])]])],
      [
        'param_groups',
        [
          new Map<string, unknown>([
            ['lr', 0.2],
            ['momentum', 0.5],
            ['params', [0]],
          ]),
        ],
      ],
    ]);
    optimizer.loadStateDict(state);
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.2, momentum: 0.5, dampening: 0 });
    stepOf(optimizer as never, p);
    expect(p.itemSync()).toBeCloseTo(1 - 0.2 * 3, 6);
    expect(buffer.itemSync()).toBe(4);
  });

  it('that do not fit are refused and change nothing', () => {
    const optimizer = new SGD([parameter(1)], { lr: 0.1 });
    const other = new SGD([parameter(1), parameter(2)], { lr: 0.7 }).stateDict();
    expect(() => optimizer.loadStateDict(other)).toThrow(SerializationError);
    expect(() => optimizer.loadStateDict({ state: {} })).toThrow(/param_groups/);
    expect(() => optimizer.loadStateDict({ state: {}, param_groups: [] })).toThrow(/0 parameter groups/);
    expect(() => optimizer.loadStateDict({ state: { 5: {} }, param_groups: [{ lr: 1, params: [0] }] })).toThrow(
      /parameter 5/,
    );
    expect(() => optimizer.loadStateDict(null)).toThrow(SerializationError);
    expect(optimizer.paramGroups[0]!.lr).toBe(0.1);
  });
});

describe('text', () => {
  it('is PyTorch’s', () => {
    expect(String(new SGD([parameter(1)], { lr: 1e-5 }))).toBe(
      'SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    lr: 1e-05\n' +
        '    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)',
    );
  });
});
