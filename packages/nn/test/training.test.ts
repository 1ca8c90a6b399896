import '@flambeau/backend-cpu';
import { Adam, SGD } from '@flambeau/optim';
import { manualSeed, randint, randn, tensor } from '@flambeau/tensor';
import { expect, it } from 'vitest';
import * as nn from '../src/index.ts';

it('a perceptron learns XOR', () => {
  manualSeed(0);
  const net = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1));
  const [x, y] = [
    tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]),
    tensor([[0], [1], [1], [0]]),
  ];
  const optimizer = new SGD(net.parameters(), { lr: 0.5, momentum: 0.9 });
  const loss = new nn.MSELoss();
  for (let step = 0; step < 200; step++) {
    optimizer.zeroGrad();
    loss(net(x), y).backward();
    optimizer.step();
  }
  expect(net(x).round().abs().toArraySync()).toEqual(y.toArraySync());
});

it('a convolutional network fits random images', () => {
  manualSeed(0);
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Dropout(0.1),
    new nn.Linear(64, 3),
  );
  const [images, labels] = [randn(12, 1, 8, 8), randint(0, 3, [12])];
  const optimizer = new Adam(net.parameters(), { lr: 0.02 });
  const criterion = new nn.CrossEntropyLoss();
  const losses: number[] = [];
  for (let step = 0; step < 40; step++) {
    optimizer.zeroGrad();
    const loss = criterion(net(images), labels);
    loss.backward();
    optimizer.step();
    losses.push(loss.itemSync());
  }
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 5);
  net.eval();
  expect(net(images).argmax(1).toArraySync()).toEqual(labels.toArraySync());
});
