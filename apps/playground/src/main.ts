/** @file The page: controls, figures, curves and the drawing, all fed by the worker. */
import { openChart } from './charts.ts';
import { normaliseDrawing } from './drawing/normalise.ts';
import { imageOf, openPad } from './drawing/pad.ts';
import { pageMemory } from './memory.ts';
import { readOptions } from './options.ts';
import { openProbabilities } from './probabilities.ts';
import { type Device, type Settings, side } from './protocol.ts';
import { openTrainer } from './trainer.ts';

type State = 'preparing' | 'ready' | 'training' | 'paused' | 'failed';

/** While the network learns, the drawing is read again this often. */
const rereadMs = 150;

const element = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E;
const say = (id: string, text: string): void => {
  element(id).textContent = text;
};

const options = readOptions(location.search);
let settings: Settings = options;
let state: State = 'preparing';
/** The number of the last run that was asked for: no other counts. */
let run = 0;
/** Train as soon as the network is there. */
let impatient = options.start;
/** What the network is to read, or null. */
let seen: Float32Array | null = null;
let lastRead = 0;

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
const round = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 });
const megabytes = (bytes: number): string =>
  bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} KB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

const lossChart = openChart({
  plot: element('loss-chart'),
  caption: element('loss-cursor'),
  name: 'Loss',
  colour: '--accent',
  smooth: true,
  range: [0, null],
  format: (value) => value.toFixed(2),
});
const accuracyChart = openChart({
  plot: element('accuracy-chart'),
  caption: element('accuracy-cursor'),
  name: 'Accuracy',
  colour: '--second',
  smooth: false,
  range: [0, 1],
  format: (value) => `${(100 * value).toFixed(0)} %`,
});
const probabilities = openProbabilities(element('probabilities'), element('verdict'), element('verdict-detail'));
const pad = openPad(element<HTMLCanvasElement>('pad'), () => {
  const { values, width, height } = pad.ink();
  see(normaliseDrawing(values, width, height));
});

const trainer = openTrainer({
  webgpu({ problem }) {
    const button = deviceButton('webgpu');
    button.disabled = problem !== null;
    element('webgpu-problem').hidden = problem === null;
    say('webgpu-problem', problem ?? '');
    if (problem !== null && settings.device === 'webgpu') settings = { ...settings, device: 'cpu' };
    deviceButton(settings.device).checked = true;
    prepare();
  },
  prepared({ run: number, deviceName, network, weights }) {
    if (number !== run) return;
    element('failure').hidden = true;
    say('network', network);
    lossChart.restart();
    accuracyChart.restart();
    for (const id of ['step', 'loss', 'accuracy', 'speed', 'memory']) say(id, '–');
    for (const id of ['epoch', 'tested', 'memory-of']) say(id, '\u00a0');
    become('ready', `${weights.toLocaleString('en')} weights on ${deviceName}`);
    if (impatient) toggle();
    reread();
  },
  step({ step, epoch, loss, imagesPerSecond, memory }) {
    lossChart.add(step, loss);
    say('step', step.toLocaleString('en'));
    say('epoch', `epoch ${epoch}`);
    say('loss', lossChart.last!.toFixed(3));
    say('speed', round(imagesPerSecond));
    const { bytes, of } = (settings.device === 'cpu' ? pageMemory() : null) ?? memory;
    say('memory', megabytes(bytes));
    say('memory-of', of);
    if (performance.now() - lastRead > rereadMs) reread();
  },
  accuracy({ step, accuracy }) {
    accuracyChart.add(step, accuracy);
    say('accuracy', percent(accuracy));
    say('tested', `at step ${step.toLocaleString('en')}`);
  },
  probabilities({ values }) {
    probabilities.show(seen === null ? null : values);
  },
  sample({ pixels, label }) {
    pad.show(pixels);
    see(pixels);
    say('pad-help', `One of the digits that are kept for testing: a ${label}.`);
  },
  failure({ message }) {
    impatient = false;
    element('failure').hidden = false;
    say('failure', message);
    become('failed', 'Stopped. Reset begins anew.');
  },
});

/** Throws the network away and asks for a new one. */
function prepare(): void {
  run++;
  become('preparing', 'Preparing …');
  trainer.ask({ type: 'prepare', run, settings });
}

function become(next: State, status: string): void {
  state = next;
  say('status', status);
  say('train', { preparing: 'Start', ready: 'Start', training: 'Pause', paused: 'Go on', failed: 'Start' }[state]);
  element<HTMLButtonElement>('train').disabled = state === 'preparing' || state === 'failed';
  element<HTMLButtonElement>('reset').disabled = state === 'preparing';
  element<HTMLButtonElement>('sample').disabled = state === 'preparing' || state === 'failed';
  document.body.dataset.state = state;
}

function toggle(): void {
  impatient = false;
  const training = state === 'training';
  trainer.ask({ type: training ? 'pause' : 'train' });
  become(training ? 'paused' : 'training', training ? 'Paused' : 'Training …');
}

/** Has the network read these pixels, now and as it learns. */
function see(pixels: Float32Array | null): void {
  seen = pixels;
  const view = element<HTMLCanvasElement>('seen').getContext('2d')!;
  view.clearRect(0, 0, side, side);
  if (pixels !== null) view.drawImage(imageOf(pixels), 0, 0);
  element('pad').parentElement!.classList.toggle('drawn', pixels !== null);
  say('pad-help', padHelp);
  if (pixels === null) probabilities.show(null);
  reread();
}

function reread(): void {
  lastRead = performance.now();
  if (seen !== null) trainer.classify(seen);
}

const deviceButton = (device: Device): HTMLInputElement =>
  document.querySelector<HTMLInputElement>(`input[name="device"][value="${device}"]`)!;

/** Fills a list of choices, with the present one among them. */
function choices(id: string, usual: readonly number[], present: number, chosen: (value: number) => void): void {
  const select = element<HTMLSelectElement>(id);
  const values = [...new Set([...usual, present])].sort((a, b) => a - b);
  select.replaceChildren(...values.map((value) => new Option(String(value), String(value), false, value === present)));
  select.addEventListener('change', () => chosen(Number(select.value)));
}

/** Another run of the same kind; one that was being trained is trained on. */
function renew(change: Partial<Settings>): void {
  impatient ||= state === 'training';
  settings = { ...settings, ...change };
  prepare();
}

const padHelp = element('pad-help').textContent ?? '';
element('train').addEventListener('click', toggle);
element('reset').addEventListener('click', () => renew({}));
element('clear').addEventListener('click', () => pad.clear());
element('sample').addEventListener('click', () => trainer.ask({ type: 'sample' }));
for (const device of ['cpu', 'webgpu'] as const) {
  deviceButton(device).addEventListener('change', () => renew({ device }));
}
choices('batch', [16, 32, 64, 100, 256, 512], settings.batchSize, (batchSize) => renew({ batchSize }));
choices('rate', [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2], settings.learningRate, (learningRate) => {
  settings = { ...settings, learningRate };
  trainer.ask({ type: 'learningRate', value: learningRate });
});
become('preparing', 'Drawing digits to learn from …');
