/**
 * The parts of `gemmModule.ts` that rearrange: tables of offsets, panels of B, transposed blocks.
 */
import type { Element } from './element.ts';
import {
  type Expression,
  type FunctionReference,
  type Statement,
  type WasmModule,
  when,
  whileLoop,
} from './encoder.ts';
import { i32, v128 } from './instructions.ts';
import { advance, countedLoop } from './loops.ts';

/** Vectors in a full panel of B; the last panel may have one, in rows of the same length. */
export const PANEL_VECTORS = 2;
/** Bytes from one row of a panel to the next. */
export const PANEL_ROW = PANEL_VECTORS * 16;

export const panelColumns = (element: Element): number => PANEL_VECTORS * element.lanes;

/** Rows that are copied in one turn of a loop. */
const UNROLL = 4;

type I32 = Expression<'i32'>;

export function defineFillTable(module: WasmModule, multiple: number): void {
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

export function definePackPanels(module: WasmModule, element: Element): void {
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

/** Squares of `lanes` by `lanes` through registers, the edges one by one. */
export function defineTranspose(module: WasmModule, element: Element): void {
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
