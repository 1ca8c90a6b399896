/** @file The shapes of the digits 0 to 9 as pen strokes, and one random handwriting of them. */
import type { Generator } from '@flambeau/tensor';

type Point = readonly [x: number, y: number];
/** Points that a pen passes through in a smooth curve; two of them make a straight line. */
type Stroke = readonly Point[];

/** Ways of writing each digit, in a box from (0, 0), top left, to (1, 1). Strokes meet where the pen turns sharply. */
const shapes: readonly (readonly (readonly Stroke[])[])[] = [
  [
    [
      [
        [0.5, 0],
        [0.14, 0.26],
        [0.12, 0.72],
        [0.48, 1],
        [0.86, 0.74],
        [0.88, 0.28],
        [0.46, 0.01],
      ],
    ],
  ],
  [
    [
      [
        [0.5, 0],
        [0.5, 1],
      ],
    ],
    [
      [
        [0.26, 0.24],
        [0.52, 0],
      ],
      [
        [0.52, 0],
        [0.52, 1],
      ],
    ],
    [
      [
        [0.26, 0.24],
        [0.52, 0],
      ],
      [
        [0.52, 0],
        [0.52, 1],
      ],
      [
        [0.24, 1],
        [0.8, 1],
      ],
    ],
  ],
  [
    [
      [
        [0.12, 0.25],
        [0.3, 0.03],
        [0.62, 0],
        [0.84, 0.22],
        [0.72, 0.5],
        [0.4, 0.78],
        [0.1, 1],
      ],
      [
        [0.1, 1],
        [0.92, 0.98],
      ],
    ],
    [
      [
        [0.15, 0.2],
        [0.45, 0],
        [0.82, 0.2],
        [0.65, 0.55],
        [0.3, 0.88],
        [0.1, 0.94],
        [0.16, 0.8],
        [0.36, 0.83],
        [0.6, 0.97],
        [0.92, 0.92],
      ],
    ],
  ],
  [
    [
      [
        [0.14, 0.12],
        [0.5, 0],
        [0.82, 0.18],
        [0.72, 0.4],
        [0.4, 0.48],
      ],
      [
        [0.4, 0.48],
        [0.78, 0.55],
        [0.88, 0.78],
        [0.55, 1],
        [0.1, 0.9],
      ],
    ],
    [
      [
        [0.15, 0.02],
        [0.82, 0.02],
      ],
      [
        [0.82, 0.02],
        [0.42, 0.42],
      ],
      [
        [0.42, 0.42],
        [0.8, 0.5],
        [0.88, 0.78],
        [0.52, 1],
        [0.1, 0.9],
      ],
    ],
  ],
  [
    [
      [
        [0.26, 0],
        [0.14, 0.55],
      ],
      [
        [0.14, 0.55],
        [0.92, 0.52],
      ],
      [
        [0.72, 0.12],
        [0.66, 1],
      ],
    ],
    [
      [
        [0.66, 0],
        [0.1, 0.66],
      ],
      [
        [0.1, 0.66],
        [0.94, 0.64],
      ],
      [
        [0.66, 0],
        [0.66, 1],
      ],
    ],
    [
      [
        [0.2, 0],
        [0.14, 0.3],
        [0.3, 0.5],
        [0.6, 0.5],
        [0.82, 0.34],
      ],
      [
        [0.86, 0.02],
        [0.76, 0.5],
        [0.68, 1],
      ],
    ],
  ],
  [
    [
      [
        [0.86, 0.02],
        [0.26, 0.03],
      ],
      [
        [0.26, 0.03],
        [0.18, 0.42],
      ],
      [
        [0.18, 0.42],
        [0.5, 0.36],
        [0.86, 0.55],
        [0.8, 0.85],
        [0.45, 1],
        [0.1, 0.9],
      ],
    ],
    [
      [
        [0.9, 0],
        [0.5, 0.06],
        [0.22, 0.2],
        [0.3, 0.38],
        [0.7, 0.52],
        [0.82, 0.78],
        [0.5, 1],
        [0.12, 0.9],
      ],
    ],
  ],
  [
    [
      [
        [0.76, 0.02],
        [0.4, 0.2],
        [0.16, 0.55],
        [0.2, 0.88],
        [0.5, 1],
        [0.82, 0.86],
        [0.8, 0.62],
        [0.5, 0.52],
        [0.2, 0.7],
      ],
    ],
    [
      [
        [0.44, 0],
        [0.22, 0.4],
        [0.14, 0.74],
        [0.34, 0.98],
        [0.7, 0.96],
        [0.84, 0.76],
        [0.66, 0.6],
        [0.36, 0.66],
        [0.18, 0.8],
      ],
    ],
  ],
  [
    [
      [
        [0.1, 0.05],
        [0.88, 0.03],
      ],
      [
        [0.88, 0.03],
        [0.6, 0.45],
        [0.44, 1],
      ],
    ],
    [
      [
        [0.1, 0.05],
        [0.88, 0.03],
      ],
      [
        [0.88, 0.03],
        [0.6, 0.45],
        [0.44, 1],
      ],
      [
        [0.32, 0.5],
        [0.82, 0.48],
      ],
    ],
    [
      [
        [0.12, 0.22],
        [0.14, 0.04],
      ],
      [
        [0.14, 0.04],
        [0.86, 0.04],
      ],
      [
        [0.86, 0.04],
        [0.68, 0.5],
        [0.62, 1],
      ],
    ],
  ],
  [
    [
      [
        [0.8, 0.15],
        [0.5, 0],
        [0.2, 0.18],
        [0.4, 0.42],
        [0.75, 0.65],
        [0.8, 0.88],
        [0.5, 1],
        [0.18, 0.86],
        [0.3, 0.6],
        [0.65, 0.38],
        [0.82, 0.13],
      ],
    ],
    [
      [
        [0.5, 0],
        [0.22, 0.14],
        [0.26, 0.4],
        [0.52, 0.48],
        [0.78, 0.36],
        [0.76, 0.1],
        [0.5, 0],
      ],
      [
        [0.5, 0.48],
        [0.16, 0.64],
        [0.2, 0.92],
        [0.52, 1],
        [0.86, 0.9],
        [0.84, 0.62],
        [0.5, 0.48],
      ],
    ],
  ],
  [
    [
      [
        [0.8, 0.2],
        [0.5, 0],
        [0.18, 0.2],
        [0.24, 0.45],
        [0.54, 0.5],
        [0.8, 0.28],
      ],
      [
        [0.82, 0.14],
        [0.8, 0.6],
        [0.7, 1],
      ],
    ],
    [
      [
        [0.8, 0.2],
        [0.5, 0],
        [0.18, 0.2],
        [0.24, 0.45],
        [0.54, 0.5],
        [0.8, 0.28],
      ],
      [
        [0.82, 0.14],
        [0.82, 0.6],
        [0.64, 0.94],
        [0.24, 0.98],
      ],
    ],
  ],
];

/** Spread of the points of a stroke around the drawn shape, in the unit box. */
const wobble = 0.055;

/**
 * A digit in a random handwriting as an SVG path element: shape, proportions, slant, rotation, size, place and pen all
 * vary. The digit's longer side is about 20 of the 28 pixels, as in MNIST.
 *
 * @param left where the 28 × 28 cell begins
 */
export function digitPath(digit: number, generator: Generator, left: number, top: number, side: number): string {
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
    left + side * generator.uniform(0.45, 0.55),
    top + side * generator.uniform(0.45, 0.55),
  );
  const d = written.map((stroke) => curve(stroke.map(place))).join('');
  return `<path d="${d}" stroke-width="${pen.toFixed(2)}"/>`;
}

/** The mapping that makes the longer side of the points' box `size` long and its centre (x, y). */
function fitted(points: readonly Point[], size: number, x: number, y: number): (point: Point) => Point {
  const xs = points.map(([u]) => u);
  const ys = points.map(([, v]) => v);
  const [minX, maxX, minY, maxY] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const scale = size / Math.max(maxX - minX, maxY - minY);
  return ([u, v]) => [x + (u - (minX + maxX) / 2) * scale, y + (v - (minY + maxY) / 2) * scale];
}

/** A smooth curve through points: a Catmull-Rom spline, whose pieces as Bézier curves have handles a sixth of the neighbours' distance long. */
function curve(points: readonly Point[]): string {
  const at = (i: number): Point => points[Math.min(Math.max(i, 0), points.length - 1)]!;
  const text = ([x, y]: Point): string => `${x.toFixed(2)} ${y.toFixed(2)}`;
  let path = `M${text(at(0))}`;
  for (let i = 0; i + 1 < points.length; i++) {
    const handle = (here: number, direction: number): Point => {
      const [before, after] = [at(here - 1), at(here + 1)];
      const [x, y] = at(here);
      return [x + (direction * (after[0] - before[0])) / 6, y + (direction * (after[1] - before[1])) / 6];
    };
    path += `C${text(handle(i, 1))} ${text(handle(i + 1, -1))} ${text(at(i + 1))}`;
  }
  return path;
}
