/** @file From a drawing of any size to what the network has learnt from: MNIST's preparation of scanned digits. */
import { side } from '../protocol.ts';

/** Pixels of the longer side of the drawn part, as in MNIST. */
const longest = 20;

/**
 * The drawing scaled so that its longer side takes 20 pixels, with its centre of mass in the middle of 28 × 28
 * (http://yann.lecun.com/exdb/mnist: "size normalized to fit in a 20x20 pixel box … centered by the center of mass").
 * Each pixel is the mean of the area that it covers, so that nothing is lost when scaled down.
 *
 * @param ink `width` × `height` values from 0 to 255
 * @returns 28 × 28 values from 0 to 1, or null when nothing is drawn
 */
export function normaliseDrawing(ink: ArrayLike<number>, width: number, height: number): Float32Array | null {
  const shape = measure(ink, width, height);
  if (shape === null) return null;
  // Of the drawing's pixels, those that one of ours covers in each direction.
  const step = shape.longer / longest;
  const edge = (centre: number, i: number): number => centre + (i - side / 2) * step;
  const integral = integrate(ink, width, height);
  const pixels = new Float32Array(side * side);
  for (let row = 0; row < side; row++) {
    const [top, bottom] = [edge(shape.y, row), edge(shape.y, row + 1)];
    for (let column = 0; column < side; column++) {
      const [left, right] = [edge(shape.x, column), edge(shape.x, column + 1)];
      const sum = integral(right, bottom) - integral(left, bottom) - integral(right, top) + integral(left, top);
      pixels[row * side + column] = Math.min(Math.max(sum / (255 * step * step), 0), 1);
    }
  }
  return pixels;
}

/** The longer side of the box around the ink, and the ink's centre of mass. */
function measure(
  ink: ArrayLike<number>,
  width: number,
  height: number,
): { longer: number; x: number; y: number } | null {
  let [left, right, top, bottom] = [width, 0, height, 0];
  let [mass, momentX, momentY] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = ink[y * width + x]!;
      if (value === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y + 1);
      mass += value;
      momentX += value * (x + 0.5);
      momentY += value * (y + 0.5);
    }
  }
  if (mass === 0) return null;
  return { longer: Math.max(right - left, bottom - top), x: momentX / mass, y: momentY / mass };
}

/** A function of (x, y) that gives the ink above and to the left of a point, between pixels too: a summed-area table. */
function integrate(ink: ArrayLike<number>, width: number, height: number): (x: number, y: number) => number {
  const across = width + 1;
  const table = new Float64Array(across * (height + 1));
  for (let y = 0; y < height; y++) {
    let sum = 0;
    for (let x = 0; x < width; x++) {
      sum += ink[y * width + x]!;
      table[(y + 1) * across + x + 1] = table[y * across + x + 1]! + sum;
    }
  }
  return (x, y) => {
    const [u, v] = [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
    const [i, j] = [Math.min(Math.floor(u), width - 1), Math.min(Math.floor(v), height - 1)];
    const [s, t] = [u - i, v - j];
    const corner = j * across + i;
    const above = table[corner]! * (1 - s) + table[corner + 1]! * s;
    const below = table[corner + across]! * (1 - s) + table[corner + across + 1]! * s;
    return above * (1 - t) + below * t;
  };
}
