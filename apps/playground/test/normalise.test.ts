/** Drawings come out in MNIST's size and place, whatever theirs were. */
import { describe, expect, it } from 'vitest';
import { normaliseDrawing } from '../src/drawing/normalise.ts';

/** Ink of full strength in a box of a drawing of `size` × `size` pixels. */
function box(size: number, left: number, top: number, width: number, height: number): Uint8Array {
  const ink = new Uint8Array(size * size);
  for (let y = top; y < top + height; y++) ink.fill(255, y * size + left, y * size + left + width);
  return ink;
}

const rows = (pixels: Float32Array): number[][] =>
  Array.from({ length: 28 }, (_, row) => Array.from(pixels.subarray(28 * row, 28 * row + 28)));

describe('normaliseDrawing', () => {
  it('gives null for an empty drawing', () => {
    expect(normaliseDrawing(new Uint8Array(100), 10, 10)).toBeNull();
  });

  it.each([
    ['scaled down', 280, 13, 40, 50, 100],
    ['scaled up', 28, 1, 2, 5, 10],
    ['not a multiple', 97, 60, 11, 23, 46],
  ])('makes the longer side 20 pixels and centres: %s', (_, size, left, top, width, height) => {
    const pixels = normaliseDrawing(box(size, left, top, width, height), size, size)!;
    // Twice as high as wide: 10 × 20 pixels in the middle.
    const expected = rows(new Float32Array(784)).map((row, y) =>
      row.map((_, x) => Number(y >= 4 && y < 24 && x >= 9 && x < 19)),
    );
    for (const [y, row] of rows(pixels).entries()) {
      for (const [x, value] of row.entries()) expect(value).toBeCloseTo(expected[y]![x]!, 5);
    }
  });

  it('puts the centre of mass, not that of the box, in the middle', () => {
    // An L: a column of 20 and a foot of 10 × 2.
    const size = 100;
    const ink = box(size, 30, 30, 2, 20);
    box(size, 32, 48, 10, 2).forEach((value, i) => {
      if (value > 0) ink[i] = value;
    });
    const pixels = normaliseDrawing(ink, size, size)!;
    let [mass, x, y] = [0, 0, 0];
    for (const [row, values] of rows(pixels).entries()) {
      for (const [column, value] of values.entries()) {
        mass += value;
        x += value * (column + 0.5);
        y += value * (row + 0.5);
      }
    }
    expect(x / mass).toBeCloseTo(14, 4);
    expect(y / mass).toBeCloseTo(14, 4);
    // Drawn at the size of the result: no ink is lost, 60 pixels of it.
    expect(mass).toBeCloseTo(60, 4);
  });

  it('averages instead of picking: single dark pixels become grey', () => {
    const size = 40;
    const checkers = Uint8Array.from(
      { length: size * size },
      (_, i) => (((i % size) + Math.floor(i / size)) % 2) * 255,
    );
    const pixels = normaliseDrawing(checkers, size, size)!;
    for (let y = 5; y < 23; y++) for (let x = 5; x < 23; x++) expect(pixels[28 * y + x]).toBeCloseTo(0.5, 5);
  });
});
