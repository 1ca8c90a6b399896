/** @file One run: a network, its optimizer, the digits, and the loop that trains it. */
import { getDeviceName, init, memoryStats } from '@flambeau/backend-webgpu';
import { DigitNet, pixelMean, pixelStd, transform } from '@flambeau/examples/digit-net';
import { datasets } from '@flambeau/vision';
import { data, fromTypedArray, manualSeed, nn, noGrad, optim, type Tensor } from 'flambeau';
import { type Device, type MemoryUse, type Reply, type Settings, side } from '../protocol.ts';
import { Gate } from './gate.ts';

/** The accuracy is measured each time that this many times the test images were learnt from. */
const trainedPerTested = 2;
/** Images per second are a mean over the last steps. */
const timedSteps = 20;
const testBatch = 100;

type Digits = datasets.Digits<Tensor>;

/** Both sets of digits. */
export interface Sets {
  readonly train: Digits;
  readonly test: Digits;
}

export async function drawSets({ trainCount, testCount }: Settings): Promise<Sets> {
  return {
    train: await datasets.Digits.load<Tensor>({ count: trainCount, transform }),
    test: await datasets.Digits.load<Tensor>({ train: false, count: testCount, transform }),
  };
}

/** A network in training. `post` gets what the page should know. */
export class Run {
  readonly net: DigitNet;
  readonly #settings: Settings;
  readonly #sets: Sets;
  readonly #optimizer: optim.SGD;
  readonly #post: (reply: Reply) => void;
  readonly #gate = new Gate();
  #loop: Promise<void> | null = null;

  private constructor(settings: Settings, sets: Sets, post: (reply: Reply) => void) {
    this.#settings = settings;
    this.#sets = sets;
    this.#post = post;
    manualSeed(settings.seed);
    // Drawn on the CPU whatever the device, so that runs on both begin alike.
    this.net = new DigitNet().to(settings.device);
    this.#optimizer = new optim.SGD(this.net.parameters(), { lr: settings.learningRate, momentum: 0.9 });
  }

  static async prepare(settings: Settings, sets: Sets, post: (reply: Reply) => void): Promise<Run> {
    if (settings.device === 'webgpu') await init();
    return new Run(settings, sets, post);
  }

  get deviceName(): string {
    return this.#settings.device === 'webgpu' ? getDeviceName() : 'CPU, one thread';
  }

  get weights(): number {
    return this.net.parameters().reduce((sum, parameter) => sum + parameter.elementCount, 0);
  }

  set learningRate(value: number) {
    for (const group of this.#optimizer.paramGroups) group.lr = value;
  }

  /** Begins, or goes on after a pause. */
  train(): void {
    this.#gate.open();
    this.#loop ??= this.#train().catch((error: unknown) => {
      this.#gate.close();
      this.#post({ type: 'failure', message: messageOf(error) });
    });
  }

  pause(): void {
    this.#gate.hold();
  }

  /** Ends the training; resolves when nothing of it runs any more. */
  async close(): Promise<void> {
    this.#gate.close();
    await this.#loop;
  }

  /** The probabilities of the ten digits for an image of 28 × 28 brightnesses from 0 to 1. */
  async classify(pixels: Float32Array): Promise<number[]> {
    const image = fromTypedArray(pixels, [1, 1, side, side]).sub(pixelMean).div(pixelStd);
    const probabilities = noGrad(() => this.net(image.to(this.#settings.device)).softmax(1));
    return Array.from((await probabilities.toTypedArray()) as Float32Array);
  }

  async #train(): Promise<void> {
    const { batchSize, testCount, device } = this.#settings;
    const loader = new data.DataLoader(this.#sets.train, { batchSize, shuffle: true, dropLast: true });
    const criterion = new nn.CrossEntropyLoss();
    const times: number[] = [];
    let step = 0;
    let untested = Infinity;
    for (let epoch = 1; ; epoch++) {
      let began = performance.now();
      for await (const [x, y] of loader) {
        const fetched = performance.now() - began;
        if (untested >= trainedPerTested * testCount) {
          const accuracy = await this.#test();
          if (accuracy === null) return;
          this.#post({ type: 'accuracy', step, accuracy });
          untested = 0;
        }
        if (!(await this.#gate.pass())) return;
        began = performance.now();
        this.#optimizer.zeroGrad();
        const loss = criterion(this.net(x.to(device)), y.to(device));
        loss.backward();
        this.#optimizer.step();
        const value = await loss.item();
        times.push(fetched + performance.now() - began);
        if (times.length > timedSteps) times.shift();
        const seconds = times.reduce((a, b) => a + b, 0) / 1000;
        const imagesPerSecond = (times.length * batchSize) / seconds;
        step++;
        untested += batchSize;
        this.#post({
          type: 'step',
          step,
          epoch,
          loss: value,
          imagesPerSecond,
          memory: memoryUse(device, this.weights),
        });
        began = performance.now();
      }
    }
  }

  /** The part of the test images that is read rightly, or null when the run was closed meanwhile. */
  async #test(): Promise<number | null> {
    const { device } = this.#settings;
    let right = 0;
    for await (const [x, y] of new data.DataLoader(this.#sets.test, { batchSize: testBatch })) {
      if (!(await this.#gate.pass())) return null;
      right += await noGrad(() => this.net(x.to(device)).argmax(1).eq(y.to(device)).sum()).item();
    }
    return right / this.#sets.test.length;
  }
}

function memoryUse(device: Device, weights: number): MemoryUse {
  if (device === 'webgpu') {
    const { liveBytes, pooledBytes } = memoryStats();
    return { bytes: liveBytes + pooledBytes, of: 'on the GPU' };
  }
  // Each weight with its gradient and its momentum; the page can often tell more.
  return { bytes: 3 * 4 * weights, of: 'for the weights' };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
