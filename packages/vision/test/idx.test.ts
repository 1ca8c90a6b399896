import { SerializationError } from '@flambeau/tensor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIdx } from '../src/datasets/idx.ts';
import { idxBytes } from './idx-bytes.ts';

describe('parseIdx', () => {
  it('reads shapes and bytes', () => {
    const { shape, data } = parseIdx('x', idxBytes([2, 1, 3], [1, 2, 3, 4, 5, 6]), 3);
    expect(shape).toEqual([2, 1, 3]);
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('respects the offset of its input', () => {
    const padded = new Uint8Array([9, 9, 9, ...idxBytes([2], [7, 8])]).subarray(3);
    expect([...parseIdx('x', padded, 1).data]).toEqual([7, 8]);
  });

  it('names the file and what is wrong with it', () => {
    const good = idxBytes([2, 2], [1, 2, 3, 4]);
    const cases: [Uint8Array, number, RegExp][] = [
      [good.subarray(0, 3), 2, /file\.gz: .*3 bytes are too few/],
      [good, 1, /begins with 0x00000802, where unsigned bytes in 1 dimensions have 0x00000801/],
      [good.subarray(0, -1), 2, /shape \[2, 2\] takes 16 bytes, but there are 15/],
      [new Uint8Array([...good, 0]), 2, /takes 16 bytes, but there are 17/],
      [idxBytes([0xffffffff, 0xffffffff], []), 2, /is it truncated/],
      [new TextEncoder().encode('<html>Not found</html>'), 1, /begins with 0x3c68746d/],
    ];
    for (const [bytes, ndim, message] of cases) {
      expect(() => parseIdx('file.gz', bytes, ndim)).toThrow(message);
      expect(() => parseIdx('file.gz', bytes, ndim)).toThrow(SerializationError);
    }
  });

  it('survives any bytes: it reads what is there or throws a SerializationError', () => {
    const header = fc.tuple(
      fc.constantFrom(0, 0, 1),
      fc.constantFrom(8, 8, 13),
      fc.integer({ min: 0, max: 4 }),
      fc.array(fc.nat(4), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(
        header,
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        ([zero, type, ndim, sizes], rest, wanted) => {
          const bytes = new Uint8Array([0, zero, type, ndim, ...sizes.flatMap((size) => [0, 0, 0, size]), ...rest]);
          try {
            const { shape, data } = parseIdx('fuzz', bytes, wanted);
            expect(shape).toHaveLength(wanted);
            expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
          } catch (error) {
            expect(error).toBeInstanceOf(SerializationError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
