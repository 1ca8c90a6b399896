import { describe, expect, it } from 'vitest';
import {
  block,
  branch,
  branchIf,
  doWhile,
  loop,
  returnNow,
  unsignedLeb,
  type ValueType,
  WasmModule,
  when,
  whileLoop,
} from '../src/wasm/encoder.ts';
import {
  f32,
  f32x4,
  f64,
  f64x2,
  i32,
  i32x4,
  i64,
  i64x2,
  memoryCopy,
  memoryFill,
  v128,
} from '../src/wasm/instructions.ts';

type Callable = (...args: (number | bigint)[]) => number | bigint | undefined;

function instance(module: WasmModule, imports: WebAssembly.Imports = {}): Record<string, Callable> {
  return new WebAssembly.Instance(new WebAssembly.Module(module.encode()), imports).exports as Record<string, Callable>;
}

/** A module with one memory; gives its exports and the memory. */
function withMemory(define: (module: WasmModule) => void) {
  const module = new WasmModule();
  module.exportMemory('memory', { initial: 1 });
  define(module);
  const exports = instance(module);
  return { exports, buffer: (exports.memory as unknown as WebAssembly.Memory).buffer };
}

describe('WasmModule', () => {
  it('encodes unsigned integers of every length', () => {
    expect([0, 127, 128, 624485, 2 ** 32 - 1].map(unsignedLeb)).toEqual([
      [0],
      [0x7f],
      [0x80, 0x01],
      [0xe5, 0x8e, 0x26],
      [0xff, 0xff, 0xff, 0xff, 0x0f],
    ]);
  });

  it('encodes an empty module as header alone', () => {
    expect(Array.from(new WasmModule().encode())).toEqual([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  });

  it('encodes constants of every type', () => {
    const module = new WasmModule();
    const constants: [ValueType, number | bigint][] = [];
    for (const value of [0, 1, -1, 63, 64, -64, -65, 2 ** 31 - 1, -(2 ** 31)]) constants.push(['i32', value]);
    for (const value of [0n, -1n, 64n, -65n, 2n ** 63n - 1n, -(2n ** 63n)]) constants.push(['i64', value]);
    for (const value of [0.1, -0, NaN, Infinity, 1e300]) constants.push(['f32', Math.fround(value)], ['f64', value]);
    const of = { i32: i32.const, i64: i64.const, f32: f32.const, f64: f64.const } as unknown as Record<
      string,
      (v: never) => never
    >;
    constants.forEach(([type, value], i) => {
      module.func(`f${i}`, {}, type, () => [of[type]!(value as never)]);
    });
    const exports = instance(module);
    constants.forEach(([, value], i) => {
      expect(exports[`f${i}`]!()).toBe(value);
    });
    expect(() => module.func('v', {}, 'void', (_, fn) => [fn.local('v128').set(1 as never)])).toThrow(TypeError);
  });

  it('runs loops, branches and conditions', () => {
    const module = new WasmModule();
    module.func('sumTo', { n: 'i32' }, 'i32', ({ n }, fn) => {
      const sum = fn.local('i32');
      return [whileLoop(n, [sum.set(i32.add(sum, n)), n.set(i32.sub(n, 1))]), sum];
    });
    module.func('countDown', { n: 'i32' }, 'i32', ({ n }, fn) => {
      const turns = fn.local('i32');
      return [doWhile([turns.set(i32.add(turns, 1))], n.tee(i32.sub(n, 1))), turns];
    });
    // Leaves two loops at once when the product is found.
    module.func('factor', { n: 'i32' }, 'i32', ({ n }, fn) => {
      const [a, b] = fn.locals('i32', 2);
      return [
        block((found) => [
          a.set(2),
          loop((next) => [
            b.set(2),
            loop((again) => [
              branchIf(found, i32.eq(i32.mul(a, b), n)),
              b.set(i32.add(b, 1)),
              branchIf(again, i32.leS(b, a)),
            ]),
            a.set(i32.add(a, 1)),
            when(i32.gtS(a, n), [returnNow(i32.const(-1))]),
            branch(next),
          ]),
        ]),
        a,
      ];
    });
    module.func('sign', { x: 'f64' }, 'i32', ({ x }, fn) => {
      const sign = fn.local('i32');
      return [when(f64.lt(x, 0), [sign.set(-1)], [when(f64.gt(x, 0), [sign.set(1)])]), sign];
    });
    const { sumTo, countDown, factor, sign } = instance(module);
    expect([sumTo!(0), sumTo!(10)]).toEqual([0, 55]);
    expect(countDown!(3)).toBe(3);
    expect([factor!(15), factor!(49), factor!(13)]).toEqual([5, 7, -1]);
    expect([-2.5, 0, 7].map((x) => sign!(x))).toEqual([-1, 0, 1]);
  });

  it('calls its own and imported functions', () => {
    const module = new WasmModule();
    module.importMemory('env', 'memory', { initial: 1, maximum: 2 });
    const twice = module.importFunc('env', 'twice', ['f64'], 'f64');
    const log = module.importFunc('env', 'log', ['i32', 'i64'], 'void');
    const square = module.func(null, { x: 'f64' }, 'f64', ({ x }) => [f64.mul(x, x)]);
    module.func('run', { x: 'f64' }, 'f64', ({ x }) => [log.call(7, 8n), twice.call(square.call(x))]);
    const seen: unknown[] = [];
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const env = { memory, twice: (x: number) => 2 * x, log: (...args: unknown[]) => seen.push(...args) };
    expect(instance(module, { env }).run!(3)).toBe(18);
    expect(seen).toEqual([7, 8n]);
    expect(() => square.call()).toThrow(TypeError);
    expect(() => module.importFunc('env', 'late', [], 'void')).toThrow(/before functions/);
  });

  it('refuses a branch out of its label', () => {
    const module = new WasmModule();
    let outside: Parameters<typeof branch>[0] | undefined;
    const body = block((end) => {
      outside = end;
      return [];
    });
    expect(() => module.func('f', {}, 'void', () => [body, branch(outside!)])).toThrow(/label/);
  });

  it('declares shared memory', () => {
    const module = new WasmModule();
    module.importMemory('env', 'memory', { initial: 1, maximum: 1, shared: true });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    expect(instance(module, { env: { memory } })).toEqual({});
  });
});

describe('instructions', () => {
  it('computes with scalars', () => {
    const module = new WasmModule();
    const parameters = { a: 'i64', b: 'i64' } as const;
    module.func('i64', parameters, 'i64', ({ a, b }) => [i64.sub(i64.mul(a, b), i64.shrS(a, 1n))]);
    module.func('less', parameters, 'i32', ({ a, b }) => [i64.ltS(a, b)]);
    module.func('wrap', { a: 'i64' }, 'i32', ({ a }) => [i32.wrapI64(a)]);
    module.func('round', { x: 'f64' }, 'f32', ({ x }) => [f32.nearest(f32.demoteF64(x))]);
    module.func('toInt', { x: 'f32' }, 'i32', ({ x }) => [i32.truncSatF32S(x)]);
    module.func('bits', { x: 'f32' }, 'i32', ({ x }) => [i32.reinterpretF32(x)]);
    module.func('choose', { c: 'i32' }, 'f64', ({ c }) => [f64.select(c, 1.5, f64.convertI32S(-3))]);
    const f = instance(module);
    expect(f.i64!(-7n, 3n)).toBe(-17n);
    expect(f.less!(-1n, 0n)).toBe(1);
    expect(f.wrap!(2n ** 32n + 5n)).toBe(5);
    expect([f.round!(2.5), f.round!(3.5)]).toEqual([2, 4]);
    expect([f.toInt!(1e20), f.toInt!(NaN)]).toEqual([2 ** 31 - 1, 0]);
    expect(f.bits!(1)).toBe(0x3f800000);
    expect([f.choose!(1), f.choose!(0)]).toEqual([1.5, -3]);
  });

  it('loads, stores, copies and fills memory', () => {
    const { exports, buffer } = withMemory((module) => {
      module.func('run', {}, 'void', () => [
        i32.store(0, i32.load8S(64), 4),
        i32.store16(8, i32.load16U(64)),
        i64.store(16, i64.load(64, 0)),
        memoryFill(24, 9, 3),
        memoryCopy(32, 64, 4),
        f64.store(40, f64.promoteF32(f32.load(68))),
      ]);
    });
    new Uint8Array(buffer).set([0xff, 0x80, 1, 2], 64);
    new Float32Array(buffer, 68, 1)[0] = 2.5;
    exports.run!();
    const words = new Int32Array(buffer);
    expect(words[1]).toBe(-1);
    expect(words[2]).toBe(0x80ff);
    expect(new Uint8Array(buffer, 16, 4)).toEqual(Uint8Array.of(0xff, 0x80, 1, 2));
    expect(new Uint8Array(buffer, 24, 4)).toEqual(Uint8Array.of(9, 9, 9, 0));
    expect(new Uint8Array(buffer, 32, 5)).toEqual(Uint8Array.of(0xff, 0x80, 1, 2, 0));
    expect(new Float64Array(buffer, 40, 1)[0]).toBe(2.5);
  });

  it('computes with vectors', () => {
    const { exports, buffer } = withMemory((module) => {
      module.func('run', {}, 'i32', (_, fn) => {
        const [a, b] = fn.locals('v128', 2);
        return [
          a.set(v128.load(0)),
          b.set(v128.load(16)),
          v128.store(32, f32x4.div(f32x4.sub(a, b), f32x4.splat(2))),
          v128.store(48, i32x4.shuffle(a, b, 3, 4, 0, 7)),
          v128.store(64, v128.bitselect(a, b, f32x4.gt(a, b))),
          v128.store(80, f64x2.promoteLowF32x4(a)),
          v128.store(96, i64x2.shl(i64x2.splat(3n), 2)),
          v128.store32Lane(112, a, 2),
          v128.store(128, v128.load32Lane(0, b, 3, 4)),
          v128.store(144, i32x4.replaceLane(i32x4.truncSatF32x4S(a), 1, 99)),
          v128.store(160, v128.const([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])),
          i32x4.bitmask(f32x4.lt(a, b)),
        ];
      });
    });
    new Float32Array(buffer).set([1, -2, 3.5, 8, 5, -6, 0.5, 2]);
    expect(exports.run!()).toBe(1);
    const floats = (at: number) => Array.from(new Float32Array(buffer, at, 4));
    expect(floats(32)).toEqual([-2, 2, 1.5, 3]);
    expect(floats(48)).toEqual([8, 5, 1, 2]);
    expect(floats(64)).toEqual([5, -2, 3.5, 8]);
    expect(Array.from(new Float64Array(buffer, 80, 2))).toEqual([1, -2]);
    expect(Array.from(new BigInt64Array(buffer, 96, 2))).toEqual([12n, 12n]);
    expect(floats(112)).toEqual([3.5, 0, 0, 0]);
    expect(floats(128)).toEqual([5, -6, 0.5, -2]);
    expect(Array.from(new Int32Array(buffer, 144, 4))).toEqual([1, 99, 3, 8]);
    expect(new Uint8Array(buffer, 160, 3)).toEqual(Uint8Array.of(1, 2, 3));
  });
});
