/** @file Lines of a round pen on a grey image: where they are, how near each pixel is, how dark that makes it. */

export type Point = readonly [x: number, y: number];

/** Straight pieces for each piece between two points of a curve: enough for curves of a few pixels. */
const piecesPerPoint = 6;

/**
 * Draws smooth curves with a round pen into one grey image, white on black. A pixel's brightness is the part of it that
 * the pen covers, taken from the distance of its centre to the nearest curve.
 *
 * @param strokes curves through points, in pixels from the top left corner
 * @param width of the pen, in pixels
 * @param image `side` × `side` pixels, all of which are written
 */
export function drawStrokes(
  strokes: readonly (readonly Point[])[],
  width: number,
  image: Uint8Array,
  side: number,
): void {
  const squares = new Float64Array(side * side).fill(Infinity);
  const reach = width / 2 + 0.5;
  for (const points of strokes) {
    const line = smoothLine(points);
    for (let i = 1; i < line.length; i++) approach(squares, side, line[i - 1]!, line[i]!, reach);
  }
  for (let i = 0; i < squares.length; i++) {
    const covered = Math.min(Math.max(reach - Math.sqrt(squares[i]!), 0), 1);
    image[i] = Math.round(255 * covered);
  }
}

/** Lowers the squared distance of the pixels within `reach` of a straight piece to their distance from it. */
function approach(squares: Float64Array, side: number, [x0, y0]: Point, [x1, y1]: Point, reach: number): void {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const squaredLength = dx * dx + dy * dy || 1;
  const first = (least: number): number => Math.max(Math.floor(least - reach), 0);
  const last = (most: number): number => Math.min(Math.ceil(most + reach), side);
  const [left, right] = [first(Math.min(x0, x1)), last(Math.max(x0, x1))];
  const [top, bottom] = [first(Math.min(y0, y1)), last(Math.max(y0, y1))];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const [x, y] = [column + 0.5 - x0, row + 0.5 - y0];
      const along = Math.min(Math.max((x * dx + y * dy) / squaredLength, 0), 1);
      const [u, v] = [x - along * dx, y - along * dy];
      const at = row * side + column;
      squares[at] = Math.min(squares[at]!, u * u + v * v);
    }
  }
}

/** A smooth curve through points, a uniform Catmull-Rom spline with its ends doubled, as short straight pieces. */
function smoothLine(points: readonly Point[]): Point[] {
  const at = (i: number): Point => points[Math.min(Math.max(i, 0), points.length - 1)]!;
  const line: Point[] = [at(0)];
  for (let i = 0; i + 1 < points.length; i++) {
    for (let piece = 1; piece <= piecesPerPoint; piece++) {
      const t = piece / piecesPerPoint;
      const weights = splineWeights(t);
      const coordinate = (axis: 0 | 1): number =>
        weights.reduce((sum, weight, k) => sum + weight * at(i - 1 + k)[axis], 0);
      line.push([coordinate(0), coordinate(1)]);
    }
  }
  return line;
}

/** Weights of four successive points at `t` of the way from the second to the third: Catmull and Rom, 1974, tension 1/2. */
function splineWeights(t: number): [number, number, number, number] {
  const [t2, t3] = [t * t, t * t * t];
  return [(-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2, (t3 - t2) / 2];
}
