import '@flambeau/backend-cpu';
import { setCodeGeneration } from '@flambeau/backend-cpu';
import { afterEach, describe, expect, it } from 'vitest';
import { ShapeError, tensor, zeros } from '../src/index.ts';
import { callPointwiseOver, pointwise } from '../src/internal.ts';

const swap = pointwise(3, (a, b, k) => [b!.mul(k!), a!.mul(k!)], { name: 'swap', promotion: 'promote', parameters: 1 });

afterEach(() => setCodeGeneration(true));

describe('callPointwiseOver', () => {
  for (const generated of [true, false]) {
    it(`reads all inputs before it writes ${generated ? 'in generated code' : 'when interpreted'}`, () => {
      setCodeGeneration(generated);
      const [a, b] = [tensor([1, 2, 3]), tensor([10, 20, 30])];
      const versions = [a.storage.version, b.storage.version];
      callPointwiseOver(swap, [a, b, 2], [a, b]);
      expect(a.toArraySync()).toEqual([20, 40, 60]);
      expect(b.toArraySync()).toEqual([2, 4, 6]);
      expect([a.storage.version, b.storage.version]).toEqual(versions.map((version) => version + 1));
    });
  }

  it('copies arguments that lie across an output', () => {
    const whole = tensor([1, 2, 3, 4]);
    const [head, tail] = [whole.narrow(0, 0, 3), whole.narrow(0, 1, 3)];
    const other = zeros(3);
    callPointwiseOver(swap, [tail, head, 1], [head, other]);
    expect(whole.toArraySync()).toEqual([1, 2, 3, 4]);
    expect(other.toArraySync()).toEqual([2, 3, 4]);
  });

  it('refuses outputs of another shape or dtype', () => {
    const a = tensor([1, 2]);
    expect(() => callPointwiseOver(swap, [a, a, 1], [a, zeros(3)])).toThrow(ShapeError);
    expect(() => callPointwiseOver(swap, [a, a, 1], [a, zeros(2, { dtype: 'float64' })])).toThrow(ShapeError);
    expect(a.toArraySync()).toEqual([1, 2]);
  });
});
