import { DeviceError, FlambeauError } from '../errors.ts';
import { fma64 } from './fma.ts';
import { engineStateBytes, Mt19937 } from './mt19937.ts';
import { log, sinCos } from './preciseMath.ts';

/** The seed of a generator that was given none; PyTorch's. */
export const defaultSeed = 67280421310721n;

/** Bytes of {@link Generator.getState}: the engine, 24 bytes for a float64 normal, 8 flag, 8 for a float32 normal. */
const stateBytes = engineStateBytes + 40;
const cachedNormalAt = engineStateBytes + 8;
const cachedFlagAt = engineStateBytes + 24;

const direction = new Float64Array(2);

/**
 * A source of random numbers with its own state: PyTorch's CPU generator, bit for bit.
 *
 * ```ts
 * const generator = new Generator().manualSeed(42);
 * rand(3, { generator }); // the numbers that PyTorch gives
 * ```
 */
export class Generator {
  readonly device = 'cpu';
  readonly engine = new Mt19937(defaultSeed);
  /** Normals are made in pairs; the second one waits here for the next call, whatever its dtype. */
  private cachedNormal: number | undefined;

  /** @throws DeviceError for any device but 'cpu'. */
  constructor(device = 'cpu') {
    if (device !== 'cpu') throw new DeviceError(`Generator: generators live on 'cpu', not on '${device}'`);
  }

  /**
   * Starts again from `seed`, an integer in [-2^63, 2^64) taken modulo 2^64, of which the low 32 bits decide the
   * numbers. Returns this generator.
   */
  manualSeed(seed: number | bigint): this {
    if (typeof seed !== 'number' && typeof seed !== 'bigint') {
      throw new TypeError(`manualSeed(): the seed must be an integer, got ${String(seed)}`);
    }
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new RangeError(`manualSeed: expected an integer below 2^53 or a bigint, got ${seed}`);
    }
    const value = BigInt(seed);
    if (value < -(2n ** 63n) || value >= 2n ** 64n) {
      throw new RangeError(`manualSeed: expected a seed in [-2^63, 2^64), got ${seed}`);
    }
    this.engine.seed(value);
    this.cachedNormal = undefined;
    return this;
  }

  /** Starts again from an unpredictable seed below 2^53, and returns that seed. */
  seed(): number {
    const words = crypto.getRandomValues(new Uint32Array(2));
    const seed = (words[0]! & 0x1fffff) * 2 ** 32 + words[1]!;
    this.manualSeed(seed);
    return seed;
  }

  /** The seed last set, as a non-negative integer: a number, or a bigint from 2^53 on. */
  initialSeed(): number | bigint {
    const seed = this.engine.currentSeed;
    return seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(seed) : seed;
  }

  /** A copy of the state in PyTorch's own layout (5056 bytes), the contents of `torch.get_rng_state()`. */
  getState(): Uint8Array {
    const bytes = new Uint8Array(stateBytes);
    const view = new DataView(bytes.buffer);
    this.engine.writeState(view);
    if (this.cachedNormal !== undefined) {
      view.setFloat64(cachedNormalAt, this.cachedNormal, true);
      view.setInt32(cachedFlagAt, 1, true);
    }
    return bytes;
  }

  /**
   * Continues from a state that {@link getState} or PyTorch made. Returns this generator.
   *
   * @throws FlambeauError if `bytes` is no such state; the generator is then unchanged.
   */
  setState(bytes: Uint8Array): this {
    if (bytes.length !== stateBytes) {
      throw new FlambeauError(`setState: expected the ${stateBytes} bytes of a CPU generator, got ${bytes.length}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!this.engine.readState(view)) throw new FlambeauError('setState: these bytes are no MT19937 state');
    const cached = view.getInt32(cachedFlagAt, true) !== 0;
    this.cachedNormal = cached ? view.getFloat64(cachedNormalAt, true) : undefined;
    return this;
  }

  /** An independent generator in the same state. */
  clone(): Generator {
    return new Generator().setState(this.getState());
  }

  /** One uniform number in [from, to), in double precision. Two draws of the engine. */
  uniform(from = 0, to = 1): number {
    return fma64(this.engine.u53(), to - from, from);
  }

  /** One normal number in double precision, by the Box-Muller transform. Four draws of the engine, or none. */
  normal(mean = 0, std = 1): number {
    let value = this.cachedNormal;
    if (value !== undefined) {
      this.cachedNormal = undefined;
    } else {
      sinCos(2 * Math.PI * this.engine.u53(), direction);
      const radius = Math.sqrt(-2 * log(1 - this.engine.u53()));
      value = radius * direction[1]!;
      this.cachedNormal = radius * direction[0]!;
    }
    return fma64(value, std, mean);
  }

  /** A random int64 in [0, 2^63): what seeds the shuffling and the workers of a data loader. */
  randomInt64(): bigint {
    return BigInt.asUintN(63, this.engine.u64());
  }
}
