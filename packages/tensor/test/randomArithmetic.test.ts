import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bfloat16ToNumber,
  decodeBfloat16,
  decodeFloat16,
  encodeBfloat16,
  encodeFloat16,
  float16ToNumber,
  numberToBfloat16,
  numberToFloat16,
} from '../src/float16.ts';
import { fma32, fma64 } from '../src/random/fma.ts';

/** The integer and the power of two whose product a finite double is. */
function parts(x: number): [bigint, number] {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & (2n ** 52n - 1n);
  const magnitude = biased === 0 ? fraction : fraction | (2n ** 52n);
  return [x < 0 ? -magnitude : magnitude, Math.max(biased, 1) - 1075];
}

/** `a * b + c` computed exactly, then rounded to `precision` bits, ties to even. Underflow is not considered. */
function exactFma(a: number, b: number, c: number, precision: number): number {
  const [ma, ea] = parts(a);
  const [mb, eb] = parts(b);
  const [mc, ec] = parts(c);
  const exponent = Math.min(ea + eb, ec);
  const sum = ((ma * mb) << BigInt(ea + eb - exponent)) + (mc << BigInt(ec - exponent));
  const magnitude = sum < 0n ? -sum : sum;
  const excess = Math.max(magnitude.toString(2).length - precision, 0);
  const unit = 1n << BigInt(excess);
  const rest = magnitude % unit;
  let rounded = magnitude / unit;
  if (rest * 2n > unit || (rest * 2n === unit && rounded % 2n === 1n)) rounded += 1n;
  return (sum < 0n ? -1 : 1) * scale(Number(rounded), exponent + excess);
}

/** `x * 2 ** exponent` without an intermediate overflow or underflow. */
const scale = (x: number, exponent: number): number =>
  x * 2 ** Math.trunc(exponent / 2) * 2 ** (exponent - Math.trunc(exponent / 2));

const float = fc.float({ noNaN: true, min: -1e9, max: 1e9 }).filter((x) => x === 0 || Math.abs(x) > 1e-9);
const double = fc.double({ noNaN: true, min: -1e9, max: 1e9 }).filter((x) => x === 0 || Math.abs(x) > 1e-9);

describe('fused multiply-add', () => {
  it('rounds once to float32', () => {
    fc.assert(
      fc.property(float, float, float, (a, b, c) => {
        expect(fma32(a, b, c) + 0).toBe(exactFma(a, b, c, 24) + 0);
      }),
      { numRuns: 5000 },
    );
  });

  it('rounds to float32 what double precision would round to halfway', () => {
    // A sum of a float32 x, half of its last place, and something below a double's last place.
    const halfway = [1, 3, 2 ** 24 - 1, 2 ** 23, 12345677];
    for (const x of halfway) {
      for (const sign of [1, -1]) {
        for (const tiny of [2 ** -60, -(2 ** -60), 0]) {
          // 2^23 x + 2^22 + tiny: the product is exact in 48 bits, tiny is lost in the sum's rounding to double.
          const ulp = 2 ** (Math.floor(Math.log2(x)) - 23);
          const a = sign * (x + ulp);
          const b = 1 - 2 ** -12;
          const c = tiny;
          expect(fma32(a, b, c)).toBe(exactFma(a, b, c, 24));
          expect(fma32(sign * (2 ** 24 - 1), (2 ** 24 - 1) * 2 ** -24, tiny)).toBe(
            exactFma(sign * (2 ** 24 - 1), (2 ** 24 - 1) * 2 ** -24, tiny, 24),
          );
          // (1 + 2^-12)² = 1 + 2^-11 + 2^-24 is halfway between two float32 numbers.
          expect(fma32(sign * (1 + 2 ** -12), 1 + 2 ** -12, tiny)).toBe(
            exactFma(sign * (1 + 2 ** -12), 1 + 2 ** -12, tiny, 24),
          );
        }
      }
    }
  });

  it('rounds once to double', () => {
    fc.assert(
      fc.property(double, double, double, (a, b, c) => {
        expect(fma64(a, b, c) + 0).toBe(exactFma(a, b, c, 53) + 0);
      }),
      { numRuns: 5000 },
    );
  });

  it('keeps what cancellation leaves of the product', () => {
    fc.assert(
      fc.property(double, double, (a, b) => {
        expect(fma64(a, b, -(a * b)) + 0).toBe(exactFma(a, b, -(a * b), 53) + 0);
      }),
      { numRuns: 5000 },
    );
  });

  it('passes on infinities and NaN', () => {
    for (const fma of [fma32, fma64]) {
      expect(fma(Infinity, 2, 1)).toBe(Infinity);
      expect(fma(1, 2, -Infinity)).toBe(-Infinity);
      expect(fma(Infinity, 2, -Infinity)).toBeNaN();
      expect(fma(NaN, 2, 1)).toBeNaN();
    }
    expect(fma32(3e38, 3, 0)).toBe(Infinity);
    expect(fma64(1e308, 3, 5)).toBe(Infinity);
    expect(fma64(1e300, 0.5, 5)).toBe(5e299);
  });
});

describe.each([
  { name: 'float16', decode: float16ToNumber, encode: numberToFloat16, infinity: 0x7c00, nan: 0x7e00 },
  { name: 'bfloat16', decode: bfloat16ToNumber, encode: numberToBfloat16, infinity: 0x7f80, nan: 0x7fc0 },
])('$name', ({ decode, encode, infinity, nan }) => {
  it('numbers survive a round trip through all bits', () => {
    const isNaNBits = (bits: number) => (bits & 0x7fff) > infinity;
    const wrong = [...new Uint16Array(0x10000).keys()].filter((bits) =>
      isNaNBits(bits) ? !Number.isNaN(decode(bits)) : encode(decode(bits)) !== bits,
    );
    expect(wrong).toEqual([]);
    expect(encode(NaN)).toBe(nan);
    expect(decode(infinity)).toBe(Infinity);
    expect(Object.is(decode(0x8000), -0)).toBe(true);
  });

  it('numbers in between go to the nearest, ties to even', () => {
    const wrong: [number, number][] = [];
    const check = (x: number, bits: number) => {
      // What float32 cannot hold is rounded to it first.
      if (Math.fround(x) === x && (encode(x) !== bits || encode(-x) !== (bits | 0x8000))) wrong.push([x, bits]);
    };
    for (let bits = 0; bits < infinity - 1; bits++) {
      const low = decode(bits);
      const gap = decode(bits + 1) - low;
      check(low + gap * (31 / 64), bits);
      check(low + gap / 2, bits + (bits & 1));
      check(low + gap * (33 / 64), bits + 1);
    }
    expect(wrong).toEqual([]);
  });

  it('numbers too large become infinite', () => {
    const largest = decode(infinity - 1);
    const spacing = largest - decode(infinity - 2);
    expect(encode(largest + spacing * 0.49)).toBe(infinity - 1);
    expect(encode(largest + spacing / 2)).toBe(infinity);
    expect(encode(-Infinity)).toBe(infinity | 0x8000);
    expect(encode(1e300)).toBe(infinity);
  });
});

it('arrays of halves convert as their elements do', () => {
  const numbers = [0, -1.5, 65504, 1e-7, Infinity, 3.3];
  expect([...encodeFloat16(numbers)]).toEqual(numbers.map(numberToFloat16));
  expect([...encodeBfloat16(numbers)]).toEqual(numbers.map(numberToBfloat16));
  const bits = Uint16Array.of(0, 0x3c00, 0xbc01, 0x7f80, 1);
  expect([...decodeFloat16(bits)]).toEqual([...bits].map(float16ToNumber));
  expect([...decodeBfloat16(bits)]).toEqual([...bits].map(bfloat16ToNumber));
});
