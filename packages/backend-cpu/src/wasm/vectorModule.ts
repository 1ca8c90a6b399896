/** The WebAssembly behind products of a matrix and a vector, where packing would cost more than the product. */
import type { Element } from './element.ts';
import { doWhile, type Local, type Statement, WasmModule, when, whileLoop } from './encoder.ts';
import { i32, v128 } from './instructions.ts';
import { advance } from './loops.ts';

/** The exported functions; addresses and steps are bytes. Both add to what is at `y`. */
export interface VectorExports {
  /** y[i] += Σ over k of a[i][k] · x[k], for `rows` rows of adjacent elements. */
  dots(rows: number, k: number, a: number, rowA: number, x: number, y: number): void;
  /** y[j] += Σ over i of x[i] · a[i][j], for `rows` rows of `n` adjacent elements. */
  combine(rows: number, n: number, a: number, rowA: number, x: number, y: number): void;
}

export function vectorModule(element: Element): WasmModule {
  const module = new WasmModule();
  module.importMemory('scratch', 'memory');
  defineDots(module, element);
  defineCombine(module, element);
  return module;
}

/** Rows that share each load of x, and vectors of each in one turn: enough sums to hide the latency of the additions. */
const ROWS = 4;
const TURN = 2;

function defineDots(module: WasmModule, element: Element): void {
  const several = defineRowDots(module, element, ROWS);
  const single = defineRowDots(module, element, 1);
  const parameters = { rows: 'i32', k: 'i32', a: 'i32', rowA: 'i32', x: 'i32', y: 'i32' } as const;
  module.func('dots', parameters, 'void', (p) => {
    const part = (count: number): Statement[] => [
      (count === 1 ? single : several).call(p.k, p.a, p.rowA, p.x, p.y),
      advance(p.a, i32.mul(p.rowA, count)),
      advance(p.y, count * element.bytes),
      p.rows.set(i32.sub(p.rows, count)),
    ];
    return [whileLoop(i32.geS(p.rows, ROWS), part(ROWS)), whileLoop(p.rows, part(1))];
  });
}

function defineRowDots(module: WasmModule, element: Element, rows: number) {
  const { lanes, bytes, value } = element;
  const parameters = { k: 'i32', a: 'i32', rowA: 'i32', x: 'i32', y: 'i32' } as const;
  return module.func(null, parameters, 'void', (p, fn) => {
    const a = [p.a, ...fn.locals('i32', rows - 1)];
    const sums = Array.from({ length: TURN }, () => fn.locals('v128', rows));
    const totals = fn.locals(value, rows);
    const vector = fn.local('v128');
    const scalar = fn.local(value);
    const next = (count: number): Statement[] => [
      ...[...a, p.x].map((at) => advance(at, count * bytes)),
      p.k.set(i32.sub(p.k, count)),
    ];
    const turn = sums.flatMap((part, u) => [
      vector.set(v128.load(p.x, u * 16)),
      ...part.map((sum, i) => sum.set(element.madd(vector, v128.load(a[i]!, u * 16), sum))),
    ]);
    const one = [
      scalar.set(element.load(p.x)),
      ...totals.map((total, i) => total.set(element.addScalar(total, element.mulScalar(scalar, element.load(a[i]!))))),
    ];
    return [
      a.slice(1).map((at, i) => at.set(i32.add(a[i]!, p.rowA))),
      whileLoop(i32.geS(p.k, TURN * lanes), [turn, next(TURN * lanes)]),
      whileLoop(p.k, [one, next(1)]),
      totals.map((total, i) => {
        const [first, ...rest] = sums.map((part) => part[i]!) as [Local<'v128'>, ...Local<'v128'>[]];
        return [
          rest.map((sum) => first.set(element.add(first, sum))),
          total.set(element.addScalar(total, element.sumLanes(first))),
          element.store(p.y, element.addScalar(total, element.load(p.y, i * bytes)), i * bytes),
        ];
      }),
    ];
  });
}

/** Vectors of y that stay in registers over all rows. */
const WIDE = 8;

function defineCombine(module: WasmModule, element: Element): void {
  const { lanes, bytes, value } = element;
  const wide = defineColumnSums(module, element, WIDE);
  const narrow = defineColumnSums(module, element, 1);
  const parameters = { rows: 'i32', n: 'i32', a: 'i32', rowA: 'i32', x: 'i32', y: 'i32' } as const;
  module.func('combine', parameters, 'void', (p, fn) => {
    const [at, from, left] = fn.locals('i32', 3);
    const sum = fn.local(value);
    const part = (vectors: number): Statement[] => [
      (vectors === 1 ? narrow : wide).call(p.rows, p.a, p.rowA, p.x, p.y),
      advance(p.a, vectors * 16),
      advance(p.y, vectors * 16),
      p.n.set(i32.sub(p.n, vectors * lanes)),
    ];
    const column = [
      at.set(p.a),
      from.set(p.x),
      left.set(p.rows),
      sum.set(element.load(p.y)),
      doWhile(
        [
          sum.set(element.addScalar(sum, element.mulScalar(element.load(from), element.load(at)))),
          advance(at, p.rowA),
          advance(from, bytes),
        ],
        left.tee(i32.sub(left, 1)),
      ),
      element.store(p.y, sum),
      advance(p.a, bytes),
      advance(p.y, bytes),
      p.n.set(i32.sub(p.n, 1)),
    ];
    return [
      when(p.rows, [
        whileLoop(i32.geS(p.n, WIDE * lanes), part(WIDE)),
        whileLoop(i32.geS(p.n, lanes), part(1)),
        whileLoop(p.n, column),
      ]),
    ];
  });
}

function defineColumnSums(module: WasmModule, element: Element, vectors: number) {
  const parameters = { rows: 'i32', a: 'i32', rowA: 'i32', x: 'i32', y: 'i32' } as const;
  return module.func(null, parameters, 'void', (p, fn) => {
    const sums = fn.locals('v128', vectors);
    const scale = fn.local('v128');
    return [
      sums.map((sum, j) => sum.set(v128.load(p.y, j * 16))),
      doWhile(
        [
          scale.set(element.loadSplat(p.x)),
          sums.map((sum, j) => sum.set(element.madd(scale, v128.load(p.a, j * 16), sum))),
          advance(p.a, p.rowA),
          advance(p.x, element.bytes),
        ],
        p.rows.tee(i32.sub(p.rows, 1)),
      ),
      sums.map((sum, j) => v128.store(p.y, sum, j * 16)),
    ];
  });
}
