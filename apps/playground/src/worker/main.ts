/** @file The worker: takes the page's requests in turn. All tensor work is done here, so that the page never waits. */
import { isAvailable } from '@flambeau/backend-webgpu';
import { type Reply, type Request, type Settings, side } from '../protocol.ts';
import { drawSets, messageOf, Run, type Sets } from './run.ts';

let sets: Promise<Sets> | null = null;
let drawn: Pick<Settings, 'trainCount' | 'testCount'> = { trainCount: 0, testCount: 0 };
let run: Run | null = null;
/** Requests are taken one after the other. */
let queue: Promise<void> = announce();

function post(reply: Reply): void {
  postMessage(reply);
}

async function announce(): Promise<void> {
  post({ type: 'webgpu', problem: await webgpuProblem() });
}

async function webgpuProblem(): Promise<string | null> {
  if (!isSecureContext) return 'WebGPU needs a page from https or localhost.';
  if (!('gpu' in navigator)) return 'This browser has no WebGPU, or it is switched off.';
  return (await isAvailable()) ? null : 'This browser knows WebGPU, but finds no GPU that it can use.';
}

async function prepare(number: number, settings: Settings): Promise<void> {
  await run?.close();
  run = null;
  if (sets === null || drawn.trainCount !== settings.trainCount || drawn.testCount !== settings.testCount) {
    sets = drawSets(settings);
    drawn = settings;
  }
  run = await Run.prepare(settings, await sets, post);
  const { deviceName, net, weights } = run;
  post({ type: 'prepared', run: number, deviceName, network: String(net), weights });
}

async function sample(): Promise<void> {
  const test = (await sets)?.test;
  if (test === undefined) return;
  const i = Math.floor(Math.random() * test.length);
  const image = test.data
    .select(0, i)
    .reshape(side * side)
    .to('float32')
    .div(255);
  const label = await test.targets.select(0, i).item();
  post({ type: 'sample', pixels: (await image.toTypedArray()) as Float32Array, label });
}

async function take(request: Request): Promise<void> {
  switch (request.type) {
    case 'prepare':
      return prepare(request.run, request.settings);
    case 'train':
      return run?.train();
    case 'pause':
      return run?.pause();
    case 'learningRate':
      if (run !== null) run.learningRate = request.value;
      return;
    case 'classify':
      return post({ type: 'probabilities', values: run === null ? null : await run.classify(request.pixels) });
    case 'sample':
      return sample();
  }
}

function fail(error: unknown): void {
  run?.pause();
  post({ type: 'failure', message: messageOf(error) });
}

addEventListener('message', ({ data }: MessageEvent<Request>) => {
  queue = queue.then(() => take(data)).catch(fail);
});
