/** @file Modules of modules for the printing cases: the goldens' own classes, and expressions beyond the evaluator. */
import { nn, type Tensor } from 'flambeau';
import { evaluatePython } from '../python/evaluate.ts';

/** A class of the goldens that is only printed. */
abstract class Printed extends nn.Module {
  forward(input: Tensor): Tensor {
    return input;
  }
}

class Net extends Printed {
  conv1 = new nn.Conv2d(3, 6, 5);
  pool = new nn.MaxPool2d(2, 2);
  conv2 = new nn.Conv2d(6, 16, 5);
  fc1 = new nn.Linear(16 * 5 * 5, 120);
  fc2 = new nn.Linear(120, 84);
  fc3 = new nn.Linear(84, 10);
}

class MLP extends Printed {
  flatten = new nn.Flatten();
  linear_relu_stack = new nn.Sequential(
    new nn.Linear(28 * 28, 512),
    new nn.ReLU(),
    new nn.Linear(512, 512),
    new nn.ReLU(),
    new nn.Linear(512, 10),
  );
}

class Res extends Printed {
  blocks = new nn.ModuleList(
    [0, 1].map(() => new nn.Sequential(new nn.Conv2d(4, 4, 3, { padding: 1 }), new nn.BatchNorm2d(4))),
  );
  head = null;
  pool = new nn.AdaptiveAvgPool2d(1);
}

class Scaled extends Printed {
  s: number;
  constructor(s: number) {
    super();
    this.s = s;
  }
  override extraRepr(): string {
    return `s=${this.s}`;
  }
}

const special: Readonly<Record<string, () => nn.Module>> = {
  'Net()': () => new Net(),
  'MLP()': () => new MLP(),
  'Scaled(2.5)': () => new Scaled(2.5),
  'nn.Sequential(nn.ModuleList([nn.ReLU()]), Res())': () =>
    new nn.Sequential({ 0: new nn.ModuleList([new nn.ReLU()]), 1: new Res() }),
  'nn.Sequential(*[nn.Linear(1, 1) for _ in range(12)])': () =>
    new nn.Sequential(new Map(Array.from({ length: 12 }, (_, i) => [String(i), new nn.Linear(1, 1)]))),
};

/** `OrderedDict([(name, module), …])` as a Map. */
const withMaps = (expr: string): string =>
  expr.replace(
    /OrderedDict\((\[.*\])\)/,
    (_, pairs: string) =>
      `{${pairs.slice(1, -1).replace(/\(('\w+'), (nn\.\w+\((?:[^()]|\([^()]*\))*\))\)/g, '$1: $2')}}`,
  );

export function compositeModule(expr: string): unknown {
  return special[expr]?.() ?? evaluatePython(withMaps(expr));
}
