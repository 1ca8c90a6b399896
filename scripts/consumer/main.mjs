// Installed from the packed tarballs and run by check-pack.ts: one step of everything that registers itself on import.
import { deepStrictEqual } from 'node:assert';
import { nn, noGrad, optim, tensor } from 'flambeau';

const x = tensor([1, 2, 3], { requiresGrad: true });
x.mul(x).sum().backward();
deepStrictEqual(await x.grad.toArray(), [2, 4, 6]);

const net = new nn.Linear(3, 1);
const sgd = new optim.SGD(net.parameters(), { lr: 0.1 });
const before = await net.bias.item();
net(tensor([[1, 2, 3]]))
  .sum()
  .backward();
sgd.step();
deepStrictEqual(Math.fround(before - (await net.bias.item())) > 0.09, true);
deepStrictEqual(noGrad(() => net(tensor([[1, 2, 3]]))).shape, [1, 1]);
console.log('the packed packages work');
