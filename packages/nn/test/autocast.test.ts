/** Automatic mixed precision on the CPU: which dtypes come out, what the numbers are, and training. */
import '@flambeau/autograd';
import '@flambeau/backend-cpu';
import { SGD } from '@flambeau/optim';
import {
  autocast,
  cdist,
  DTypeError,
  functional as F,
  fft,
  getAutocastDtype,
  isAutocastEnabled,
  isTensor,
  linalg,
  manualSeed,
  noGrad,
  ones,
  polar,
  randint,
  randn,
  type Tensor,
  tensor,
  viewAsComplex,
  zeros,
} from '@flambeau/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as nn from '../src/index.ts';

afterEach(() => vi.restoreAllMocks());

const dtypeOf = (fn: () => Tensor): string => autocast('cpu', fn).dtype;
const [x, half, image] = [randn(2, 3), randn(2, 3).to('bfloat16'), randn(1, 2, 6, 6)];
const volume = randn(1, 1, 4, 4, 4).to('bfloat16');

describe('autocast', () => {
  it.each<[string, () => Tensor]>([
    ['matmul', () => x.matmul(x.t())],
    ['mm', () => x.mm(x.t())],
    ['bmm', () => ones(1, 2, 3).bmm(ones(1, 3, 2))],
    ['addmm', () => zeros(2, 2).addmm(x, x.t())],
    ['baddbmm', () => zeros(1, 2, 2).baddbmm(ones(1, 2, 3), ones(1, 3, 2))],
    ['addbmm', () => zeros(2, 2).addbmm(ones(1, 2, 3), ones(1, 3, 2))],
    ['linear', () => F.linear(x, ones(4, 3), ones(4))],
    ['conv1d', () => F.conv1d(ones(1, 2, 6), ones(1, 2, 3))],
    ['conv2d', () => F.conv2d(image, ones(1, 2, 3, 3), ones(1))],
    ['conv3d', () => F.conv3d(ones(1, 1, 3, 3, 3), ones(1, 1, 2, 2, 2))],
  ])('computes %s in bfloat16', (_, fn) => {
    expect(dtypeOf(fn)).toBe('bfloat16');
  });

  it.each<[string, () => Tensor]>([
    ['convTranspose2d', () => F.convTranspose2d(image.to('bfloat16'), ones(2, 1, 3, 3))],
    ['mseLoss', () => F.mseLoss(half, x)],
    ['l1Loss', () => F.l1Loss(half, half)],
    ['huberLoss', () => F.huberLoss(half, half)],
    ['smoothL1Loss', () => F.smoothL1Loss(half, half)],
    ['crossEntropy', () => F.crossEntropy(half, tensor([0, 2], { dtype: 'int32' }))],
    ['nllLoss', () => F.nllLoss(half, tensor([0, 2], { dtype: 'int32' }), { weight: ones(3) })],
    ['binaryCrossEntropyWithLogits', () => F.binaryCrossEntropyWithLogits(half, half)],
    ['klDiv', () => F.klDiv(half, half)],
    ['softMarginLoss', () => F.softMarginLoss(half, half)],
    ['cosineEmbeddingLoss', () => F.cosineEmbeddingLoss(half, half, ones(2))],
    ['tripletMarginLoss', () => F.tripletMarginLoss(half, half, half)],
    ['reflection padding', () => F.pad(volume, [1, 1], 'reflect')],
    ['maxPool3d', () => F.maxPool3d(volume, 2)],
    ['avgPool3d', () => F.avgPool3d(volume, 2)],
    ['adaptiveAvgPool3d', () => F.adaptiveAvgPool3d(volume, 2)],
    ['prod', () => half.prod()],
    ['trace', () => half.trace()],
    ['cdist', () => cdist(half, half)],
  ])('computes %s in float32', (_, fn) => {
    expect(dtypeOf(fn)).toBe('float32');
  });

  const spd = tensor([
    [4, 1],
    [1, 3],
  ]).to('bfloat16');
  const line = randn(8).to('bfloat16');
  const upper = spd.triu();
  const factored = (): readonly [Tensor, Tensor] => linalg.luFactor(spd.to('float32')) as unknown as [Tensor, Tensor];
  it.each<[string, () => Tensor | Iterable<Tensor>, dtype?: string]>([
    ['linalg.cholesky', () => linalg.cholesky(spd)],
    ['linalg.choleskyEx', () => linalg.choleskyEx(spd)],
    ['linalg.cond', () => linalg.cond(spd)],
    ['linalg.cond of another norm', () => linalg.cond(spd, 1)],
    ['linalg.eig', () => linalg.eig(spd), 'complex64'],
    ['linalg.eigh', () => linalg.eigh(spd)],
    ['linalg.eigvals', () => linalg.eigvals(spd), 'complex64'],
    ['linalg.eigvalsh', () => linalg.eigvalsh(spd)],
    ['linalg.householderProduct', () => linalg.householderProduct(spd, ones(2))],
    ['linalg.inv', () => linalg.inv(spd)],
    ['linalg.invEx', () => linalg.invEx(spd)],
    ['linalg.lstsq', () => linalg.lstsq(spd, ones(2, 1))],
    ['linalg.matrixNorm', () => linalg.matrixNorm(spd)],
    ['linalg.norm of a matrix', () => linalg.norm(spd, 2)],
    ['linalg.matrixRank', () => linalg.matrixRank(spd), 'int32'],
    ['linalg.qr', () => linalg.qr(spd)],
    ['linalg.solve', () => linalg.solve(spd, ones(2))],
    ['linalg.svd', () => linalg.svd(spd)],
    ['linalg.svdvals', () => linalg.svdvals(spd)],
    ['linalg.tensorinv', () => linalg.tensorinv(spd, 1)],
    ['linalg.tensorsolve', () => linalg.tensorsolve(spd, ones(2))],
    ['cholesky', () => spd.cholesky()],
    ['choleskyInverse', () => upper.choleskyInverse(true)],
    ['choleskySolve', () => spd.choleskySolve(upper, true)],
    ['geqrf', () => spd.geqrf()],
    ['inverse', () => spd.inverse()],
    ['lu', () => spd.lu()],
    ['luSolve', () => spd.luSolve(...factored())],
    ['orgqr', () => spd.orgqr(ones(2))],
    ['ormqr', () => spd.ormqr(ones(2), spd)],
    ['pinverse', () => spd.pinverse()],
    ['qr', () => spd.qr()],
    ['svd', () => spd.svd()],
    ['symeig', () => spd.symeig(true)],
    ['triangularSolve', () => spd.triangularSolve(upper)],
    ['fft.fft', () => fft.fft(line), 'complex64'],
    ['fft.ifft', () => fft.ifft(line), 'complex64'],
    ['fft.rfft', () => fft.rfft(line), 'complex64'],
    ['fft.irfft', () => fft.irfft(line)],
    ['fft.hfft', () => fft.hfft(line)],
    ['fft.ihfft', () => fft.ihfft(line), 'complex64'],
    ['fft.fft2', () => fft.fft2(spd), 'complex64'],
    ['fft.ifft2', () => fft.ifft2(spd), 'complex64'],
    ['fft.rfft2', () => fft.rfft2(spd), 'complex64'],
    ['fft.irfft2', () => fft.irfft2(spd)],
    ['fft.fftn', () => fft.fftn(spd), 'complex64'],
    ['fft.ifftn', () => fft.ifftn(spd), 'complex64'],
    ['fft.rfftn', () => fft.rfftn(spd), 'complex64'],
    ['fft.irfftn', () => fft.irfftn(spd)],
    ['stft', () => line.stft(4), 'float32'],
    ['polar', () => polar(spd, spd), 'complex64'],
    ['viewAsComplex', () => viewAsComplex(spd), 'complex64'],
    ['adaptiveMaxPool3d', () => F.adaptiveMaxPool3d(volume, 2)],
    ['fractionalMaxPool3d', () => F.fractionalMaxPool3d(volume, 2, 2)],
    ['binaryCrossEntropy', () => F.binaryCrossEntropy(half.sigmoid(), half.sigmoid())],
  ])('computes %s from float32', (_, fn, dtype = 'float32') => {
    const out = autocast('cpu', fn);
    const dtypes = (isTensor(out) ? [out] : [...out]).map((y) => y.dtype).filter((name) => name !== 'int32');
    expect(new Set(dtypes)).toEqual(new Set(dtype === 'int32' ? [] : [dtype]));
  });

  it('solves with the numbers of float32, gradients in the given dtype, and into out', () => {
    const a = spd.clone().requiresGrad_();
    const got = autocast('cpu', () => linalg.solve(a, ones(2)));
    expect(got.detach().equalSync(linalg.solve(spd.to('float32'), ones(2)))).toBe(true);
    got.sum().backward();
    expect(a.grad!.dtype).toBe('bfloat16');
    const out = zeros(2, 2, { dtype: 'float32' });
    expect(autocast('cpu', () => linalg.inv(spd, { out }))).toBe(out);
    expect(out.equalSync(linalg.inv(spd.to('float32')))).toBe(true);
  });

  it('leaves everything else as it is', () => {
    expect(dtypeOf(() => linalg.vectorNorm(half))).toBe('bfloat16');
    expect(dtypeOf(() => linalg.norm(half))).toBe('bfloat16');
    expect(dtypeOf(() => half.norm())).toBe('bfloat16');
    expect(dtypeOf(() => half.logsumexp(0))).toBe('bfloat16');
    expect(() => autocast('cpu', () => linalg.det(spd))).toThrow(DTypeError);
    expect(() => autocast('cpu', () => fft.hfft2(spd))).toThrow(DTypeError);
    expect(dtypeOf(() => x.add(1))).toBe('float32');
    expect(dtypeOf(() => half.exp())).toBe('bfloat16');
    expect(dtypeOf(() => half.sum())).toBe('bfloat16');
    expect(dtypeOf(() => F.pad(half, [1, 1], 'circular'))).toBe('bfloat16');
    expect(dtypeOf(() => x.to('float64').matmul(x.t().to('float64')))).toBe('float64');
    expect(dtypeOf(() => tensor([[1, 2]], { dtype: 'int32' }).matmul(tensor([[1], [2]], { dtype: 'int32' })))).toBe(
      'int32',
    );
  });

  it('rounds as the 16-bit op on 16-bit arguments does', () => {
    const [a, b] = [randn(4, 5), randn(5, 3)];
    const got = autocast({ deviceType: 'cpu', dtype: 'float16' }, () => a.matmul(b));
    expect(got.dtype).toBe('float16');
    expect(got.equalSync(a.half().matmul(b.half()))).toBe(true);
    const loss = autocast('cpu', () => F.mseLoss(half, x));
    expect(loss.itemSync()).toBe(F.mseLoss(half.to('float32'), x).itemSync());
  });

  it('gives float32 gradients to float32 parameters', () => {
    const layer = new nn.Linear(3, 2);
    const loss = autocast('cpu', () => layer(x).to('float32').square().sum());
    loss.backward();
    expect(layer.weight.grad!.dtype).toBe('float32');
    const low = x.to('bfloat16');
    const [w, b] = [layer.weight, layer.bias!].map((p) => p.detach().to('bfloat16').requiresGrad_()) as [
      Tensor,
      Tensor,
    ];
    F.linear(low, w, b).to('float32').square().sum().backward();
    expect(layer.weight.grad!.equalSync(w.grad!.to('float32'))).toBe(true);
  });

  it('converts a parameter once, until it changes', () => {
    const layer = new nn.Linear(3, 3, { bias: false });
    const to = vi.spyOn(layer.weight, 'to');
    autocast('cpu', () => {
      noGrad(() => layer(x));
      expect(to).toHaveBeenCalledTimes(1);
      layer(layer(x)).sum().backward();
      expect(to).toHaveBeenCalledTimes(2);
      noGrad(() => layer.weight.mul_(2));
      const out = layer(x);
      expect(to).toHaveBeenCalledTimes(3);
      expect(out.equalSync(x.to('bfloat16').matmul(layer.weight.detach().t().to('bfloat16')))).toBe(true);
    });
    to.mockClear();
    autocast({ deviceType: 'cpu', cacheEnabled: false }, () => layer(layer(x)));
    expect(to).toHaveBeenCalledTimes(2);
    expect(layer.weight.grad).not.toBeNull();
  });

  it('opens, nests and closes as modes do', async () => {
    expect(isAutocastEnabled()).toBe(false);
    autocast(() => {
      expect([isAutocastEnabled(), isAutocastEnabled('webgpu'), getAutocastDtype()]).toEqual([true, false, 'bfloat16']);
      autocast({ enabled: false }, () => {
        expect(isAutocastEnabled('cpu')).toBe(false);
        expect(x.matmul(x.t()).dtype).toBe('float32');
      });
      autocast({ dtype: 'float16' }, () => expect(x.matmul(x.t()).dtype).toBe('float16'));
      expect(x.matmul(x.t()).dtype).toBe('bfloat16');
    });
    const out = await autocast('cpu', async () => {
      await Promise.resolve();
      return x.matmul(x.t());
    });
    expect(out.dtype).toBe('bfloat16');
    {
      using _ = autocast();
      expect(isAutocastEnabled()).toBe(true);
    }
    expect(isAutocastEnabled()).toBe(false);
    expect(() => autocast('cpu', () => F.mseLoss(half, 1 as never))).toThrow();
    expect(x.matmul(x.t()).dtype).toBe('float32');
    expect(() => autocast('cpu', () => autocast('cpu', () => F.mseLoss(zeros(2), zeros(3))))).toThrow();
    expect(autocast('cpu', () => x.matmul(x.t())).dtype).toBe('bfloat16');
  });

  it('refuses other dtypes and options', () => {
    expect(() => autocast({ dtype: 'float64' })).toThrow(DTypeError);
    expect(() => autocast({ device: 'cpu' } as never)).toThrow("did you mean 'deviceType'");
    expect(() => autocast('nowhere')).toThrow('unknown device');
    expect(isAutocastEnabled()).toBe(false);
  });

  it.each<[string, () => nn.Module & ((x: Tensor) => Tensor | [Tensor, unknown]), number[]]>([
    ['LSTM', () => new nn.LSTM(3, 4), [5, 2, 3]],
    ['GRU', () => new nn.GRU(3, 4, { bidirectional: true }), [5, 2, 3]],
    ['RNN', () => new nn.RNN(3, 4), [5, 2, 3]],
    ['TransformerEncoderLayer', () => new nn.TransformerEncoderLayer(4, 2, 8, 0), [3, 2, 4]],
    ['BatchNorm', () => new nn.Sequential(new nn.Conv2d(2, 3, 3), new nn.BatchNorm2d(3), new nn.ReLU()), [2, 2, 6, 6]],
  ])('runs %s near its float32 result, with gradients', (_, make, shape) => {
    manualSeed(0);
    const [net, input] = [make(), randn(shape)];
    const first = (y: Tensor | [Tensor, unknown]): Tensor => (Array.isArray(y) ? y[0] : y);
    const got = autocast('cpu', () => first(net(input)));
    const want = first(net(input));
    expect(got.to('float32').allcloseSync(want, { atol: 0.1, rtol: 0.1 })).toBe(true);
    got.to('float32').sum().backward();
    expect(net.parameters().every(({ grad }) => grad?.dtype === 'float32')).toBe(true);
  });

  it('trains', () => {
    manualSeed(0);
    const net = new nn.Sequential(new nn.Linear(4, 16), new nn.ReLU(), new nn.Linear(16, 3));
    const [inputs, labels] = [randn(24, 4), randint(0, 3, [24])];
    const optimizer = new SGD(net.parameters(), { lr: 0.2, momentum: 0.9 });
    const losses = Array.from({ length: 60 }, () => {
      optimizer.zeroGrad();
      const loss = autocast('cpu', () => new nn.CrossEntropyLoss()(net(inputs), labels));
      loss.backward();
      optimizer.step();
      return loss.itemSync();
    });
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 4);
  });
});
