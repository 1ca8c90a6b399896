/** @file Evaluates PyTorch expressions with our functions: `torch.ones(2, requires_grad=True) * 2`. */
import { toDType } from '@flambeau/tensor/internal';
import * as flambeau from 'flambeau';
import { MissingError } from '../calls.ts';
import { camelCase, findFunction, findMethod, lastName } from '../names.ts';
import { type Expression, parsePython } from './parse.ts';

/** A dotted name that has not been looked up yet. */
class Path {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const operators: Record<string, string> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '/': 'div',
  '//': 'floorDivide',
  '%': 'remainder',
  '**': 'pow',
  '@': 'matmul',
};

const numbers: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '**': (a, b) => a ** b,
};

/** PyTorch's modules whose names end here under other names. */
const withoutTorch = (path: string): string => path.replace(/^torch\./, '');

/** The value of a Python expression over torch. @throws MissingError for names that we do not have. */
export function evaluatePython(source: string): unknown {
  return resolved(evaluate(parsePython(source), false));
}

/** `data` says that integers are data, so int64, and no sizes. */
function evaluate(node: Expression, data: boolean): unknown {
  switch (node.kind) {
    case 'literal':
      return data && typeof node.value === 'number' && !node.float ? BigInt(node.value) : node.value;
    case 'name':
      return new Path(node.name);
    case 'list':
      return node.items.map((item) => resolved(evaluate(item, data)));
    case 'dict':
      return new Map(
        node.items.map(([key, value]) => [resolved(evaluate(key, false)), resolved(evaluate(value, data))]),
      );
    case 'attribute':
      return attribute(evaluate(node.object, data), node.name);
    case 'call':
      return call(node);
    case 'index':
      return invoke(resolved(evaluate(node.object, data)), 'at', node.index.map(subscript));
    case 'unary':
      return negate(resolved(evaluate(node.operand, data)));
    case 'binary':
      return combine(node.operator, resolved(evaluate(node.left, data)), resolved(evaluate(node.right, data)));
    case 'slice':
      throw new SyntaxError('a slice outside of an index');
  }
}

function subscript(node: Expression): unknown {
  if (node.kind !== 'slice') return resolved(evaluate(node, false));
  const text = (bound: Expression | null): string => (bound === null ? '' : String(resolved(evaluate(bound, false))));
  return `${text(node.start)}:${text(node.stop)}${node.step === null ? '' : `:${text(node.step)}`}`;
}

function attribute(object: unknown, name: string): unknown {
  if (object instanceof Path) return new Path(`${object.name}.${name}`);
  const value = (object as Record<string, unknown>)[camelCase(name)];
  if (value === undefined) throw new MissingError(`there is no property ${camelCase(name)}`);
  return typeof value === 'function' ? value.bind(object) : value;
}

const negate = (value: unknown): unknown =>
  typeof value === 'number' || typeof value === 'bigint' ? -value : invoke(value, 'neg', []);

function combine(operator: string, left: unknown, right: unknown): unknown {
  if (typeof left === 'number' && typeof right === 'number') return numbers[operator]!(left, right);
  if (typeof left === 'number') return invoke(flambeau.tensor(left), operators[operator]!, [right]);
  return invoke(left, operators[operator]!, [right]);
}

function invoke(object: unknown, method: string, args: readonly unknown[]): unknown {
  const found = findMethod(object, method);
  if (found === undefined) throw new MissingError(`not implemented: there is no method ${method}()`);
  return found(...args);
}

/** Paths as values: dtypes are strings here. */
function resolved(value: unknown): unknown {
  if (!(value instanceof Path)) return value;
  const name = withoutTorch(value.name);
  try {
    return toDType(name as flambeau.DType);
  } catch {
    throw new MissingError(`${value.name} has no counterpart`);
  }
}

function call(node: Expression & { kind: 'call' }): unknown {
  const callee = evaluate(node.callee, false);
  const data = callee instanceof Path && callee.name === 'torch.tensor';
  const args = node.args.map((arg) => resolved(evaluate(arg, data)));
  const options = Object.fromEntries(
    node.keywords.map(([name, value]) => [camelCase(name), resolved(evaluate(value, false))]),
  );
  if (node.keywords.length > 0) args.push(options);
  if (!(callee instanceof Path)) return (callee as (...args: unknown[]) => unknown)(...args);
  if (callee.name === 'float') return args[0] === 'inf' ? Infinity : args[0] === '-inf' ? -Infinity : Number(args[0]);
  if (callee.name === 'torch.nn.Parameter') return new flambeau.Parameter(...(args as [flambeau.Tensor]));
  return callPath(withoutTorch(callee.name), args);
}

/** Calls a function, or constructs where the name is a class's. */
function callPath(path: string, args: readonly unknown[]): unknown {
  const found = findFunction(path);
  if (found === undefined) throw new MissingError(`not implemented: there is no ${path}`);
  const isClass = /^[A-Z]/.test(lastName(path));
  return isClass ? new (found as unknown as new (...args: unknown[]) => unknown)(...args) : found(...args);
}
