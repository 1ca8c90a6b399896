import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { arange, fromTypedArray, ones, SerializationError, Tensor, tensor, zeros } from '@flambeau/tensor';
import { dtypeInfo, dtypes } from '@flambeau/tensor/internal';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadSafetensors, saveSafetensors } from '../src/index.ts';

interface EncodedTensor {
  $t: { dtype: string; shape: number[]; data: string };
}
interface Golden {
  file: string;
  kind: 'ok' | 'malformed' | 'data_only';
  bytes: string;
  expected?: { tensors: Record<string, EncodedTensor>; metadata: Record<string, string> | null };
}

const goldens = JSON.parse(
  gunzipSync(readFileSync(new URL('./fixtures/safetensors.json.gz', import.meta.url))).toString(),
) as Golden[];
const decode = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));

/** The memory of a tensor in hexadecimal digits. */
function memory(x: Tensor): string {
  const array = x.asTypedArray();
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('hex');
}

/** A file of a header and data, both arbitrary. */
function file(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(Array.from(data), 8 + text.length);
  return bytes;
}

describe('loadSafetensors on files that other programs wrote', () => {
  it.each(goldens.filter(({ kind }) => kind === 'ok'))('reads $file', ({ bytes, expected }) => {
    const loaded = loadSafetensors(decode(bytes));
    expect([...loaded.keys()].sort()).toEqual(Object.keys(expected!.tensors).sort());
    for (const [name, { $t }] of Object.entries(expected!.tensors)) {
      const x = loaded.get(name)!;
      expect(x).toBeInstanceOf(Tensor);
      expect([name, x.dtype, x.shape]).toEqual([name, $t.dtype, $t.shape]);
      expect(memory(x)).toBe(Buffer.from($t.data, 'base64').toString('hex'));
    }
    expect(loaded.metadata === null ? null : Object.fromEntries(loaded.metadata)).toEqual(expected!.metadata);
  });

  it.each(goldens.filter(({ kind }) => kind === 'malformed'))('refuses $file', ({ bytes }) => {
    expect(() => loadSafetensors(decode(bytes))).toThrow(SerializationError);
  });

  it('keeps a tensor called __proto__ as data', () => {
    const { bytes } = goldens.find(({ kind }) => kind === 'data_only')!;
    expect([...loadSafetensors(decode(bytes)).keys()]).toContain('__proto__');
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

describe('saveSafetensors', () => {
  it('is read back by loadSafetensors, in the same order', () => {
    const tensors = new Map([
      ['10', ones(2, 3)],
      ['b', tensor([1, -2, 3], { dtype: 'int8' })],
      ['2', tensor(5)],
      ['flags', tensor([true, false])],
      ['empty', zeros(0, 4)],
      ['big', tensor([2n ** 60n, -1n])],
    ]);
    const loaded = loadSafetensors(saveSafetensors(tensors, { note: 'hé', __proto__x: '1' }));
    expect([...loaded.keys()]).toEqual([...tensors.keys()]);
    for (const [name, x] of tensors) {
      expect(loaded.get(name)!.dtype).toBe(x.dtype);
      expect(loaded.get(name)!.shape).toEqual(x.shape);
      expect(memory(loaded.get(name)!)).toBe(memory(x));
    }
    expect([...loaded.metadata!]).toEqual([
      ['note', 'hé'],
      ['__proto__x', '1'],
    ]);
  });

  it('aligns every tensor, the header by padding and the data by order', () => {
    const bytes = saveSafetensors({
      a: tensor([true]),
      b: tensor([1n]),
      c: tensor([1]),
      d: tensor([1], { dtype: 'float64' }),
    });
    const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(headerBytes % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes)));
    expect(header).toEqual({
      a: { dtype: 'BOOL', shape: [1], data_offsets: [20, 21] },
      b: { dtype: 'I64', shape: [1], data_offsets: [0, 8] },
      c: { dtype: 'F32', shape: [1], data_offsets: [16, 20] },
      d: { dtype: 'F64', shape: [1], data_offsets: [8, 16] },
    });
  });

  it('writes views by their values, and tensors that require gradients', () => {
    const base = arange(6, { dtype: 'float32' }).view(2, 3);
    const weight = ones(2).requiresGrad_();
    const loaded = loadSafetensors(saveSafetensors({ transposed: base.t(), row: base.select(0, 1), weight }));
    expect(loaded.get('transposed')!.toArraySync()).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
    expect(loaded.get('row')!.toArraySync()).toEqual([3, 4, 5]);
    expect(loaded.get('weight')!.requiresGrad).toBe(false);
  });

  it('gives tensors with memory of their own', () => {
    const x = ones(3);
    const bytes = saveSafetensors({ x });
    const loaded = loadSafetensors(bytes).get('x')!;
    bytes.fill(0);
    x.mul_(7);
    expect(loaded.toArraySync()).toEqual([1, 1, 1]);
  });

  it('says which value does not belong into a file', () => {
    const bad = (value: unknown, metadata?: unknown) => () => saveSafetensors(value as never, metadata as never);
    expect(bad({ x: 3 })).toThrow(/holds tensors only, but "x" is 3/);
    expect(bad(ones(2))).toThrow(/got a single tensor/);
    expect(bad([ones(2)])).toThrow(/got an object of class Array/);
    expect(bad(null)).toThrow(/got null/);
    expect(bad(new Map([[1, ones(2)]]))).toThrow(/names must be strings, got 1/);
    expect(bad({ x: fromTypedArray(new Float64Array(2), [1], { dtype: 'complex128' }) })).toThrow(
      /"x": .*no dtype complex128/,
    );
    expect(bad({ __metadata__: ones(1) })).toThrow(/cannot be called __metadata__/);
    expect(bad({ x: ones(1) }, { epoch: 3 })).toThrow(/metadata "epoch" must be a string, got 3/);
    for (const value of [{ x: 3 }, ones(2), null]) expect(bad(value)).toThrow(SerializationError);
  });
});

describe('loadSafetensors on bytes from anywhere', () => {
  const entry = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

  it('reads what the format allows', () => {
    expect(loadSafetensors(file({ x: entry }, new Uint8Array(8))).get('x')!.shape).toEqual([2]);
    expect(loadSafetensors(file(`  ${JSON.stringify({ x: entry })}   `, new Uint8Array(8))).size).toBe(1);
    expect(
      loadSafetensors(file({ x: { ...entry, comment: 'unknown fields do no harm' } }, new Uint8Array(8))).size,
    ).toBe(1);
    const e = { dtype: 'F32', shape: [0], data_offsets: [8, 8] };
    expect(loadSafetensors(file({ e, x: entry, f: { ...e, data_offsets: [0, 0] } }, new Uint8Array(8))).size).toBe(3);
    expect(loadSafetensors(file({ x: entry }, new Uint8Array(8)).buffer as ArrayBuffer).size).toBe(1);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no bytes', new Uint8Array(0), /0 bytes are too few/],
    [
      'a header beyond the end',
      new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 1]),
      /announces a header of 9 bytes, with 1 bytes behind/,
    ],
    ['a truncated file', file({ x: entry }, new Uint8Array(7)), /take 8 bytes, but the file has 7 .*truncated/],
    ['an unknown dtype', file({ x: { ...entry, dtype: 'F8_E4M3' } }), /unknown dtype "F8_E4M3"; known are BOOL, U8/],
    ['the dtype of an object member', file({ x: { ...entry, dtype: 'constructor' } }), /unknown dtype/],
    ['a shape of 2^53', file({ x: { ...entry, shape: [2 ** 30, 2 ** 30] } }), /too many elements/],
    ['sizes that overflow before a 0', file({ x: { ...entry, shape: [2 ** 40, 2 ** 40, 0] } }), /too many elements/],
    [
      'offsets that do not fit',
      file({ x: { ...entry, data_offsets: [0, 4] } }),
      /takes 8 bytes, but data_offsets are \[0, 4\]/,
    ],
    [
      'a bool of 2',
      file({ x: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, [2]),
      /a BOOL must be 0 or 1, found 2/,
    ],
  ])('refuses %s', (_name, bytes, message) => {
    expect(() => loadSafetensors(bytes)).toThrow(message);
    expect(() => loadSafetensors(bytes)).toThrow(SerializationError);
  });

  it('throws a SerializationError or reads the file, whatever byte is changed', () => {
    const good = saveSafetensors({ w: ones(2, 3), b: tensor([1n, 2n]), m: tensor([true]) }, { a: 'b' });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(20),
        (changes, cut) => {
          const bytes = good.slice(0, cut === 0 ? good.length : good.length - cut);
          for (const [position, value] of changes) if (position < bytes.length) bytes[position] = value;
          try {
            for (const x of loadSafetensors(bytes).values()) expect(x.elementCount).toBeLessThan(100);
          } catch (error) {
            expect(error).toBeInstanceOf(SerializationError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('throws a SerializationError or reads the file, whatever the header says', () => {
    const size = fc.oneof(fc.integer({ min: -1, max: 8 }), fc.constantFrom(0.5, 2 ** 53, 1e300, '1', null));
    const described = fc.record(
      {
        dtype: fc.constantFrom('F32', 'I64', 'BOOL', 'C64', 'x', 3),
        shape: fc.oneof(fc.array(size, { maxLength: 3 }), size),
        data_offsets: fc.oneof(fc.array(size, { maxLength: 3 }), size),
      },
      { requiredKeys: [] },
    );
    const header = fc.dictionary(
      fc.constantFrom('a', 'b', '__metadata__', '__proto__'),
      fc.oneof(described, fc.jsonValue()),
    );
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 24 }), (members, data) => {
        try {
          loadSafetensors(file(members, data));
        } catch (error) {
          expect(error).toBeInstanceOf(SerializationError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('round-trips any tensors', () => {
    const dtype = fc.constantFrom(...dtypes.filter((name) => name !== 'complex128'));
    const described = fc.tuple(dtype, fc.array(fc.nat(4), { maxLength: 3 }), fc.infiniteStream(fc.nat(255)));
    fc.assert(
      fc.property(fc.dictionary(fc.string(), described, { maxKeys: 6 }), (entries) => {
        const tensors = new Map<string, Tensor>();
        for (const [name, [type, shape, bytes]] of Object.entries(entries)) {
          const { array, bytes: size } = dtypeInfo(type);
          const count = shape.reduce((a, b) => a * b, 1);
          const memory = Uint8Array.from(
            { length: count * size },
            () => bytes.next().value & (type === 'bool' ? 1 : 255),
          );
          tensors.set(name, fromTypedArray(new array(memory.buffer), shape, { dtype: type }));
        }
        tensors.delete('__metadata__');
        const loaded = loadSafetensors(saveSafetensors(tensors));
        expect([...loaded.keys()]).toEqual([...tensors.keys()]);
        for (const [name, x] of tensors) {
          expect([loaded.get(name)!.dtype, loaded.get(name)!.shape]).toEqual([x.dtype, x.shape]);
          expect(memory(loaded.get(name)!)).toBe(memory(x));
        }
      }),
    );
  });
});
