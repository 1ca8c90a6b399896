/**
 * The WebAssembly that convolutions need beside the products of `gemmModule.ts`: laying out rows with room for padding
 * between them, and depthwise kernels.
 */

import type { Element } from './element.ts';
import { doWhile, type Expression, type Local, type Statement, WasmModule, when, whileLoop } from './encoder.ts';
import { i32, v128 } from './instructions.ts';
import { advance, countedLoop } from './loops.ts';

/** The exported functions; addresses, offsets and steps are bytes. */
export interface ConvExports {
  /**
   * Copies `channels` blocks of `rows` rows of `length` elements. Row r goes from `source + fromTable[r]` to
   * `target + toTable[r]`; from one channel to the next, source and target move on by their steps.
   */
  spread(
    source: number,
    target: number,
    fromTable: number,
    toTable: number,
    rows: number,
    length: number,
    channels: number,
    sourceStep: number,
    targetStep: number,
  ): void;
  /**
   * Sums over taps, without packing: row r at column j is `init + r · initStep` plus, for each of `count` taps, a weight
   * (adjacent, row after row) times the source at `source + floor(r / rowsPerSource) · sourceStep + taps[t] +
   * columns[j]`; it goes to `target + r · rowC + columnsOut[j]`.
   */
  direct(
    rows: number,
    rowsPerSource: number,
    source: number,
    sourceStep: number,
    taps: number,
    count: number,
    weights: number,
    columns: number,
    columnsOut: number,
    n: number,
    target: number,
    rowC: number,
    init: number,
    initStep: number,
  ): void;
  /**
   * Sums over positions: row r at tap t is the sum over `n` positions of the gradient (adjacent, rows `gradStep` apart)
   * times the source as above; it goes to or is added to the target, rows of `count` adjacent elements.
   */
  directWeights(
    rows: number,
    rowsPerSource: number,
    source: number,
    sourceStep: number,
    taps: number,
    count: number,
    columns: number,
    n: number,
    grad: number,
    gradStep: number,
    target: number,
    accumulate: number,
  ): void;
}

export function convModule(element: Element): WasmModule {
  const module = new WasmModule();
  module.importMemory('scratch', 'memory');
  defineSpread(module, element);
  defineDirect(module, element);
  defineDirectWeights(module, element);
  return module;
}

const SPREAD_PARAMETERS = {
  source: 'i32',
  target: 'i32',
  fromTable: 'i32',
  toTable: 'i32',
  rows: 'i32',
  length: 'i32',
  channels: 'i32',
  sourceStep: 'i32',
  targetStep: 'i32',
} as const;

function defineSpread(module: WasmModule, element: Element): void {
  const { lanes, bytes } = element;
  module.func('spread', SPREAD_PARAMETERS, 'void', (p, fn) => {
    const [row, from, to, left] = fn.locals('i32', 4);
    const copyRow = [
      from.set(i32.add(p.source, i32.load(i32.add(p.fromTable, row)))),
      to.set(i32.add(p.target, i32.load(i32.add(p.toTable, row)))),
      left.set(p.length),
      whileLoop(i32.geS(left, lanes), [
        v128.store(to, v128.load(from)),
        advance(from, 16),
        advance(to, 16),
        left.set(i32.sub(left, lanes)),
      ]),
      whileLoop(left, [
        element.store(to, element.load(from)),
        advance(from, bytes),
        advance(to, bytes),
        left.set(i32.sub(left, 1)),
      ]),
      advance(row, 4),
    ];
    return [
      when(p.rows, [
        whileLoop(p.channels, [
          row.set(0),
          doWhile(copyRow, i32.ltU(row, i32.shl(p.rows, 2))),
          advance(p.source, p.sourceStep),
          advance(p.target, p.targetStep),
          p.channels.set(i32.sub(p.channels, 1)),
        ]),
      ]),
    ];
  });
}

const DIRECT_PARAMETERS = {
  rows: 'i32',
  rowsPerSource: 'i32',
  source: 'i32',
  sourceStep: 'i32',
  taps: 'i32',
  count: 'i32',
  weights: 'i32',
  columns: 'i32',
  columnsOut: 'i32',
  n: 'i32',
  target: 'i32',
  rowC: 'i32',
  init: 'i32',
  initStep: 'i32',
} as const;

function defineDirect(module: WasmModule, element: Element): void {
  const { lanes, bytes } = element;
  const wide = defineVectorSums(module, element, { vectors: WIDE, every: 1, scattered: false });
  const narrow = defineVectorSums(module, element, { vectors: 1, every: 1, scattered: false });
  const scattered = defineVectorSums(module, element, { vectors: 1, every: 1, scattered: true });
  const second = defineVectorSums(module, element, { vectors: 1, every: 2, scattered: false });
  const several = defineScalarSums(module, element, lanes);
  const single = defineScalarSums(module, element, 1);
  module.func('direct', DIRECT_PARAMETERS, 'void', (p, fn) => {
    const [left, column, out, index, step] = fn.locals('i32', 5);
    const start = fn.local(element.value);
    const scalarArgs = [p.source, column, p.taps, p.count, p.weights, p.target, out, start] as const;
    const vectorArgs = [i32.add(p.source, i32.load(column)), p.taps, p.count, p.weights, p.target, out, start] as const;
    const [reads, readsSecond] = [isRun(column, lanes, bytes), isEverySecond(column, lanes, bytes)];
    const oneVector = when(
      isRun(out, lanes, bytes),
      [
        when(
          reads,
          [narrow.call(...vectorArgs)],
          [when(readsSecond, [second.call(...vectorArgs)], [several.call(...scalarArgs)])],
        ),
      ],
      [when(reads, [scattered.call(...vectorArgs)], [several.call(...scalarArgs)])],
    );
    const many = WIDE * lanes;
    const row = [
      start.set(element.load(p.init)),
      column.set(p.columns),
      out.set(p.columnsOut),
      left.set(p.n),
      whileLoop(left, [
        step.set(i32.select(i32.geS(left, lanes), lanes, 1)),
        when(i32.geS(left, many), [
          when(i32.and(isRun(column, many, bytes), isRun(out, many, bytes)), [step.set(many)]),
        ]),
        when(
          i32.eq(step, many),
          [wide.call(...vectorArgs)],
          [when(i32.eq(step, 1), [single.call(...scalarArgs)], [oneVector])],
        ),
        advance(column, i32.shl(step, 2)),
        advance(out, i32.shl(step, 2)),
        left.set(i32.sub(left, step)),
      ]),
      advance(p.weights, i32.mul(p.count, bytes)),
      advance(p.target, p.rowC),
      advance(p.init, p.initStep),
    ];
    return [whileLoop(p.rows, [...row, ...nextRow(p, index)])];
  });
}

/** Vectors that are summed at once where columns are adjacent. */
const WIDE = 4;

type I32 = Expression<'i32'>;

/** Whether `count` entries of an ascending table of offsets are of adjacent elements. */
const isRun = (table: I32, count: number, bytes: number): I32 =>
  i32.eq(i32.sub(i32.load(table, (count - 1) * 4), i32.load(table)), (count - 1) * bytes);

/** Whether `count` entries are of every second element. */
const isEverySecond = (table: I32, count: number, bytes: number): I32 =>
  Array.from({ length: count - 1 }, (_, i) =>
    i32.eq(i32.sub(i32.load(table, (i + 1) * 4), i32.load(table)), (i + 1) * 2 * bytes),
  ).reduce((all, next) => i32.and(all, next));

/** Counts rows down, and moves the source on after every `rowsPerSource` of them. */
function nextRow(
  p: Record<'rows' | 'rowsPerSource' | 'source' | 'sourceStep', Local<'i32'>>,
  index: Local<'i32'>,
): Statement[] {
  return [
    p.rows.set(i32.sub(p.rows, 1)),
    index.set(i32.add(index, 1)),
    when(i32.eq(index, p.rowsPerSource), [index.set(0), advance(p.source, p.sourceStep)]),
  ];
}

/** Sums for `vectors` vectors of positions whose source elements are adjacent, or every second one. */
interface VectorSums {
  readonly vectors: number;
  readonly every: 1 | 2;
  /** Whether the results go to places of their own, one by one. */
  readonly scattered: boolean;
}

/** Taps that are summed apart, so that one addition does not wait for the one before. */
const TAPS_AT_ONCE = 2;

function defineVectorSums(module: WasmModule, element: Element, { vectors, every, scattered }: VectorSums) {
  const { lanes, bytes } = element;
  const parameters = {
    source: 'i32',
    taps: 'i32',
    count: 'i32',
    weights: 'i32',
    target: 'i32',
    columnsOut: 'i32',
    start: element.value,
  } as const;
  return module.func(null, parameters, 'void', (p, fn) => {
    const [sums, more] = [fn.locals('v128', vectors), fn.locals('v128', vectors)];
    const weight = fn.local('v128');
    const [from, to] = fn.locals('i32', 2);
    const read = (j: number) =>
      every === 1
        ? v128.load(from, j * 16)
        : element.everySecond(v128.load(from, j * 32), v128.load(from, j * 32 + 16));
    const addTap = (tap: number): Statement[] => [
      from.set(i32.add(p.source, i32.load(p.taps, tap * 4))),
      weight.set(element.loadSplat(p.weights, tap * bytes)),
      ...(tap === 0 ? sums : more).map((sum, j) => sum.set(element.madd(weight, read(j), sum))),
    ];
    const scatter = sums.flatMap((sum, j) =>
      Array.from({ length: lanes }, (_, lane) =>
        element.storeLane(i32.add(p.target, i32.load(p.columnsOut, (j * lanes + lane) * 4)), sum, lane),
      ),
    );
    return [
      sums.map((sum) => sum.set(element.splat(p.start))),
      countedLoop(p.count, TAPS_AT_ONCE, (taps) => [
        ...Array.from({ length: taps }, (_, tap) => addTap(tap)).flat(),
        advance(p.taps, 4 * taps),
        advance(p.weights, bytes * taps),
      ]),
      sums.map((sum, j) => sum.set(element.add(sum, more[j]!))),
      scattered
        ? scatter
        : [to.set(i32.add(p.target, i32.load(p.columnsOut))), ...sums.map((sum, j) => v128.store(to, sum, j * 16))],
    ];
  });
}

function defineScalarSums(module: WasmModule, element: Element, positions: number) {
  const parameters = {
    source: 'i32',
    columns: 'i32',
    taps: 'i32',
    count: 'i32',
    weights: 'i32',
    target: 'i32',
    columnsOut: 'i32',
    start: element.value,
  } as const;
  return module.func(null, parameters, 'void', (p, fn) => {
    const sums = fn.locals(element.value, positions);
    const columns = fn.locals('i32', positions);
    const weight = fn.local(element.value);
    const tap = fn.local('i32');
    return [
      sums.map((sum) => sum.set(p.start)),
      columns.map((column, j) => column.set(i32.add(p.source, i32.load(p.columns, j * 4)))),
      doWhile(
        [
          tap.set(i32.load(p.taps)),
          weight.set(element.load(p.weights)),
          sums.map((sum, j) =>
            sum.set(element.addScalar(sum, element.mulScalar(weight, element.load(i32.add(columns[j]!, tap))))),
          ),
          advance(p.taps, 4),
          advance(p.weights, element.bytes),
        ],
        p.count.tee(i32.sub(p.count, 1)),
      ),
      sums.map((sum, j) => element.store(i32.add(p.target, i32.load(p.columnsOut, j * 4)), sum)),
    ];
  });
}

const DIRECT_WEIGHT_PARAMETERS = {
  rows: 'i32',
  rowsPerSource: 'i32',
  source: 'i32',
  sourceStep: 'i32',
  taps: 'i32',
  count: 'i32',
  columns: 'i32',
  n: 'i32',
  grad: 'i32',
  gradStep: 'i32',
  target: 'i32',
  accumulate: 'i32',
} as const;

function defineDirectWeights(module: WasmModule, element: Element): void {
  const several = definePositionSums(module, element, WIDE);
  const single = definePositionSums(module, element, 1);
  module.func('directWeights', DIRECT_WEIGHT_PARAMETERS, 'void', (p, fn) => {
    const [left, tap, index] = fn.locals('i32', 3);
    const args = [p.source, tap, p.columns, p.n, p.grad, p.target, p.accumulate] as const;
    const part = (taps: number): Statement[] => [
      (taps === 1 ? single : several).call(...args),
      advance(tap, 4 * taps),
      advance(p.target, taps * element.bytes),
      left.set(i32.sub(left, taps)),
    ];
    return [
      whileLoop(p.rows, [
        tap.set(p.taps),
        left.set(p.count),
        whileLoop(i32.geS(left, WIDE), part(WIDE)),
        whileLoop(left, part(1)),
        advance(p.grad, p.gradStep),
        ...nextRow(p, index),
      ]),
    ];
  });
}

/** The sums of a few taps over all positions, by vectors where the columns are adjacent. */
function definePositionSums(module: WasmModule, element: Element, taps: number) {
  const { lanes, bytes, value } = element;
  const parameters = {
    source: 'i32',
    taps: 'i32',
    columns: 'i32',
    n: 'i32',
    grad: 'i32',
    to: 'i32',
    accumulate: 'i32',
  } as const;
  return module.func(null, parameters, 'void', (p, fn) => {
    const vectorSums = fn.locals('v128', taps);
    const sums = fn.locals(value, taps);
    const sources = fn.locals('i32', taps);
    const vector = fn.local('v128');
    const scalar = fn.local(value);
    const column = fn.local('i32');
    const addVector = [
      vector.set(v128.load(p.grad)),
      column.set(i32.load(p.columns)),
      ...vectorSums.map((sum, t) => sum.set(element.madd(vector, v128.load(i32.add(sources[t]!, column)), sum))),
    ];
    const addScalars = (positions: number): Statement[] =>
      Array.from({ length: positions }, (_, j) => [
        scalar.set(element.load(p.grad, j * bytes)),
        column.set(i32.load(p.columns, j * 4)),
        ...sums.map((sum, t) =>
          sum.set(element.addScalar(sum, element.mulScalar(scalar, element.load(i32.add(sources[t]!, column))))),
        ),
      ]).flat();
    const next = (positions: number): Statement[] => [
      advance(p.columns, 4 * positions),
      advance(p.grad, bytes * positions),
      p.n.set(i32.sub(p.n, positions)),
    ];
    return [
      sources.map((source, t) => source.set(i32.add(p.source, i32.load(p.taps, t * 4)))),
      whileLoop(i32.geS(p.n, lanes), [
        when(isRun(p.columns, lanes, bytes), addVector, addScalars(lanes)),
        ...next(lanes),
      ]),
      whileLoop(p.n, [...addScalars(1), ...next(1)]),
      sums.map((sum, t) => sum.set(element.addScalar(sum, element.sumLanes(vectorSums[t]!)))),
      when(p.accumulate, [sums.map((sum, t) => sum.set(element.addScalar(sum, element.load(p.to, t * bytes))))]),
      sums.map((sum, t) => element.store(p.to, sum, t * bytes)),
    ];
  });
}
