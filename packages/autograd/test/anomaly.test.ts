/** Anomaly mode, and hooks on saved tensors. */
import '@flambeau/backend-cpu';
import {
  Function as AutogradFunction,
  detectAnomaly,
  type FunctionContext,
  grad,
  isAnomalyEnabled,
  savedTensorsHooks,
  setDetectAnomaly,
} from '@flambeau/autograd';
import { AutogradError, type Tensor, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';

const leaf = (data: number[]): Tensor => tensor(data, { requiresGrad: true });

class Failing extends AutogradFunction {
  static override forward(_: FunctionContext, x: Tensor): Tensor {
    return x.clone();
  }
  static override backward(): Tensor {
    throw new RangeError('no gradient today');
  }
}

/** A frame with a name of its own in the stack. */
function theGuiltyCall(x: Tensor): Tensor {
  return x.sqrt();
}

const messageOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
};

describe('anomaly mode', () => {
  it('names the op and the forward call that a NaN comes from', () => {
    const x = leaf([0, 1]);
    const run = (): void =>
      theGuiltyCall(x.mul(0))
        .mul(tensor([0, 1]))
        .sum()
        .backward();
    expect(messageOf(run)).toBe('no error');
    const message = messageOf(() => detectAnomaly(run));
    expect(message).toMatch(/^Function 'SqrtBackward0' returned nan values in its 0th output/);
    expect(message).toContain('theGuiltyCall');
    expect(isAnomalyEnabled()).toBe(false);
  });

  it('explains errors, which stay the cause', () => {
    const x = leaf([1]);
    detectAnomaly(() => {
      const y = Failing.apply(x);
      expect(messageOf(() => y.sum().backward())).toMatch(
        /^FailingBackward failed .* RangeError: no gradient today[\s\S]*anomaly\.test/,
      );
      let cause: unknown;
      try {
        Failing.apply(x).sum().backward();
      } catch (error) {
        expect(error).toBeInstanceOf(AutogradError);
        ({ cause } = error as Error);
      }
      expect(cause).toBeInstanceOf(RangeError);
    });
    const y = Failing.apply(x).sum();
    expect(() => y.backward()).toThrow(RangeError);
  });

  it('says where no forward call was seen, and which backward pass a node came from', () => {
    const x = leaf([0, 1]);
    const y = theGuiltyCall(x.mul(0))
      .mul(tensor([0, 1]))
      .sum();
    expect(messageOf(() => detectAnomaly(() => y.backward()))).toContain('outside of anomaly mode');
    const z = leaf([0]);
    const second = detectAnomaly(
      { checkNan: false },
      () => grad(theGuiltyCall(z).mul(0).sum(), z, { createGraph: true })[0]!,
    );
    expect(messageOf(() => detectAnomaly(() => second.sum().backward()))).toMatch(
      /in the backward pass, in SqrtBackward0/,
    );
  });

  it('is a mode', () => {
    {
      using _ = setDetectAnomaly(true);
      expect(isAnomalyEnabled()).toBe(true);
      expect(setDetectAnomaly(false, () => isAnomalyEnabled())).toBe(false);
    }
    expect(isAnomalyEnabled()).toBe(false);
    const guard = detectAnomaly();
    guard.close();
    expect(isAnomalyEnabled()).toBe(false);
    const x = leaf([0]);
    expect(messageOf(() => detectAnomaly({ checkNan: false }, () => x.mul(0).sqrt().mul(0).sum().backward()))).toBe(
      'no error',
    );
  });
});

describe('savedTensorsHooks', () => {
  const compute = (x: Tensor): Tensor => x.exp().mul(x).pow(2).sum();

  it('pack what is saved and unpack it for the backward pass', () => {
    const [x, plain] = [leaf([0.5, 1]), leaf([0.5, 1])];
    compute(plain).backward();
    const packed: unknown[] = [];
    const unpacked: unknown[] = [];
    const y = savedTensorsHooks(
      (t) => {
        packed.push(t.requiresGrad);
        return t.toArraySync();
      },
      (data) => {
        unpacked.push(data);
        return tensor(data as number[]);
      },
      () => compute(x),
    );
    expect(packed.length).toBeGreaterThan(2);
    expect(packed).not.toContain(true);
    expect(unpacked).toEqual([]);
    y.backward();
    expect(x.grad!.toArraySync()).toEqual(plain.grad!.toArraySync());
    expect(unpacked.length).toBe(packed.length);
  });

  it('keep derivatives of higher order, and nest', () => {
    const x = leaf([2]);
    const order: string[] = [];
    const tag =
      (name: string) =>
      (t: Tensor): Tensor => {
        order.push(name);
        return t;
      };
    const y = savedTensorsHooks(
      tag('outer'),
      (t: Tensor) => t,
      () => {
        const a = x.mul(x);
        return savedTensorsHooks(
          tag('inner'),
          (t: Tensor) => t,
          () => a.mul(x),
        );
      },
    );
    expect(order).toEqual(['outer', 'outer', 'inner', 'inner']);
    const [first] = grad(y.sum(), x, { createGraph: true });
    const [second] = grad(first!.sum(), x);
    expect([first!.detach().toArraySync(), second!.toArraySync()]).toEqual([[12], [12]]);
  });

  it('are closed at the end of a block', () => {
    const x = leaf([2]);
    let count = 0;
    {
      using _ = savedTensorsHooks(
        (t) => {
          count++;
          return t;
        },
        (t: Tensor) => t,
      );
      x.mul(x);
    }
    x.mul(x);
    expect(count).toBe(2);
  });

  it('may keep a changed precision, and see users functions too', () => {
    class Cube extends AutogradFunction {
      static override forward(ctx: FunctionContext, x: Tensor): Tensor {
        ctx.saveForBackward(x);
        return x.pow(3);
      }
      static override backward(ctx: FunctionContext, g: Tensor): Tensor {
        return ctx.savedTensors[0]!.pow(2).mul(3).mul(g);
      }
    }
    const x = leaf([2]);
    const y = savedTensorsHooks(
      (t) => t.half(),
      (t: Tensor) => t.float(),
      () => Cube.apply(x),
    );
    y.sum().backward();
    expect(x.grad!.toArraySync()).toEqual([12]);
  });

  it('refuse changes in place, and what is no tensor', () => {
    const x = leaf([2]);
    expect(() =>
      savedTensorsHooks(
        (t) => t.mul_(2),
        (t: Tensor) => t,
        () => x.mul(x),
      ),
    ).toThrow(/in place/);
    const y = savedTensorsHooks(
      () => 1,
      (n: number) => n as unknown as Tensor,
      () => x.exp(),
    );
    expect(() => y.sum().backward()).toThrow(/must return a tensor/);
  });
});
