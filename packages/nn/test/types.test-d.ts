/** Types that must and must not compile; `npm run typecheck` reads this file, nothing runs it. */
import { autocast, type ModeGuard, type Tensor } from '@flambeau/tensor';
import {
  Conv2d,
  CrossEntropyLoss,
  Dropout,
  Embedding,
  Flatten,
  LazyConv2d,
  LazyLinear,
  Linear,
  MaxPool2d,
  Module,
  ModuleDict,
  ModuleList,
  MSELoss,
  ReLU,
  Sequential,
  summary,
  utils,
} from '../src/index.ts';

declare const x: Tensor;

// A module is called with what its own forward takes, and gives what that gives.
class Pair extends Module {
  forward(a: Tensor, scale: number): [Tensor, number] {
    return [a, scale];
  }
}
const pair: [Tensor, number] = new Pair()(x, 2);
// @ts-expect-error: an argument is missing
new Pair()(x);
// @ts-expect-error: a string is no number
new Pair()(x, 'two');
// @ts-expect-error: the result is no tensor
const wrong: Tensor = new Pair()(x, 2);

const scores: Tensor = new Linear(2, 3)(x);
const loss: Tensor = new CrossEntropyLoss()(scores, x);
// @ts-expect-error: a loss needs a target
new MSELoss()(x);

// Arguments by position, by name, or all by name; no others.
new Conv2d(1, 2, 3, { padding: 'same' });
new Conv2d({ inChannels: 1, outChannels: 2, kernelSize: [3, 3] });
new Dropout({ p: 0.2 });
new Embedding(3, 4, { paddingIdx: 0 });
// @ts-expect-error: a misspelt option
new Conv2d(1, 2, 3, { pading: 1 });
// @ts-expect-error: outFeatures is missing
new Linear({ inFeatures: 1 });
// @ts-expect-error: no such padding mode
new Conv2d(1, 2, 3, { paddingMode: 'mirror' });

// A chain is checked link by link.
const net = new Sequential(new Conv2d(1, 2, 3), new ReLU(), new Flatten(), new Linear(2, 3));
const out: Tensor = net(x);
// @ts-expect-error: a Sequential of layers takes a tensor
net('image');
// @ts-expect-error: a pair is no input of a layer
new Sequential(new MaxPool2d(2, { returnIndices: true }), new ReLU());
class Count extends Module {
  forward(a: Tensor): number {
    return a.length;
  }
}
const count: number = new Sequential(new ReLU(), new Count())(x);
// @ts-expect-error: a number is no input of a layer
new Sequential(new Count(), new ReLU());
const named: Tensor = new Sequential({ act: new ReLU() })(x);

const [maxima, indices]: [Tensor, Tensor] = new MaxPool2d(2, { returnIndices: true })(x);
const pooled: Tensor = new MaxPool2d(2)(x);

// Containers know what they hold.
const layers = new ModuleList([new Linear(1, 2), new Linear(2, 3)]);
const features: number = layers.at(0).outFeatures;
const acts = new ModuleDict({ relu: new ReLU() });
const inplace: boolean = acts.get('relu').inplace;
// @ts-expect-error: a list of layers cannot be called
layers(x);

// Hooks know their module.
new Linear(1, 2).registerForwardHook((module) => {
  const size: number = module.outFeatures;
  return size === 2 ? undefined : null;
});

// Lazy modules are called as the layers that they become.
const lazily: Tensor = new Sequential(new LazyConv2d(4, 3), new Flatten(), new LazyLinear(2))(x);
// @ts-expect-error: the input's channels are not given
new LazyConv2d({ inChannels: 1, outChannels: 2, kernelSize: 3 });

// Utilities give the module's own type back.
const weighted: number = utils.weightNorm(new Linear(1, 2), { dim: null }).outFeatures;
const skipped: Linear = utils.skipInit(Linear, 1, 2);
const called: Tensor = utils.stateless.functionalCall(new Linear(1, 2), { weight: x }, [x]);
// @ts-expect-error: the arguments are those of the constructor
utils.skipInit(Linear, 'one', 2);
// @ts-expect-error: a misspelt option
utils.spectralNorm(new Linear(1, 2), { eps: 1, iterations: 2 });
// @ts-expect-error: an amount is needed
utils.prune.l1Unstructured(new Linear(1, 2), 'weight');
// @ts-expect-error: a parametrization gives a tensor
utils.parametrize.registerParametrization(new Linear(1, 2), 'weight', new Count());
const total: number = summary(new Linear(1, 2), [1, 1]).totalParameters;

// State-dict hooks know their module too.
new Linear(1, 2).registerLoadStateDictPostHook((module, { missingKeys }) => {
  missingKeys.splice(module.outFeatures);
});

// Autocast gives what its function gives.
const mixed: number = autocast('cpu', () => 3);
const later: Promise<Tensor> = autocast({ dtype: 'bfloat16' }, async () => x);
const guard: ModeGuard = autocast();
// @ts-expect-error: a misspelt option
autocast({ device: 'cpu' });

export type Used = [
  typeof lazily,
  typeof weighted,
  typeof skipped,
  typeof called,
  typeof total,
  typeof mixed,
  typeof later,
  typeof guard,
  typeof pair,
  typeof wrong,
  typeof loss,
  typeof out,
  typeof count,
  typeof named,
  typeof maxima,
  typeof indices,
  typeof pooled,
  typeof features,
  typeof inplace,
];
