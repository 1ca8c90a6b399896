/** @file A pre-norm transformer block, forward and backward. */
import { F, nn, noGrad, type Tensor } from 'flambeau';
import { values } from '../data.ts';
import type { Workload, Workloads } from '../workload.ts';

class Block extends nn.Module {
  ln1 = new nn.LayerNorm(256);
  qkv = new nn.Linear(256, 768);
  proj = new nn.Linear(256, 256);
  ln2 = new nn.LayerNorm(256);
  fc1 = new nn.Linear(256, 1024);
  fc2 = new nn.Linear(1024, 256);

  override forward(x: Tensor): Tensor {
    const [batch, time, width] = x.shape as [number, number, number];
    const heads = 4;
    const [q, k, v] = this.qkv(this.ln1(x))
      .split(width, 2)
      .map((t) => t.view(batch, time, heads, width / heads).transpose(1, 2)) as [Tensor, Tensor, Tensor];
    const weights = F.softmax(q.matmul(k.transpose(-2, -1)).mul(1 / Math.sqrt(width / heads)), -1);
    const mixed = weights.matmul(v).transpose(1, 2).reshape(batch, time, width);
    const h = x.add(this.proj(mixed));
    return h.add(this.fc2(F.relu(this.fc1(this.ln2(h)))));
  }
}

const transformer: Workload = (device) => {
  const net = new Block().to(device);
  let fan = 1;
  noGrad(() => {
    [...net.parameters()].forEach((p, i) => {
      if ([0, 1, 6, 7].includes(i)) return;
      if (p.ndim > 1) fan = p.shape[1]!;
      p.copy_(values(device, 100 + i, p.shape, 1 / Math.sqrt(fan)));
    });
  });
  const x = values(device, 1, [8, 128, 256]).requiresGrad_();
  return () => {
    net.zeroGrad();
    x.grad = null;
    const loss = net(x).pow(2).mean();
    loss.backward();
    return device === 'cpu' ? loss.itemSync() : loss.item();
  };
};

export const attention: Workloads = { 'transformer-fwdbwd': transformer };
