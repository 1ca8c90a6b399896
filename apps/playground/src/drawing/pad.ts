/** @file The drawing area: a pen moved by mouse, finger or keyboard. */
import { side } from '../protocol.ts';

/** Of the canvas's pixels (it is 10 times as large as an image): the pen of the digits to learn from, on average. */
const penWidth = 24;
const keyStep = 10;

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-keyStep, 0],
  ArrowRight: [keyStep, 0],
  ArrowUp: [0, -keyStep],
  ArrowDown: [0, keyStep],
};

export interface Pad {
  /** What is drawn: one value from 0 to 255 for each pixel of the canvas. */
  ink(): { readonly values: Uint8Array; readonly width: number; readonly height: number };
  /** Shows an image of 28 × 28 brightnesses from 0 to 1 instead of the drawing. */
  show(pixels: Float32Array): void;
  clear(): void;
}

/** Makes a canvas a drawing area. @param onChange called after each stroke of the pen, and after `clear` */
export function openPad(canvas: HTMLCanvasElement, onChange: () => void): Pad {
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.lineWidth = penWidth;
  context.strokeStyle = '#fff';

  const line = (from: readonly [number, number], to: readonly [number, number]): void => {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  };
  const clear = (): void => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    onChange();
  };

  followPointer(canvas, line, onChange);
  followKeys(canvas, line, clear, onChange);
  return {
    clear,
    ink() {
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      return { values: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3]!), width, height };
    },
    show(pixels) {
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.imageSmoothingQuality = 'high';
      context.drawImage(imageOf(pixels), 0, 0, canvas.width, canvas.height);
    },
  };
}

type Line = (from: readonly [number, number], to: readonly [number, number]) => void;

function followPointer(canvas: HTMLCanvasElement, line: Line, onChange: () => void): void {
  let last: readonly [number, number] | null = null;
  const place = (event: PointerEvent): [number, number] => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * canvas.width) / box.width,
      ((event.clientY - box.top) * canvas.height) / box.height,
    ];
  };
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    line(last, last);
    onChange();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (last === null) return;
    // What the browser put together into one event.
    const events = event.getCoalescedEvents();
    for (const one of events.length > 0 ? events : [event]) {
      const here = place(one);
      line(last, here);
      last = here;
    }
    onChange();
  });
  const lift = (): void => {
    last = null;
  };
  canvas.addEventListener('pointerup', lift);
  canvas.addEventListener('pointercancel', lift);
}

function followKeys(canvas: HTMLCanvasElement, line: Line, clear: () => void, onChange: () => void): void {
  let pen: readonly [number, number] = [canvas.width / 2, canvas.height / 4];
  let down = false;
  const mark = placeMark(canvas);
  const showPen = (): void => mark(document.activeElement === canvas ? pen : null, down);
  const usesKeys = (): boolean => canvas.matches(':focus-visible');
  canvas.addEventListener('focus', () => {
    if (usesKeys()) showPen();
  });
  canvas.addEventListener('blur', () => {
    down = false;
    mark(null, down);
  });
  canvas.addEventListener('pointerdown', () => mark(null, down));
  canvas.addEventListener('keydown', (event) => {
    const move = arrows[event.key];
    if (move !== undefined) {
      const inside = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
      const next = [inside(pen[0] + move[0], canvas.width), inside(pen[1] + move[1], canvas.height)] as const;
      if (down) line(pen, next);
      pen = next;
      if (down) onChange();
    } else if (event.key === ' ') {
      down = !down;
      if (down) {
        line(pen, pen);
        onChange();
      }
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      down = false;
      clear();
    } else return;
    event.preventDefault();
    showPen();
  });
}

/** A ring above the canvas where the keyboard's pen is. */
function placeMark(canvas: HTMLCanvasElement): (at: readonly [number, number] | null, down: boolean) => void {
  const ring = document.createElement('div');
  ring.className = 'pen';
  ring.hidden = true;
  canvas.after(ring);
  return (at, down) => {
    ring.hidden = at === null;
    if (at === null) return;
    ring.classList.toggle('down', down);
    ring.style.left = `${(100 * at[0]) / canvas.width}%`;
    ring.style.top = `${(100 * at[1]) / canvas.height}%`;
  };
}

/** White pixels, as opaque as they are bright, on a canvas of their own. */
export function imageOf(pixels: Float32Array): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = side;
  canvas.height = side;
  const image = new ImageData(side, side);
  image.data.fill(255);
  for (let i = 0; i < pixels.length; i++) image.data[4 * i + 3] = Math.round(255 * pixels[i]!);
  canvas.getContext('2d')!.putImageData(image, 0, 0);
  return canvas;
}
