/** @file A JSON reader for headers of untrusted files: duplicate keys and deep nesting are errors, `__proto__` is an ordinary key. */

export type Json = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>;

const maxDepth = 32;
const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;

/**
 * Reads a JSON text (RFC 8259); objects become Maps in the order of the text.
 *
 * @throws SyntaxError naming the position, also for duplicate keys and more than 32 levels.
 */
export function parseJson(text: string): Json {
  let position = 0;

  function take(pattern: RegExp): string | undefined {
    pattern.lastIndex = position;
    const match = pattern.exec(text)?.[0];
    position += match?.length ?? 0;
    return match;
  }

  /** Consumes a character (spaces around it are skipped) if it is the next one. */
  function accept(character: string): boolean {
    take(space);
    if (text[position] !== character) return false;
    position++;
    take(space);
    return true;
  }

  function fail(expected: string): never {
    const found = position < text.length ? JSON.stringify(text[position]) : 'the end';
    throw new SyntaxError(`expected ${expected} at position ${position}, found ${found}`);
  }

  function readString(): string {
    if (text[position] !== '"') fail('a string');
    let end = position + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    const token = text.slice(position, end + 1);
    position = end + 1;
    return JSON.parse(token) as string;
  }

  function readValue(depth: number): Json {
    if (depth > maxDepth) throw new SyntaxError(`more than ${maxDepth} levels of nesting`);
    if (accept('{')) return readObject(depth);
    if (accept('[')) return readList(depth);
    if (text[position] === '"') return readString();
    const token = take(number) ?? take(word) ?? fail('a value');
    return JSON.parse(token) as Json;
  }

  function readObject(depth: number): Json {
    const members = new Map<string, Json>();
    if (accept('}')) return members;
    do {
      const key = readString();
      if (members.has(key)) throw new SyntaxError(`duplicate key ${JSON.stringify(key)}`);
      if (!accept(':')) fail("':'");
      members.set(key, readValue(depth + 1));
    } while (accept(','));
    return accept('}') ? members : fail("',' or '}'");
  }

  function readList(depth: number): Json {
    const items: Json[] = [];
    if (accept(']')) return items;
    do items.push(readValue(depth + 1));
    while (accept(','));
    return accept(']') ? items : fail("',' or ']'");
  }

  take(space);
  const value = readValue(0);
  take(space);
  return position === text.length ? value : fail('the end');
}
