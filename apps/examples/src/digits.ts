/** @file A convolutional network learns to read handwritten digits. */
import { join } from 'node:path';
import { datasets, type Progress } from '@flambeau/vision';
import { data, load, manualSeed, nn, noGrad, optim, save, type Tensor } from 'flambeau';
import { DigitNet, transform } from './digit-net.ts';
import type { Context, Example } from './example.ts';
import { lineChart, saveLabelledSheet, savePng } from './picture.ts';
import { type ProgressBar, progressBar } from './progress.ts';

const EPOCHS = 3;
const BATCH = 100;
const DOWNLOAD_PATIENCE_MS = 4000;

type Digits = datasets.MNIST<Tensor> | datasets.Digits<Tensor>;

interface Sets {
  readonly train: Digits;
  readonly test: Digits;
}

/** MNIST's files in `root`, downloaded if wanted. A mirror that sends nothing for a while counts as unreachable. */
async function mnist(root: string, download: boolean): Promise<Sets> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(new Error('no answer from the mirrors')), DOWNLOAD_PATIENCE_MS);
  const bars = new Map<string, ProgressBar>();
  const onProgress = ({ file, received, total }: Progress): void => {
    clearTimeout(timer);
    if (total === null) return;
    const bar = bars.get(file) ?? progressBar(`Downloading ${file}`, total, 'bytes');
    bars.set(file, bar);
    bar.update(received, '');
    if (received === total) bar.stop();
  };
  try {
    const options = { transform, download, onProgress, signal: patience.signal };
    const train = await datasets.MNIST.load<Tensor>(root, options);
    return { train, test: await datasets.MNIST.load<Tensor>(root, { ...options, train: false }) };
  } finally {
    clearTimeout(timer);
  }
}

/** Real MNIST if it is there or can be had, else drawn digits; says which, and why. */
async function digits({ data: folder, out, quick }: Context): Promise<Sets> {
  if (folder !== null) {
    console.log(`Data: MNIST from ${folder}.`);
    return mnist(folder, false);
  }
  const cache = join(out, 'data');
  let reason = 'a quick run downloads nothing';
  if (!quick) {
    try {
      const sets = await mnist(cache, true);
      console.log(`Data: MNIST from ${cache}.`);
      return sets;
    } catch (error) {
      reason = `MNIST is not in ${cache} and could not be downloaded (${(error as Error).message.split('\n').slice(0, 2).join(' ')})`;
    }
  }
  console.log(`Data: built-in digits, drawn for this run, because ${reason}.`);
  console.log('      For the real ones: npm start -- --data DIR, where DIR has the four MNIST files.');
  const counts = quick ? [600, 200] : [12000, 2000];
  return {
    train: await datasets.Digits.load<Tensor>({ count: counts[0]!, transform }),
    test: await datasets.Digits.load<Tensor>({ train: false, count: counts[1]!, transform }),
  };
}

/** Trains and returns the loss of every step. */
async function train(net: DigitNet, set: Digits, device: string, epochs: number): Promise<number[]> {
  const loader = new data.DataLoader(set, { batchSize: BATCH, shuffle: true, dropLast: true });
  const optimizer = new optim.SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  const scheduler = new optim.lrScheduler.StepLR(optimizer, 1, { gamma: 0.4 });
  const criterion = new nn.CrossEntropyLoss();
  const losses: number[] = [];
  const bar = progressBar('Training', epochs * loader.length * BATCH, 'images');
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for await (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = criterion(net(x.to(device)), y.to(device));
      loss.backward();
      optimizer.step();
      losses.push(await loss.item());
      const recent = losses.slice(-50);
      const mean = recent.reduce((a, b) => a + b, 0) / recent.length;
      bar.update(losses.length * BATCH, `epoch ${epoch}/${epochs}, loss ${mean.toFixed(4)}`);
    }
    scheduler.step();
  }
  bar.stop();
  return losses;
}

/** The predicted class of every image of a set. */
async function predict(net: DigitNet, set: Digits, device: string): Promise<number[]> {
  net.eval();
  const predicted: number[] = [];
  for await (const [x] of new data.DataLoader(set, { batchSize: 500 })) {
    const classes = noGrad(() => net(x.to(device)).argmax(1));
    predicted.push(...((await classes.toArray()) as number[]));
  }
  net.train();
  return predicted;
}

async function reportAccuracy(set: Digits, predicted: readonly number[]): Promise<void> {
  const truth = (await set.targets.toArray()) as number[];
  const right = truth.map((label, i) => label === predicted[i]);
  console.log(`test accuracy ${((100 * right.filter(Boolean).length) / truth.length).toFixed(2)} %`);
  const perClass = set.classes.map((name, label) => {
    const own = right.filter((_, i) => truth[i] === label);
    return `${name.split(' ')[0]}: ${((100 * own.filter(Boolean).length) / Math.max(own.length, 1)).toFixed(1)} %`;
  });
  console.log(`Read correctly, digit by digit: ${perClass.join(', ')}.`);
}

/** Saves the weights, loads them into a fresh network, and makes sure that it predicts the same. */
async function saveAndReload(
  net: DigitNet,
  test: Digits,
  predicted: readonly number[],
  context: Context,
): Promise<void> {
  const path = join(context.out, 'digits.safetensors');
  await save(net.stateDict(), path);
  const fresh = new DigitNet();
  fresh.loadStateDict((await load(path)) as Map<string, Tensor>);
  const again = await predict(fresh.to(context.device), test, context.device);
  if (again.some((label, i) => label !== predicted[i]))
    throw new Error(`the network loaded from ${path} predicts something else`);
  console.log(`Weights: ${path}; loaded into a fresh network they predict the same.`);
}

async function savePictures(
  losses: readonly number[],
  test: Digits,
  predicted: readonly number[],
  out: string,
): Promise<void> {
  const curve = lineChart(losses);
  const curvePath = join(out, 'loss.png');
  await savePng(curve, curvePath);
  const count = Math.min(60, test.length);
  const truth = (await test.targets.toArray()) as number[];
  const images = test.data.narrow(0, 0, count).unsqueeze(1).to('float32').div(255);
  const sheetPath = join(out, 'digits.png');
  await saveLabelledSheet(images, truth.slice(0, count), predicted.slice(0, count), 10, sheetPath);
  console.log(`Pictures: ${sheetPath} (true > predicted), ${curvePath} (loss over steps).`);
}

export const example: Example = {
  description: 'a convolutional network learns to read handwritten digits (MNIST, or drawn ones)',
  async run(context) {
    const { device, quick, seed } = context;
    manualSeed(seed);
    const { train: trainSet, test: testSet } = await digits(context);
    const net = new DigitNet().to(device);
    console.log(`${net}\n${trainSet.length} images to learn from, ${testSet.length} to be tested on.`);
    const losses = await train(net, trainSet, device, quick ? 1 : EPOCHS);
    const predicted = await predict(net, testSet, device);
    await reportAccuracy(testSet, predicted);
    await saveAndReload(net, testSet, predicted, context);
    await savePictures(losses, testSet, predicted, context.out);
  },
};
