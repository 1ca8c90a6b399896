/** @file The shapes of the digits 0 to 9 as pen strokes, and one random handwriting of them. */
import type { Generator } from '@flambeau/tensor';
import { drawStrokes, type Point } from './pen.ts';

/** Points that a pen passes through in a smooth curve; two of them make a straight line. */
type Stroke = readonly Point[];

/**
 * Ways of writing each digit: strokes, separated by |, through points x,y in hundredths of a box that begins top left.
 * Strokes meet where the pen turns sharply.
 */
const shapes = [
  ['50,0 14,26 12,72 48,100 86,74 88,28 46,1'],
  ['50,0 50,100', '26,24 52,0 | 52,0 52,100', '26,24 52,0 | 52,0 52,100 | 24,100 80,100'],
  [
    '12,25 30,3 62,0 84,22 72,50 40,78 10,100 | 10,100 92,98',
    '15,20 45,0 82,20 65,55 30,88 10,94 16,80 36,83 60,97 92,92',
  ],
  [
    '14,12 50,0 82,18 72,40 40,48 | 40,48 78,55 88,78 55,100 10,90',
    '15,2 82,2 | 82,2 42,42 | 42,42 80,50 88,78 52,100 10,90',
  ],
  [
    '26,0 14,55 | 14,55 92,52 | 72,12 66,100',
    '66,0 10,66 | 10,66 94,64 | 66,0 66,100',
    '20,0 14,30 30,50 60,50 82,34 | 86,2 76,50 68,100',
  ],
  ['86,2 26,3 | 26,3 18,42 | 18,42 50,36 86,55 80,85 45,100 10,90', '90,0 50,6 22,20 30,38 70,52 82,78 50,100 12,90'],
  ['76,2 40,20 16,55 20,88 50,100 82,86 80,62 50,52 20,70', '44,0 22,40 14,74 34,98 70,96 84,76 66,60 36,66 18,80'],
  [
    '10,5 88,3 | 88,3 60,45 44,100',
    '10,5 88,3 | 88,3 60,45 44,100 | 32,50 82,48',
    '12,22 14,4 | 14,4 86,4 | 86,4 68,50 62,100',
  ],
  [
    '80,15 50,0 20,18 40,42 75,65 80,88 50,100 18,86 30,60 65,38 82,13',
    '50,0 22,14 26,40 52,48 78,36 76,10 50,0 | 50,48 16,64 20,92 52,100 86,90 84,62 50,48',
  ],
  [
    '80,20 50,0 18,20 24,45 54,50 80,28 | 82,14 80,60 70,100',
    '80,20 50,0 18,20 24,45 54,50 80,28 | 82,14 82,60 64,94 24,98',
  ],
].map((variants) => variants.map(parseShape));

function parseShape(text: string): Stroke[] {
  const point = (pair: string): Point =>
    pair.split(',').map((hundredths) => Number(hundredths) / 100) as unknown as Point;
  return text.split(' | ').map((stroke) => stroke.split(' ').map(point));
}

/** Spread of the points of a stroke around the drawn shape, in the unit box. */
const wobble = 0.055;

/**
 * Draws a digit in a random handwriting: shape, proportions, slant, rotation, size, place and pen all vary. The digit's
 * longer side is about 20 of the 28 pixels, as in MNIST.
 *
 * @param image `side` × `side` grey pixels, all of which are written
 */
export function drawDigit(digit: number, generator: Generator, image: Uint8Array, side: number): void {
  const variants = shapes[digit]!;
  const strokes = variants[Math.floor(generator.uniform(0, variants.length))]!;
  const angle = generator.normal(0, 0.17);
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const slant = generator.uniform(-0.5, 0.25);
  const aspect = generator.uniform(0.5, 1.05);
  const written = strokes.map((stroke) =>
    stroke.map(([x, y]): Point => {
      const u = (x + generator.normal(0, wobble) - 0.5) * aspect + slant * (0.5 - y);
      const v = y + generator.normal(0, wobble) - 0.5;
      return [u * cos - v * sin, u * sin + v * cos];
    }),
  );
  const pen = generator.uniform(0.05, 0.15) * side;
  const size = generator.uniform(0.62, 0.74) * side - pen / 2;
  const place = fitted(
    written.flat(),
    size,
    side * generator.uniform(0.45, 0.55),
    side * generator.uniform(0.45, 0.55),
  );
  const placed = written.map((stroke) => stroke.map(place));
  drawStrokes(placed, pen, image, side);
}

/** The mapping that makes the longer side of the points' box `size` long and its centre (x, y). */
function fitted(points: readonly Point[], size: number, x: number, y: number): (point: Point) => Point {
  const xs = points.map(([u]) => u);
  const ys = points.map(([, v]) => v);
  const [minX, maxX, minY, maxY] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = size / Math.max(maxX - minX, maxY - minY);
  return ([u, v]) => [x + (u - (minX + maxX) / 2) * scale, y + (v - (minY + maxY) / 2) * scale];
}
