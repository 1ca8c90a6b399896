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
import { i32, v128 } from './instructions.ts';

/** Vectors in a full panel of B; the last panel may have one, in rows of the same length. */
const PANEL_VECTORS = 2;
/** Bytes from one row of a panel to the next. */
export const PANEL_ROW = PANEL_VECTORS * 16;
/** Steps of the reduction in one turn of the inner loop. */
const UNROLL = 4;
/** Sixteen bytes of zeros are here: what the result starts from when nothing else is asked. */
export const ZEROS = 0;
/** Where a column of tiles goes first that does not fit in C as a whole. */
export const STRIP = 64;

/** Rows of the largest tile: without a fused multiply-add, the product needs a register too. */
export const tileRows = (mode: KernelMode): number => (mode === 'fma' ? 6 : 5);

export const panelColumns = (element: Element): number => PANEL_VECTORS * element.lanes;

type I32 = Expression<'i32'>;

/** The exported functions; all arguments but counts and alpha are bytes. */
export interface GemmExports {
  /** Writes `start, start + step, …`, and repeats the first entry up to a multiple of a panel's columns. */
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
   * C = alpha · A · B + initial, for m rows and n columns. `columnsOut` 0 means adjacent columns. The initial value of
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

const advance = (local: Local<'i32'>, by: I32 | number): Statement => local.set(i32.add(local, by));

function defineFillTable(module: WasmModule, multiple: number): void {
  module.func('fillTable', { at: 'i32', start: 'i32', step: 'i32', count: 'i32' }, 'void', (p, fn) => {
    const value = fn.local('i32');
    return [
      value.set(p.start),
      whileLoop(p.count, [
        i32.store(p.at, value),
        advance(value, p.step),
        advance(p.at, 4),
        p.count.set(i32.sub(p.count, 1)),
      ]),
      Array.from({ length: multiple - 1 }, (_, i) => i32.store(p.at, p.start, i * 4)),
    ];
  });
}

const PACK_PARAMETERS = {
  source: 'i32',
  rows: 'i32',
  columns: 'i32',
  k: 'i32',
  n: 'i32',
  packed: 'i32',
  panelStep: 'i32',
} as const;

function definePackPanels(module: WasmModule, element: Element): void {
  const { lanes, bytes } = element;
  const contiguous = definePackContiguous(module);
  const gathered = definePackGathered(module, element);
  module.func('packPanels', PACK_PARAMETERS, 'void', (p, fn) => {
    const first = fn.local('i32');
    /** Whether `count` columns are adjacent in the source. */
    const adjacent = (columns: I32, count: number): I32 =>
      i32.eq(i32.sub(i32.load(columns, (count - 1) * 4), first), (count - 1) * bytes);
    const packVector = (part: number): Statement[] => {
      const columns = i32.add(p.columns, part * lanes * 4);
      const to = i32.add(p.packed, part * 16);
      return [
        first.set(i32.load(columns)),
        when(
          adjacent(columns, lanes),
          [contiguous[1]!.call(i32.add(p.source, first), p.rows, p.k, to)],
          [gathered.call(p.source, columns, p.rows, p.k, to)],
        ),
      ];
    };
    return [
      whileLoop(i32.gtS(p.n, 0), [
        first.set(i32.load(p.columns)),
        when(
          i32.and(i32.gtS(p.n, lanes), adjacent(p.columns, PANEL_VECTORS * lanes)),
          [contiguous[2]!.call(i32.add(p.source, first), p.rows, p.k, p.packed)],
          [packVector(0), when(i32.gtS(p.n, lanes), packVector(1))],
        ),
        advance(p.packed, p.panelStep),
        advance(p.columns, PANEL_VECTORS * lanes * 4),
        p.n.set(i32.sub(p.n, PANEL_VECTORS * lanes)),
      ]),
    ];
  });
}

/** Copies one or two whole vectors of each row. */
function definePackContiguous(module: WasmModule): Record<number, FunctionReference<'void'>> {
  const define = (vectors: number) =>
    module.func(null, { source: 'i32', rows: 'i32', k: 'i32', to: 'i32' }, 'void', (p, fn) => {
      const from = fn.local('i32');
      const row = (index: number): Statement[] => [
        from.set(i32.add(p.source, i32.load(p.rows, index * 4))),
        ...Array.from({ length: vectors }, (_, j) =>
          v128.store(p.to, v128.load(from, j * 16), index * PANEL_ROW + j * 16),
        ),
      ];
      return countedLoop(p.k, UNROLL, (count) => [
        ...Array.from({ length: count }, (_, i) => row(i)).flat(),
        advance(p.rows, 4 * count),
        advance(p.to, PANEL_ROW * count),
      ]);
    });
  return { 1: define(1), 2: define(2) };
}

/** Collects one vector of each row, by transposing where the elements of a column are adjacent in the source. */
function definePackGathered(module: WasmModule, element: Element): FunctionReference<'void'> {
  const { lanes, bytes } = element;
  const parameters = { source: 'i32', columns: 'i32', rows: 'i32', k: 'i32', to: 'i32' } as const;
  return module.func(null, parameters, 'void', (p, fn) => {
    const columns = fn.locals('i32', lanes);
    const square = fn.locals('v128', lanes);
    const spare = fn.locals('v128', lanes);
    const row = fn.local('i32');
    const single = (index: number): Statement[] => [
      row.set(i32.load(p.rows, index * 4)),
      ...columns.map((column, j) =>
        element.store(p.to, element.load(i32.add(column, row)), index * PANEL_ROW + j * bytes),
      ),
    ];
    const whole = [
      ...square.map((v, j) => v.set(v128.load(i32.add(columns[j]!, row)))),
      ...element.transpose(square, spare),
      ...square.map((v, j) => v128.store(p.to, v, j * PANEL_ROW)),
    ];
    const squareOrSingles = when(
      i32.eq(i32.sub(i32.load(p.rows, (lanes - 1) * 4), row.tee(i32.load(p.rows))), (lanes - 1) * bytes),
      whole,
      Array.from({ length: lanes }, (_, i) => single(i)).flat(),
    );
    return [
      columns.map((column, j) => column.set(i32.add(p.source, i32.load(p.columns, j * 4)))),
      countedLoop(p.k, lanes, (count) => [
        ...(count === 1 ? single(0) : [squareOrSingles]),
        advance(p.rows, 4 * count),
        advance(p.to, PANEL_ROW * count),
      ]),
    ];
  });
}

/** Runs `body(unroll)` while that many steps are left, then `body(1)`; uses `count` up. */
function countedLoop(count: Local<'i32'>, unroll: number, body: (steps: number) => Statement[]): Statement[] {
  return [
    when(i32.geS(count, unroll), [doWhile([body(unroll), count.set(i32.sub(count, unroll))], i32.geS(count, unroll))]),
    when(count, [doWhile([body(1)], count.tee(i32.sub(count, 1)))]),
  ];
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

/** Squares of `lanes` by `lanes` through registers, the edges one by one. */
function defineTranspose(module: WasmModule, element: Element): void {
  const { lanes, bytes } = element;
  const parameters = {
    source: 'i32',
    sourceRow: 'i32',
    target: 'i32',
    targetRow: 'i32',
    rows: 'i32',
    columns: 'i32',
  } as const;
  module.func('transpose', parameters, 'void', (p, fn) => {
    const square = fn.locals('v128', lanes);
    const spare = fn.locals('v128', lanes);
    const [from, to, left, at] = fn.locals('i32', 4);
    const start = [from.set(p.source), to.set(p.target), left.set(p.columns)];
    const squareStep = [
      at.set(from),
      ...square.flatMap((v) => [v.set(v128.load(at)), advance(at, p.sourceRow)]),
      ...element.transpose(square, spare),
      ...square.flatMap((v) => [v128.store(to, v), advance(to, p.targetRow)]),
      advance(from, 16),
      left.set(i32.sub(left, lanes)),
    ];
    const columnOf = (count: number): Statement[] => [
      at.set(from),
      ...Array.from({ length: count }, (_, i) => [
        element.store(to, element.load(at), i * bytes),
        advance(at, p.sourceRow),
      ]).flat(),
      advance(to, p.targetRow),
      advance(from, bytes),
      left.set(i32.sub(left, 1)),
    ];
    const rows = (count: number): Statement[] => [
      ...start,
      ...(count > 1 ? [whileLoop(i32.geS(left, lanes), squareStep)] : []),
      whileLoop(left, columnOf(count)),
      advance(p.source, i32.mul(p.sourceRow, count)),
      advance(p.target, count * bytes),
      p.rows.set(i32.sub(p.rows, count)),
    ];
    return [whileLoop(i32.geS(p.rows, lanes), rows(lanes)), whileLoop(p.rows, rows(1))];
  });
}
