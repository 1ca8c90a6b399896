/**
 * @file The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998), whose draws and saved state are those of PyTorch's
 * CPU generator.
 */
const size = 624;
const middle = 397;

/** Bytes of a saved state, see {@link Mt19937.writeState}. */
export const engineStateBytes = 24 + 8 * size;

export class Mt19937 {
  /** The 624 words, as int32: V8 keeps those unboxed. */
  private readonly words = new Int32Array(size);
  /** Draws until the next twist, counting the one that twists. */
  private left = 1;
  /** The word that the next draw takes, unless it twists. */
  private next = 0;
  /** The low 32 bits of `seed` are what counts; all 64 are remembered. */
  private seedValue = 0n;

  constructor(seed: bigint) {
    this.seed(seed);
  }

  /** The seed as given, an unsigned 64-bit integer. */
  get currentSeed(): bigint {
    return this.seedValue;
  }

  seed(seed: bigint): void {
    const words = this.words;
    this.seedValue = BigInt.asUintN(64, seed);
    words[0] = Number(BigInt.asIntN(32, seed));
    for (let i = 1; i < size; i++) {
      const previous = words[i - 1]!;
      words[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
    this.left = 1;
    this.next = 0;
  }

  /** A random integer in [0, 2^32). */
  u32(): number {
    if (--this.left === 0) this.twist();
    let y = this.words[this.next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** A random multiple of 2^-24 in [0, 1), from one draw: what a float32 can hold. */
  u24(): number {
    return (this.u32() & 0xffffff) * 2 ** -24;
  }

  /** A random multiple of 2^-53 in [0, 1), from two draws, the first of which is the high word. */
  u53(): number {
    const high = this.u32() & 0x1fffff;
    return (high * 2 ** 32 + this.u32()) * 2 ** -53;
  }

  /** A random integer in [0, 2^64), from two draws. */
  u64(): bigint {
    const high = BigInt(this.u32());
    return (high << 32n) | BigInt(this.u32());
  }

  private twist(): void {
    const words = this.words;
    let i = 0;
    for (; i < size - middle; i++) words[i] = words[i + middle]! ^ mix(words[i]!, words[i + 1]!);
    for (; i < size - 1; i++) words[i] = words[i + middle - size]! ^ mix(words[i]!, words[i + 1]!);
    words[i] = words[middle - 1]! ^ mix(words[i]!, words[0]!);
    this.left = size;
    this.next = 0;
  }

  /**
   * Writes PyTorch's layout, little-endian: u64 seed, i32 left, i32 seeded, u64 next, 624 words of u64.
   */
  writeState(view: DataView): void {
    view.setBigUint64(0, this.seedValue, true);
    view.setInt32(8, this.left, true);
    view.setInt32(12, 1, true);
    view.setBigUint64(16, BigInt(this.next), true);
    for (let i = 0; i < size; i++) view.setBigUint64(24 + 8 * i, BigInt(this.words[i]! >>> 0), true);
  }

  /** Takes over a state written by {@link writeState}; returns false, and changes nothing, if it is not one. */
  readState(view: DataView): boolean {
    const left = view.getInt32(8, true);
    const seeded = view.getInt32(12, true);
    const next = Number(view.getBigUint64(16, true));
    const fresh = left === 1 && next === 0;
    const drawn = next >= 1 && next <= size && left === size + 1 - next;
    if (seeded !== 1 || !(fresh || drawn)) return false;
    this.seedValue = view.getBigUint64(0, true);
    this.left = left;
    this.next = next;
    for (let i = 0; i < size; i++) this.words[i] = view.getInt32(24 + 8 * i, true);
    return true;
  }
}

/** The recurrence: the top bit of one word and the others of the next, times the twist matrix. */
function mix(upper: number, lower: number): number {
  const y = (upper & 0x80000000) | (lower & 0x7fffffff);
  return (y >>> 1) ^ (-(lower & 1) & 0x9908b0df);
}
