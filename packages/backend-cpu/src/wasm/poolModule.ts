/** The WebAssembly behind max pooling of float32: values and positions of the maxima of four windows at a time. */
import { doWhile, type Expression, type Statement, WasmModule, when, whileLoop } from './encoder.ts';
import { f32x4, i32, i32x4, v128 } from './instructions.ts';
import { advance } from './loops.ts';

/** The exported functions; addresses, offsets and steps are bytes. */
export interface PoolExports {
  /**
   * Window j of a plane reads `source + taps[t] + columns[j]` for `count` taps; the tap's position in the input plane is
   * `positions[j] + shifts[t]`. The result starts as -Infinity at position `firsts[j]`; a greater value wins, and a NaN.
   * Tables have entries for a multiple of four windows; values and indices of a plane are written up to there, planes
   * `outStep` apart.
   */
  maxima(
    planes: number,
    source: number,
    sourceStep: number,
    taps: number,
    shifts: number,
    count: number,
    columns: number,
    positions: number,
    firsts: number,
    windows: number,
    values: number,
    indices: number,
    outStep: number,
  ): void;
}

export function poolModule(): WasmModule {
  const module = new WasmModule();
  module.importMemory('scratch', 'memory');
  defineMaxima(module);
  return module;
}

const PARAMETERS = {
  planes: 'i32',
  source: 'i32',
  sourceStep: 'i32',
  taps: 'i32',
  shifts: 'i32',
  count: 'i32',
  columns: 'i32',
  positions: 'i32',
  firsts: 'i32',
  windows: 'i32',
  values: 'i32',
  indices: 'i32',
  outStep: 'i32',
} as const;

function defineMaxima(module: WasmModule): void {
  module.func('maxima', PARAMETERS, 'void', (p, fn) => {
    const [j, tap, left] = fn.locals('i32', 3);
    const columns = fn.locals('i32', 4);
    const [best, where, position, value, wins] = fn.locals('v128', 5);
    const at = columns.map((column) => i32.add(column, i32.load(tap)));
    /** Goes through the taps, with a way of loading the four windows' values. */
    const overTaps = (load: Statement[]): Statement[] => [
      tap.set(p.taps),
      left.set(p.count),
      doWhile(
        [
          ...load,
          wins.set(v128.or(f32x4.gt(value, best), f32x4.ne(value, value))),
          best.set(v128.bitselect(value, best, wins)),
          // The table of shifts lies as far behind that of taps for every tap.
          where.set(
            v128.bitselect(i32x4.add(position, v128.load32Splat(i32.add(tap, i32.sub(p.shifts, p.taps)))), where, wins),
          ),
          advance(tap, 4),
        ],
        left.tee(i32.sub(left, 1)),
      ),
    ];
    const adjacent = overTaps([value.set(v128.load(at[0]!))]);
    const everySecond = overTaps([value.set(i32x4.shuffle(v128.load(at[0]!), v128.load(at[0]!, 16), 0, 2, 4, 6))]);
    const anywhere = overTaps([
      value.set(v128.load32Zero(at[0]!)),
      ...[1, 2, 3].map((lane) => value.set(v128.load32Lane(at[lane]!, value, lane))),
    ]);
    /** Whether the four windows' columns are so many bytes apart. */
    const apart = (bytes: number): Expression<'i32'> =>
      [1, 2, 3]
        .map((lane) => i32.eq(i32.sub(columns[lane]!, columns[0]), lane * bytes))
        .reduce((all, next) => i32.and(all, next));
    const fourWindows = [
      ...columns.map((column, lane) => column.set(i32.add(p.source, i32.load(i32.add(p.columns, j), lane * 4)))),
      position.set(v128.load(i32.add(p.positions, j))),
      where.set(v128.load(i32.add(p.firsts, j))),
      best.set(f32x4.splat(-Infinity)),
      when(apart(4), adjacent, [when(apart(8), everySecond, anywhere)]),
      v128.store(i32.add(p.values, j), best),
      v128.store(i32.add(p.indices, j), where),
      advance(j, 16),
    ];
    return [
      whileLoop(p.planes, [
        j.set(0),
        doWhile(fourWindows, i32.ltU(j, i32.shl(p.windows, 2))),
        advance(p.source, p.sourceStep),
        advance(p.values, p.outStep),
        advance(p.indices, p.outStep),
        p.planes.set(i32.sub(p.planes, 1)),
      ]),
    ];
  });
}
