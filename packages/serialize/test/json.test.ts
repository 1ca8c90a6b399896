import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Json, parseJson } from '../src/json.ts';

/** What JSON.parse would give. */
function plain(value: Json): unknown {
  if (value instanceof Map) {
    const result: Record<string, unknown> = {};
    for (const [key, item] of value as ReadonlyMap<string, Json>) {
      Object.defineProperty(result, key, { value: plain(item), enumerable: true, writable: true, configurable: true });
    }
    return result;
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

describe('parseJson', () => {
  it('agrees with JSON.parse on any value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(plain(parseJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('accepts no text that JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      'true',
      'null',
      '1',
      '-',
      '.5',
      'e9',
      ' ',
      '\\u',
      'a',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        let result: Json;
        try {
          result = parseJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
          return;
        }
        expect(plain(result)).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses duplicate keys, also such that are written differently', () => {
    expect(() => parseJson('{"a":1,"a":2}')).toThrow(/duplicate key "a"/);
    expect(() => parseJson('{"a":1,"\\u0061":2}')).toThrow(/duplicate key "a"/);
  });

  it('keeps __proto__ as a key', () => {
    const value = parseJson('{"__proto__":{"polluted":1}}') as ReadonlyMap<string, Json>;
    expect([...value.keys()]).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('refuses deep nesting instead of overflowing the stack', () => {
    expect(() => parseJson('['.repeat(1_000_000))).toThrow(/levels of nesting/);
    expect(parseJson(`${'['.repeat(20)}${']'.repeat(20)}`)).toBeDefined();
  });

  it('reads long strings in one go', () => {
    const long = 'x\\n'.repeat(2_000_000);
    expect((parseJson(`"${long}"`) as string).length).toBe(4_000_000);
    expect(() => parseJson(`"${long}`)).toThrow(SyntaxError);
  });

  it('names the position of a mistake', () => {
    expect(() => parseJson('{"a" 1}')).toThrow('expected \':\' at position 5, found "1"');
    expect(() => parseJson('[1, 2')).toThrow("expected ',' or ']' at position 5, found the end");
    expect(() => parseJson('')).toThrow('expected a value at position 0, found the end');
  });
});
