/** @file Classification of points on three spiral arms, and a picture of the learned regions. */
import { join } from 'node:path';
import { io } from '@flambeau/vision';
import {
  cat,
  data,
  linspace,
  manualSeed,
  meshgrid,
  nn,
  noGrad,
  optim,
  randn,
  stack,
  type Tensor,
  tensor,
} from 'flambeau';
import type { Example } from './example.ts';

const ARMS = 3;
const PER_ARM = 150;
const SIDE = 200;
const COLORS = [
  [231, 111, 81],
  [42, 157, 143],
  [69, 123, 157],
];

function spiral(): [points: Tensor, arms: Tensor] {
  const radius = linspace(0.05, 1, PER_ARM);
  const arms = Array.from({ length: ARMS }, (_, arm) => {
    const angle = radius
      .mul(4.5)
      .add((arm * 2 * Math.PI) / ARMS)
      .add(randn(PER_ARM).mul(0.12));
    return stack([radius.mul(angle.cos()), radius.mul(angle.sin())], 1);
  });
  const labels = Array.from({ length: ARMS * PER_ARM }, (_, i) => Math.floor(i / PER_ARM));
  return [cat(arms), tensor(labels, { dtype: 'int32' })];
}

/** The regions of the plane that the network gives to each arm, as an image. */
function regions(net: (x: Tensor) => Tensor, device: string): Tensor {
  const axis = linspace(-1.1, 1.1, SIDE, { device });
  const [y, x] = meshgrid([axis.neg(), axis], { indexing: 'ij' }) as [Tensor, Tensor];
  const classes = noGrad(() => net(stack([x.flatten(), y.flatten()], 1)).argmax(1));
  const colors = tensor(COLORS, { dtype: 'uint8', device });
  return colors.indexSelect(0, classes).t().reshape(3, SIDE, SIDE);
}

export const example: Example = {
  description: 'classifies points on three spiral arms and draws the learned regions',
  async run({ device, out, quick, seed }) {
    manualSeed(seed);
    const [points, arms] = spiral();
    const loader = new data.DataLoader(new data.TensorDataset(points, arms), { batchSize: 50, shuffle: true });
    const net = new nn.Sequential(
      new nn.Linear(2, 64),
      new nn.ReLU(),
      new nn.Linear(64, 64),
      new nn.ReLU(),
      new nn.Linear(64, ARMS),
    ).to(device);
    const optimizer = new optim.AdamW(net.parameters(), { lr: 0.01 });
    const criterion = new nn.CrossEntropyLoss();
    for (let epoch = 0; epoch < (quick ? 3 : 60); epoch++) {
      for await (const [x, y] of loader) {
        const loss = criterion(net(x!.to(device)), y!.to(device));
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
      }
    }
    const right = await noGrad(() => net(points.to(device)).argmax(1).eq(arms.to(device)).to('float32').mean()).item();
    console.log(`${(100 * right).toFixed(1)} % of the points are on the right arm`);
    const path = join(out, 'spiral.png');
    await io.writePng(regions(net, device), path);
    console.log(`Picture: ${path}`);
  },
};
