/**
 * The WebAssembly that convolutions need beside the products of `gemmModule.ts`: laying out rows with room for padding
 * between them, and depthwise kernels.
 */

import type { Element } from './element.ts';
import { doWhile, type Expression, type Local, type Statement, WasmModule, when, whileLoop } from './encoder.ts';
import { i32, v128 } from './instructions.ts';

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
}

export function convModule(element: Element): WasmModule {
  const module = new WasmModule();
  module.importMemory('scratch', 'memory');
  defineSpread(module, element);
  return module;
}

const advance = (local: Local<'i32'>, by: Expression<'i32'> | number): Statement => local.set(i32.add(local, by));

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
