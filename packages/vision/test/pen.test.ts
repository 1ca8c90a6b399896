/** The pen covers what a round pen along the curve covers. */
import { describe, expect, it } from 'vitest';
import { drawStrokes, type Point } from '../src/datasets/pen.ts';

const side = 28;

function draw(strokes: readonly (readonly Point[])[], width: number): number[][] {
  const image = new Uint8Array(side * side).fill(99);
  drawStrokes(strokes, width, image, side);
  return Array.from({ length: side }, (_, row) => Array.from(image.subarray(row * side, (row + 1) * side)));
}

const area = (rows: number[][]): number => rows.flat().reduce((a, b) => a + b, 0) / 255;

describe('drawStrokes', () => {
  it('draws a line with round ends', () => {
    const straight: Point[] = [
      [5, 14],
      [23, 14],
    ];
    const rows = draw([straight], 4);
    // Rows 12 to 15 lie within 2 of y = 14.
    expect(rows.map((row) => row[14])).toEqual(Array.from({ length: side }, (_, y) => (y >= 12 && y < 16 ? 255 : 0)));
    expect(rows[14]!.slice(0, 5).map((value) => value > 0)).toEqual([false, false, false, true, true]);
    expect(rows).toEqual([...rows].reverse());
    expect(area(rows)).toBeCloseTo(18 * 4 + Math.PI * 2 ** 2, 0);
  });

  it('draws half-covered pixels half as bright', () => {
    const rows = draw(
      [
        [
          [5, 14.5],
          [23, 14.5],
        ],
      ],
      2,
    );
    expect(rows.slice(12, 17).map((row) => Math.round(row[14]! / 12.75) / 20)).toEqual([0, 0.5, 1, 0.5, 0]);
  });

  it('goes through all points of a curve, smoothly', () => {
    const corner: Point[] = [
      [6, 22],
      [6, 8],
      [22, 8],
    ];
    const rows = draw([corner], 2);
    for (const [x, y] of corner) expect(Math.max(rows[y - 1]![x - 1]!, rows[y]![x]!)).toBeGreaterThan(150);
    // A spline swings out beyond the corner, where straight lines would have nothing.
    expect(Math.max(...rows.slice(0, 7).flat(), ...rows.map((row) => row[4]!))).toBeGreaterThan(0);
  });

  it('does not darken where strokes cross, and draws a dot where a stroke has no length', () => {
    const dot: Point[] = [
      [14, 14],
      [14, 14],
    ];
    expect(area(draw([dot], 6))).toBeCloseTo(Math.PI * 3 ** 2, 0);
    expect(draw([dot, dot], 6)).toEqual(draw([dot], 6));
  });

  it('keeps to the image, and leaves it black where nothing is drawn', () => {
    const across: Point[] = [
      [-10, 14],
      [40, 14],
    ];
    const rows = draw([across], 2);
    expect(rows[14]).toEqual(new Array(side).fill(255));
    expect(area(draw([], 3))).toBe(0);
  });
});
