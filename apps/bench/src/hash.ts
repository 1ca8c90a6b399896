/** @file The benchmarks' numbers: the same counter hash in every library, so that results can be compared. */

/** `n` values uniform in ±scale, from a hash of position and seed. */
export function hashValues(seed: number, n: number, scale = 1): Float32Array {
  const shift = Math.imul(seed, 0x9e3779b1) >>> 0;
  return Float32Array.from({ length: n }, (_, i) => {
    let h = (i + shift) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) >>> 0;
    return ((h / 4294967296) * 2 - 1) * scale;
  });
}

/** `n` class labels. */
export const hashLabels = (seed: number, n: number, classes: number): number[] =>
  Array.from(hashValues(seed, n), (r) => Math.min(classes - 1, Math.floor(((r + 1) / 2) * classes)));
