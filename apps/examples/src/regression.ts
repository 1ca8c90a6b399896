/** @file A small network learns a curve from noisy points. */
import { join } from 'node:path';
import { linspace, manualSeed, nn, noGrad, optim, randn } from 'flambeau';
import type { Example } from './example.ts';
import { lineChart, savePng } from './picture.ts';

export const example: Example = {
  description: 'a small network fits a sine from noisy points',
  async run({ device, out, quick, seed }) {
    manualSeed(seed);
    const x = linspace(-3, 3, 200).unsqueeze(1).to(device);
    const y = x.sin().add(randn(200, 1).mul(0.1).to(device));
    const net = new nn.Sequential(
      new nn.Linear(1, 32),
      new nn.Tanh(),
      new nn.Linear(32, 32),
      new nn.Tanh(),
      new nn.Linear(32, 1),
    ).to(device);
    const optimizer = new optim.Adam(net.parameters(), { lr: 0.01 });
    const criterion = new nn.MSELoss();
    const losses: number[] = [];
    for (let step = 0; step < (quick ? 50 : 1000); step++) {
      const loss = criterion(net(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      losses.push(await loss.item());
    }
    console.log(
      `mean squared error: ${losses[0]!.toFixed(4)} at the start, ${losses.at(-1)!.toFixed(4)} at the end (noise alone: 0.01)`,
    );
    const error = await noGrad(() => net(x).sub(x.sin()).abs().max()).item();
    console.log(`largest distance from the true sine: ${error.toFixed(3)}`);
    const path = join(out, 'regression-loss.png');
    await savePng(lineChart(losses), path);
    console.log(`Picture: ${path}`);
  },
};
