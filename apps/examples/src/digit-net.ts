/** @file The network that reads digits, and how images are prepared for it. Also trained in apps/playground. */
import { transforms } from '@flambeau/vision';
import { F, nn, type Tensor } from 'flambeau';

/** Brightness of MNIST's training images, from 0 to 1. */
export const [pixelMean, pixelStd] = [0.1307, 0.3081];

/** uint8 [1, 28, 28] → float32 of mean about 0 and standard deviation about 1. */
export const transform = new transforms.Compose([
  new transforms.ToTensor(),
  new transforms.Normalize([pixelMean], [pixelStd]),
]);

/** Two convolutions, two linear layers: [N, 1, 28, 28] → scores [N, 10]. */
export class DigitNet extends nn.Module {
  conv1 = new nn.Conv2d(1, 10, 5, { padding: 2 });
  conv2 = new nn.Conv2d(10, 20, 5, { padding: 2 });
  fc1 = new nn.Linear(980, 50);
  fc2 = new nn.Linear(50, 10);

  override forward(x: Tensor): Tensor {
    const a = F.maxPool2d(F.relu(this.conv1(x)), 2);
    const b = F.maxPool2d(F.relu(this.conv2(a)), 2);
    return this.fc2(F.relu(this.fc1(b.flatten(1))));
  }
}
