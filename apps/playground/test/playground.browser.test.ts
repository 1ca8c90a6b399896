/** The built page in Chromium: it trains, reads drawings, stays responsive, and complains of nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { complaintsOf, openBrowser, serve } from '../../../scripts/lib/browser.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'flambeau-playground-'));
let server: Awaited<ReturnType<typeof serve>>;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  await build({
    configFile: fileURLToPath(new URL('../vite.config.ts', import.meta.url)),
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true },
  });
  server = await serve(folder);
  browser = await openBrowser();
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  page = await browser.context.newPage();
  complaints = complaintsOf(page);
});

afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

/** Long, for busy machines: by itself nothing here takes more than a few seconds. */
const timeout = 100_000;

/** Opens the page with options and waits for its network. */
async function open(options: string): Promise<void> {
  await page.goto(server.url + options);
  await page.waitForFunction("document.body.dataset.state !== 'preparing'", undefined, { timeout });
}

const number = async (id: string): Promise<number> =>
  Number.parseFloat((await page.locator(`#${id}`).textContent())!.replaceAll(',', ''));

async function untilStep(step: number): Promise<void> {
  await page.waitForFunction(
    `Number(document.getElementById('step').textContent.replaceAll(',', '')) >= ${step}`,
    undefined,
    { timeout },
  );
}

/** Keeps the loss that the page shows after each step. */
const recordLosses = (): Promise<void> =>
  page.evaluate(() => {
    const losses: Record<number, number> = {};
    const note = () => {
      losses[Number(document.getElementById('step')!.textContent)] = Number(
        document.getElementById('loss')!.textContent,
      );
    };
    new MutationObserver(note).observe(document.getElementById('loss')!, { childList: true });
    Object.assign(globalThis, { losses });
  });

const recordedLosses = (): Promise<Record<number, number>> => page.evaluate('losses');

const untilAccuracy = (percent: number): Promise<unknown> =>
  page.waitForFunction(`parseFloat(document.getElementById('accuracy').textContent) >= ${percent}`, undefined, {
    timeout,
  });

/** Draws with the mouse through points in parts of the pad. */
async function draw(points: readonly (readonly [number, number])[]): Promise<void> {
  const pad = page.locator('#pad');
  await pad.scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await pad.boundingBox())!;
  const [first, ...rest] = points.map(([u, v]) => [x + u * width, y + v * height] as const);
  await page.mouse.move(...first!);
  await page.mouse.down();
  for (const point of rest) await page.mouse.move(...point, { steps: 3 });
  await page.mouse.up();
}

const circle = Array.from({ length: 25 }, (_, i): [number, number] => {
  const angle = (i / 24) * 2 * Math.PI;
  return [0.5 + 0.2 * Math.sin(angle), 0.5 - 0.32 * Math.cos(angle)];
});
const bar: [number, number][] = [
  [0.52, 0.15],
  [0.48, 0.85],
];

const probabilities = (): Promise<number[]> =>
  page.getByRole('meter').evaluateAll((meters) => meters.map((meter) => Number(meter.getAttribute('aria-valuenow'))));

/** Waits until the network reads this digit, and checks that its probabilities are some. */
async function expectRead(digit: number): Promise<void> {
  await page.waitForFunction(`document.getElementById('verdict').textContent === '${digit}'`, undefined, { timeout });
  const values = await probabilities();
  expect(values).toHaveLength(10);
  expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  expect(values.indexOf(Math.max(...values))).toBe(digit);
}

describe('the playground', () => {
  it('trains on the CPU and reads what is drawn, during and after training', { timeout: 2 * timeout }, async () => {
    await open('?batch=50&train=3000&test=200');
    expect(await page.locator('#status').textContent()).toMatch(/weights on CPU/);
    await draw(circle);
    const untrained = await probabilities();
    await page.getByRole('button', { name: 'Start' }).click();
    await untilStep(3);
    const first = await number('loss');
    await untilAccuracy(93);
    expect(first).toBeGreaterThan(1.5);
    expect(await number('loss')).toBeLessThan(0.7 * first);
    expect(await number('speed')).toBeGreaterThan(0);
    expect(await page.locator('#memory').textContent()).toMatch(/\d (KB|MB)/);
    expect(await page.getByRole('img', { name: /^Loss over steps: .* after \d+ steps/ }).count()).toBe(1);

    // Drawn before the training, read anew during it.
    await expectRead(0);
    expect(await probabilities()).not.toEqual(untrained);
    await page.getByRole('button', { name: 'Clear' }).click();
    expect(await page.locator('#verdict').textContent()).toBe('–');
    await draw(bar);
    await expectRead(1);

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused').waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await draw(circle);
    await expectRead(0);
    const paused = await number('step');
    await page.getByRole('button', { name: 'Go on' }).click();
    await untilStep(paused + 3);

    await page.getByRole('button', { name: 'Reset' }).click();
    await page.waitForFunction("!(Number(document.getElementById('step').textContent) > 20)", undefined, { timeout });
  });

  it('trains by WebGPU, as on the CPU', { timeout: 2 * timeout }, async () => {
    await open('?batch=8&train=8&test=8&lr=0.02');
    await recordLosses();
    await page.getByRole('button', { name: 'Start' }).click();
    await untilStep(5);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused').waitFor();
    const onCpu = await recordedLosses();

    await page.getByRole('radio', { name: 'WebGPU' }).check({ force: true });
    await page.waitForFunction("/weights on (?!CPU)/.test(document.getElementById('status').textContent)", undefined, {
      timeout,
    });
    await recordLosses();
    await page.getByRole('button', { name: 'Start' }).click();
    await untilStep(5);
    const byWebgpu = await recordedLosses();
    // Shown to three decimals.
    for (let step = 1; step <= 5; step++) expect(Math.abs(byWebgpu[step]! - onCpu[step]!)).toBeLessThan(0.0025);
    const first = byWebgpu[1]!;
    expect(first).toBeGreaterThan(2);
    // Eight images over and over are soon known by heart.
    await page.waitForFunction(`Number(document.getElementById('loss').textContent) < ${0.7 * first}`, undefined, {
      timeout,
    });
    expect(await page.locator('#memory-of').textContent()).toBe('on the GPU');
    await draw(circle);
    await page.waitForFunction("document.getElementById('verdict').textContent !== '–'", undefined, { timeout });
    expect((await probabilities()).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  });

  it('never freezes: frames and clicks go on within one step', async () => {
    // Steps that take as long as possible.
    await open('?batch=1024&train=1024&test=1&start');
    await untilStep(1);
    const { frames, steps } = await page.evaluate(async () => {
      let [frames, steps] = [0, 0];
      const text = document.getElementById('step')!;
      new MutationObserver(() => steps++).observe(text, { childList: true, characterData: true, subtree: true });
      const frame = () => {
        frames++;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
      while (steps < 3) await new Promise((resolve) => setTimeout(resolve, 10));
      return { frames, steps };
    });
    expect(frames / steps).toBeGreaterThan(5);

    const before = await number('step');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused').waitFor();
    // Not even the step that was under way had to end.
    expect((await number('step')) - before).toBeLessThanOrEqual(1);
  });

  it('can be drawn on with the keyboard', async () => {
    await open('?train=100&test=100');
    await page.keyboard.press('Tab');
    while (!(await page.evaluate("document.activeElement.id === 'pad'"))) await page.keyboard.press('Tab');
    await page.keyboard.press(' ');
    for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowDown');
    await page.waitForFunction("document.getElementById('verdict').textContent !== '–'", undefined, { timeout });
    expect((await probabilities()).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
    await page.keyboard.press('Delete');
    expect(await page.locator('#verdict').textContent()).toBe('–');
    await page.getByRole('button', { name: 'Random test digit' }).click();
    await page.getByText(/kept for testing: a \d/).waitFor();
  });

  it('explains why WebGPU cannot be chosen where there is none', async () => {
    await using without = await openBrowser({ webgpu: false });
    page = await without.context.newPage();
    complaints = complaintsOf(page);
    await open('?device=webgpu&train=100&test=100');
    const webgpu = page.getByRole('radio', { name: 'WebGPU' });
    expect(await webgpu.isDisabled()).toBe(true);
    expect(await page.getByRole('radio', { name: 'CPU' }).isChecked()).toBe(true);
    expect(await page.locator('#webgpu-problem').textContent()).toMatch(/WebGPU/);
  });
});
