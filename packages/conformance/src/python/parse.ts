/** @file A parser of the Python expressions in golden files: literals, calls, attributes, indexing and arithmetic. */

export type Expression =
  | { readonly kind: 'literal'; readonly value: number | string | boolean | null; readonly float: boolean }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'attribute'; readonly object: Expression; readonly name: string }
  | {
      readonly kind: 'call';
      readonly callee: Expression;
      readonly args: readonly Expression[];
      readonly keywords: readonly Keyword[];
    }
  | { readonly kind: 'index'; readonly object: Expression; readonly index: readonly Expression[] }
  | {
      readonly kind: 'slice';
      readonly start: Expression | null;
      readonly stop: Expression | null;
      readonly step: Expression | null;
    }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'dict'; readonly items: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: 'unary'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression };

export type Keyword = readonly [name: string, value: Expression];

const tokenPattern =
  /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|('[^']*'|"[^"]*")|(\*\*|\/\/|\.\.\.|[-+*/%@()[\]{},.:=]))/y;

interface Token {
  readonly kind: 'number' | 'name' | 'string' | 'symbol' | 'end';
  readonly text: string;
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  const text = source.trimEnd();
  while (tokenPattern.lastIndex < text.length) {
    const at = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (match === null) throw new SyntaxError(`cannot read the Python expression ${source} at ${at}`);
    const kind =
      match[1] !== undefined
        ? 'number'
        : match[2] !== undefined
          ? 'name'
          : match[3] !== undefined
            ? 'string'
            : 'symbol';
    tokens.push({ kind, text: match[0].trim() });
  }
  return [...tokens, { kind: 'end', text: '' }];
}

const constants: Record<string, boolean | null> = { True: true, False: false, None: null };
const binaryLevels: readonly (readonly string[])[] = [
  ['+', '-'],
  ['*', '/', '//', '%', '@'],
];

/** Parses one expression. @throws SyntaxError for anything that is none. */
export function parsePython(source: string): Expression {
  const tokens = tokenize(source);
  let position = 0;
  const peek = (): string => (tokens[position]!.kind === 'symbol' ? tokens[position]!.text : '');
  const accept = (symbol: string): boolean => {
    if (peek() !== symbol) return false;
    position++;
    return true;
  };
  const expect = (symbol: string): void => {
    if (!accept(symbol)) throw new SyntaxError(`expected ${symbol} before '${tokens[position]!.text}' in ${source}`);
  };

  const binary = (level: number): Expression => {
    if (level === binaryLevels.length) return unary();
    let left = binary(level + 1);
    while (binaryLevels[level]!.includes(peek())) {
      const operator = tokens[position++]!.text;
      left = { kind: 'binary', operator, left, right: binary(level + 1) };
    }
    return left;
  };
  const expression = (): Expression => binary(0);
  const unary = (): Expression => {
    if (accept('-')) return { kind: 'unary', operand: unary() };
    const base = postfix(primary());
    return accept('**') ? { kind: 'binary', operator: '**', left: base, right: unary() } : base;
  };

  const items = (close: string): Expression[] => {
    const list: Expression[] = [];
    while (!accept(close)) {
      list.push(expression());
      if (peek() !== close) expect(',');
    }
    return list;
  };
  const primary = (): Expression => {
    const token = tokens[position++]!;
    if (token.kind === 'number') return { kind: 'literal', value: Number(token.text), float: /[.eE]/.test(token.text) };
    if (token.kind === 'string') return { kind: 'literal', value: token.text.slice(1, -1), float: false };
    if (token.kind === 'name') {
      if (Object.hasOwn(constants, token.text)) return { kind: 'literal', value: constants[token.text]!, float: false };
      return { kind: 'name', name: token.text };
    }
    if (token.text === '...') return { kind: 'literal', value: '...', float: false };
    if (token.text === '[') return { kind: 'list', items: items(']') };
    if (token.text === '{') return dictionary();
    if (token.text === '(') return parenthesized();
    throw new SyntaxError(`unexpected '${token.text}' in ${source}`);
  };
  /** `(a)` is a, `(a, b)` and `()` are tuples. */
  const parenthesized = (): Expression => {
    if (accept(')')) return { kind: 'list', items: [] };
    const first = expression();
    if (accept(')')) return first;
    expect(',');
    return { kind: 'list', items: [first, ...items(')')] };
  };
  const dictionary = (): Expression => {
    const entries: (readonly [Expression, Expression])[] = [];
    while (!accept('}')) {
      const key = expression();
      expect(':');
      entries.push([key, expression()]);
      if (peek() !== '}') expect(',');
    }
    return { kind: 'dict', items: entries };
  };

  const postfix = (base: Expression): Expression => {
    let result = base;
    for (;;) {
      if (accept('.')) result = { kind: 'attribute', object: result, name: tokens[position++]!.text };
      else if (accept('(')) result = call(result);
      else if (accept('[')) result = { kind: 'index', object: result, index: subscripts() };
      else return result;
    }
  };
  const call = (callee: Expression): Expression => {
    const args: Expression[] = [];
    const keywords: Keyword[] = [];
    while (!accept(')')) {
      const name = tokens[position]!;
      if (name.kind === 'name' && tokens[position + 1]!.text === '=') {
        position += 2;
        keywords.push([name.text, expression()]);
      } else args.push(expression());
      if (peek() !== ')') expect(',');
    }
    return { kind: 'call', callee, args, keywords };
  };
  const subscripts = (): Expression[] => {
    const list: Expression[] = [];
    while (!accept(']')) {
      list.push(subscript());
      if (peek() !== ']') expect(',');
    }
    return list;
  };
  const subscript = (): Expression => {
    const bound = (): Expression | null => ([':', ',', ']'].includes(peek()) ? null : expression());
    const start = bound();
    if (!accept(':')) return start ?? { kind: 'literal', value: null, float: false };
    const stop = bound();
    return { kind: 'slice', start, stop, step: accept(':') ? bound() : null };
  };

  const result = expression();
  if (tokens[position]!.kind !== 'end') throw new SyntaxError(`unexpected '${tokens[position]!.text}' in ${source}`);
  return result;
}
