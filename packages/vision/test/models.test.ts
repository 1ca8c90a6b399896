/** Networks: torchvision's numbers of weights and names; their first weights are held against PyTorch's in conformance. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { functional as F, manualSeed, noGrad, randn, tensor } from '@flambeau/tensor';
import { describe, expect, it } from 'vitest';
import { models } from '../src/index.ts';

const count = (net: models.ResNet | models.MobileNetV2): number =>
  net.parameters().reduce((sum, p) => sum + p.elementCount, 0);

describe('models', () => {
  it('have as many weights as torchvision’s', { timeout: 60_000 }, () => {
    expect(count(models.resnet18())).toBe(11_689_512);
    expect(count(models.resnext5032x4d())).toBe(25_028_904);
    expect(count(models.mobilenetV2())).toBe(3_504_872);
  });

  it('have torchvision’s names', () => {
    const keys = [...models.resnet18({ numClasses: 2 }).stateDict().keys()];
    expect(keys.slice(0, 6)).toEqual([
      'conv1.weight',
      'bn1.weight',
      'bn1.bias',
      'bn1.running_mean',
      'bn1.running_var',
      'bn1.num_batches_tracked',
    ]);
    expect(keys).toContain('layer2.0.downsample.0.weight');
    expect(keys.slice(-2)).toEqual(['fc.weight', 'fc.bias']);
    expect([...models.mobilenetV2().stateDict().keys()].at(-1)).toBe('classifier.1.bias');
  });

  it.each([
    ['resnet18', () => models.resnet18({ numClasses: 3 })],
    [
      'bottlenecks in groups',
      () =>
        new models.ResNet('bottleneck', [1, 2, 1, 1], {
          numClasses: 3,
          zeroInitResidual: true,
          groups: 2,
          widthPerGroup: 8,
        }),
    ],
    ['mobilenetV2', () => models.mobilenetV2({ numClasses: 3, widthMult: 0.35 })],
  ] as const)('%s gives scores and gradients, and copies of it the same', { timeout: 60_000 }, (_, make) => {
    manualSeed(0);
    const net = make();
    const x = randn(2, 3, 32, 32);
    const loss = F.crossEntropy(net(x), tensor([0, 2], { dtype: 'int32' }));
    loss.backward();
    expect(net.parameters().every((p) => p.grad !== null)).toBe(true);
    net.eval();
    const copy = net.clone();
    const [a, b] = noGrad(() => [net(x), copy(x)]);
    expect(a!.shape).toEqual([2, 3]);
    expect(b!.toArraySync()).toEqual(a!.toArraySync());
  });
});
