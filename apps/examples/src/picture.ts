/**
 * @file Pictures of results: a line chart, and a sheet of images with labels. Numbers are drawn as strokes, because a
 * bare machine has no fonts for SVG text.
 */
import { io, utils } from '@flambeau/vision';
import type { Tensor } from 'flambeau';
import sharp from 'sharp';

/** Strokes of each character in a box 4 wide and 6 high. */
const glyphs: Readonly<Record<string, string>> = {
  '0': 'M0 0H4V6H0Z',
  '1': 'M1 1L2 0V6M1 6H3',
  '2': 'M0 0H4V3H0V6H4',
  '3': 'M0 0H4V6H0M1 3H4',
  '4': 'M0 0V3H4M4 0V6',
  '5': 'M4 0H0V3H4V6H0',
  '6': 'M4 0H0V6H4V3H0',
  '7': 'M0 0H4L2 6',
  '8': 'M0 0H4V6H0ZM0 3H4',
  '9': 'M4 3H0V0H4V6H0',
  '.': 'M1.6 5.6H2.4V6H1.6Z',
  '-': 'M1 3H3',
  '>': 'M0 3H4M2.5 1.5L4 3L2.5 4.5',
};

/** A number drawn with its top left corner at (x, y). */
function strokes(text: string, x: number, y: number, size: number, color: string): string {
  const marks = [...text].map((c, i) => `<path transform="translate(${i * 6} 0)" d="${glyphs[c] ?? ''}"/>`);
  return `<g transform="translate(${x} ${y}) scale(${size})" fill="none" stroke="${color}" stroke-width="0.9">${marks.join('')}</g>`;
}

const svg = (width: number, height: number, body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg>`;

/** Averages over neighbours, so that a noisy curve shows its course. */
function smoothed(values: readonly number[], reach: number): number[] {
  return values.map((_, i) => {
    const part = values.slice(Math.max(0, i - reach), i + reach + 1);
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
}

/** A chart of values over steps as SVG: the values thin, their running average thick. */
export function lineChart(values: readonly number[]): string {
  const [width, height, left, bottom, top] = [720, 360, 64, 36, 16];
  const highest = Math.max(...values, 1e-9);
  const x = (i: number): number => left + (i / Math.max(values.length - 1, 1)) * (width - left - 16);
  const y = (v: number): number => height - bottom - (v / highest) * (height - bottom - top);
  const path = (list: readonly number[]): string =>
    list.map((v, i) => `${i === 0 ? 'M' : 'L'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join('');
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = y(part * highest);
    const label = strokes((part * highest).toFixed(2), 12, at - 5, 1.7, '#555');
    return `<path d="M${left} ${at}H${width - 16}" stroke="#ddd"/>${label}`;
  });
  const ticks = [0, 0.5, 1].map((part) => {
    const step = String(Math.round(part * (values.length - 1)));
    // Centred under its place, the last one inside the picture.
    const textWidth = step.length * 10;
    const at = Math.min(x(part * (values.length - 1)) - textWidth / 2, width - textWidth - 8);
    return strokes(step, at, height - bottom + 12, 1.7, '#555');
  });
  const curves =
    `<path d="${path(values)}" fill="none" stroke="#f4b183" stroke-width="1"/>` +
    `<path d="${path(smoothed(values, Math.ceil(values.length / 60)))}" fill="none" stroke="#c0392b" stroke-width="2.5"/>`;
  return svg(
    width,
    height,
    `<rect width="100%" height="100%" fill="white"/>${grid.join('')}${ticks.join('')}${curves}`,
  );
}

/** Writes an SVG as a PNG file. */
export async function savePng(source: string, path: string): Promise<void> {
  await sharp(Buffer.from(source)).png().toFile(path);
}

/**
 * Writes a sheet of images with "true > predicted" under each, wrong ones in red.
 * @param images float [N, 1, H, W] in 0..1
 */
export async function saveLabelledSheet(
  images: Tensor,
  truth: readonly number[],
  predicted: readonly number[],
  columns: number,
  path: string,
): Promise<void> {
  const [zoom, gap, label] = [2, 8, 18];
  const [height, width] = images.shape.slice(2) as [number, number];
  const rows = Math.ceil(images.shape[0]! / columns);
  const [cellWidth, cellHeight] = [width * zoom + gap, height * zoom + gap + label];
  const cells = await Promise.all(
    Array.from({ length: images.shape[0]! }, async (_, i) => {
      const [x, y] = [(i % columns) * cellWidth + gap / 2, Math.floor(i / columns) * cellHeight + gap / 2];
      const picture = utils
        .makeGrid(images.narrow(0, i, 1), { padding: 0 })
        .mul(255)
        .round()
        .to('uint8');
      const png = Buffer.from(await io.encodeImage(picture, 'png')).toString('base64');
      const color = truth[i] === predicted[i] ? '#2e7d32' : '#c62828';
      const image = `<image x="${x}" y="${y}" width="${width * zoom}" height="${height * zoom}" href="data:image/png;base64,${png}"/>`;
      return image + strokes(`${truth[i]}>${predicted[i]}`, x + width - 16, y + height * zoom + 4, 1.8, color);
    }),
  );
  await savePng(
    svg(columns * cellWidth, rows * cellHeight, `<rect width="100%" height="100%" fill="white"/>${cells.join('')}`),
    path,
  );
}
