/**
 * The WebAssembly behind matrix products and convolutions: C = alpha · A · B + initial, on blocks in scratch memory.
 *
 * A is read where it lies, row by row (elements of a row adjacent). B is first packed into panels, so that the
 * innermost loop reads it as one stream: a panel holds two vectors' worth of columns (one for the last few columns),
 * row after row. What B is read from need not be a matrix: element (k, n) is at `source + rows[k] + columns[n]`, with
 * two tables of byte offsets, which says a strided matrix as well as the patches of a convolution. Likewise column n
 * of C may be at `c + columnsOut[n]`.
 *
 * A tile of C, up to 6 rows by 2 vectors, stays in registers over the whole reduction: 12 accumulators, two vectors of
 * B and one element of A are the 15 registers that V8 has on x86 (docs/performance.md has the other shapes).
 */
import type { Element } from './element.ts';
import {
  doWhile,
  type Expression,
  type FunctionReference,
  type Local,
  type Statement,
  WasmModule,
  when,
  whileLoop,
} from './encoder.ts';
import type { KernelMode } from './features.ts';
import {
  defineFillTable,
  definePackPanels,
  defineTranspose,
  PANEL_ROW,
  PANEL_VECTORS,
  panelColumns,
} from './gemmPacking.ts';
import { i32, v128 } from './instructions.ts';
import { advance, countedLoop } from './loops.ts';

/** A panel's row of zeros is here: what the result starts from when nothing else is asked. */
export const ZEROS = 0;
/** Where a column of tiles goes first that does not fit in C as a whole. */
export const STRIP = 64;

/** Rows of the largest tile: without a fused multiply-add, the product needs a register too. */
export const tileRows = (mode: KernelMode): number => (mode === 'fma' ? 6 : 5);

/** Steps of the reduction in one turn of the inner loop. */
const UNROLL = 4;

type I32 = Expression<'i32'>;

/** The exported functions; all arguments but counts and alpha are bytes. */
export interface GemmExports {
  /** Writes `start, start + step, …`, then the first entry again for the rest of a panel's columns. */
  fillTable(at: number, start: number, step: number, count: number): void;
  /** Packs n columns of k elements; panel p goes to `packed + p · panelStep`. */
  packPanels(
    source: number,
    rows: number,
    columns: number,
    k: number,
    n: number,
    packed: number,
    panelStep: number,
  ): void;
  /**
   * C = alpha · A · B + initial, for m rows and n columns; column j of C is at `c + columnsOut[j]`. The initial value of
   * row i, column j is at `init + i · initRow + j · initColumn`; `init === c` adds to what is in C.
   */
  multiply(
    m: number,
    n: number,
    k: number,
    a: number,
    rowA: number,
    packed: number,
    panelStep: number,
    c: number,
    rowC: number,
    columnsOut: number,
    init: number,
    initRow: number,
    initColumn: number,
    alpha: number,
  ): void;
  /** target[j][i] = source[i][j]. */
  transpose(source: number, sourceRow: number, target: number, targetRow: number, rows: number, columns: number): void;
}

/** The module for one element type. It imports `scratch.memory`. */
export function gemmModule(element: Element, mode: KernelMode): WasmModule {
  const module = new WasmModule();
  module.importMemory('scratch', 'memory');
  defineFillTable(module, panelColumns(element));
  definePackPanels(module, element);
  defineMultiply(module, element, tileRows(mode));
  defineTranspose(module, element);
  return module;
}

const TILE_PARAMETERS = {
  a: 'i32',
  rowA: 'i32',
  b: 'i32',
  k: 'i32',
  c: 'i32',
  rowC: 'i32',
  init: 'i32',
  initRow: 'i32',
} as const;

/** One tile of C: `rows` rows by `vectors` vectors. */
function defineTile(module: WasmModule, element: Element, rows: number, vectors: number): FunctionReference<'void'> {
  return module.func(null, { ...TILE_PARAMETERS, alpha: element.value }, 'void', (p, fn) => {
    const sums = Array.from({ length: rows }, () => fn.locals('v128', vectors));
    const b = fn.locals('v128', vectors);
    const one = fn.local('v128');
    const a = [p.a, ...fn.locals('i32', rows - 1)];
    const multiplyAdd = (steps: number): Statement[] => [
      ...Array.from({ length: steps }, (_, step) => [
        ...b.map((vector, j) => vector.set(v128.load(p.b, step * PANEL_ROW + j * 16))),
        ...sums.flatMap((row, i) => [
          one.set(element.loadSplat(a[i]!, step * element.bytes)),
          ...row.map((sum, j) => sum.set(element.madd(one, b[j]!, sum))),
        ]),
      ]).flat(),
      ...a.map((at) => advance(at, steps * element.bytes)),
      advance(p.b, steps * PANEL_ROW),
    ];
    return [
      a.slice(1).map((at, i) => at.set(i32.add(a[i]!, p.rowA))),
      countedLoop(p.k, UNROLL, multiplyAdd),
      one.set(element.splat(p.alpha)),
      sums.map((row) => [
        row.map((sum, j) => v128.store(p.c, element.madd(one, sum, v128.load(p.init, j * 16)), j * 16)),
        advance(p.c, p.rowC),
        advance(p.init, p.initRow),
      ]),
    ];
  });
}

/** All tiles of one panel: m rows, split into tiles of nearly equal height. */
function definePanelRows(module: WasmModule, element: Element, vectors: number, maxRows: number) {
  const tiles = Array.from({ length: maxRows }, (_, i) => defineTile(module, element, i + 1, vectors));
  return module.func(null, { m: 'i32', ...TILE_PARAMETERS, alpha: element.value }, 'void', (p, fn) => {
    const [count, rows, extra, height] = fn.locals('i32', 4) as [
      Local<'i32'>,
      Local<'i32'>,
      Local<'i32'>,
      Local<'i32'>,
    ];
    const args = [p.a, p.rowA, p.b, p.k, p.c, p.rowC, p.init, p.initRow, p.alpha] as const;
    const run = (i: number): Statement =>
      i === 0 ? tiles[0]!.call(...args) : when(i32.eq(height, i + 1), [tiles[i]!.call(...args)], [run(i - 1)]);
    return [
      count.set(i32.divU(i32.add(p.m, maxRows - 1), maxRows)),
      rows.set(i32.divU(p.m, count)),
      extra.set(i32.remU(p.m, count)),
      doWhile(
        [
          height.set(i32.add(rows, i32.gtS(extra, 0))),
          extra.set(i32.sub(extra, 1)),
          run(maxRows - 1),
          advance(p.a, i32.mul(height, p.rowA)),
          advance(p.c, i32.mul(height, p.rowC)),
          advance(p.init, i32.mul(height, p.initRow)),
        ],
        p.m.tee(i32.sub(p.m, height)),
      ),
    ];
  });
}

/** Copies or adds `count` columns of the strip to the columns of C. */
function defineScatter(module: WasmModule, element: Element): FunctionReference<'void'> {
  const parameters = { m: 'i32', count: 'i32', c: 'i32', rowC: 'i32', columnsOut: 'i32', adds: 'i32' } as const;
  return module.func(null, parameters, 'void', (p, fn) => {
    const [from, to, left, column] = fn.locals('i32', 4);
    const value = fn.local(element.value);
    return [
      column.set(STRIP),
      whileLoop(p.count, [
        from.set(column),
        to.set(i32.add(p.c, i32.load(p.columnsOut))),
        left.set(p.m),
        doWhile(
          [
            value.set(element.load(from)),
            when(p.adds, [value.set(element.addScalar(value, element.load(to)))]),
            element.store(to, value),
            advance(from, PANEL_ROW),
            advance(to, p.rowC),
          ],
          left.tee(i32.sub(left, 1)),
        ),
        advance(column, element.bytes),
        advance(p.columnsOut, 4),
        p.count.set(i32.sub(p.count, 1)),
      ]),
    ];
  });
}

const MULTIPLY_PARAMETERS = {
  m: 'i32',
  n: 'i32',
  k: 'i32',
  a: 'i32',
  rowA: 'i32',
  packed: 'i32',
  panelStep: 'i32',
  c: 'i32',
  rowC: 'i32',
  columnsOut: 'i32',
  init: 'i32',
  initRow: 'i32',
  initColumn: 'i32',
} as const;

function defineMultiply(module: WasmModule, element: Element, maxRows: number): void {
  const { lanes, bytes } = element;
  const panelRows = [1, 2].map((vectors) => definePanelRows(module, element, vectors, maxRows));
  const scatter = defineScatter(module, element);
  module.func('multiply', { ...MULTIPLY_PARAMETERS, alpha: element.value }, 'void', (p, fn) => {
    const [adds, columns, first, to] = fn.locals('i32', 4);
    const run = (...args: [c: I32, rowC: I32, init: I32, initRow: I32]): Statement => {
      const call = (vectors: number) => panelRows[vectors - 1]!.call(p.m, p.a, p.rowA, p.packed, p.k, ...args, p.alpha);
      return when(i32.gtS(p.n, lanes), [call(2)], [call(1)]);
    };
    const lastColumn = i32.load(i32.add(p.columnsOut, i32.shl(i32.sub(columns, 1), 2)));
    return [
      adds.set(i32.eq(p.init, p.c)),
      whileLoop(i32.gtS(p.n, 0), [
        columns.set(i32.select(i32.gtS(p.n, lanes), PANEL_VECTORS * lanes, lanes)),
        first.set(i32.load(p.columnsOut)),
        to.set(i32.add(p.c, first)),
        when(
          i32.and(i32.geS(p.n, columns), i32.eq(i32.sub(lastColumn, first), i32.mul(i32.sub(columns, 1), bytes))),
          [when(adds, [run(to, p.rowC, to, p.rowC)], [run(to, p.rowC, p.init, p.initRow)])],
          [
            run(
              i32.const(STRIP),
              i32.const(PANEL_ROW),
              i32.select(adds, ZEROS, p.init),
              i32.select(adds, 0, p.initRow),
            ),
            scatter.call(p.m, i32.select(i32.ltS(p.n, columns), p.n, columns), p.c, p.rowC, p.columnsOut, adds),
          ],
        ),
        advance(p.packed, p.panelStep),
        advance(p.columnsOut, PANEL_VECTORS * lanes * 4),
        advance(p.init, i32.mul(p.initColumn, PANEL_VECTORS * lanes)),
        p.n.set(i32.sub(p.n, PANEL_VECTORS * lanes)),
      ]),
    ];
  });
}
