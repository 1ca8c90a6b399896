/** @file A table of a model's layers: shapes, parameters, multiply-adds. */
import { isTensor, noGrad, type Tensor, zeros } from '@flambeau/tensor';
import { dtypeInfo, isFloating, signature, type Trailing } from '@flambeau/tensor/internal';
import type { Factory } from './arguments.ts';
import type { HookHandle } from './hooks.ts';
import type { Module } from './module.ts';
import { outputDim } from './utils/norms.ts';

type Shape = readonly number[];

export interface SummaryOptions extends Factory {
  /** What the model is called with, in place of zeros of `inputSize`. */
  inputData?: Tensor | readonly unknown[] | undefined;
  /** How many levels of submodules are shown. Default 3. */
  depth?: number | undefined;
}

/** One line of a summary: a call of a module. */
export interface LayerSummary {
  /** The module's path in the model, `''` for the model itself. */
  readonly name: string;
  readonly className: string;
  readonly depth: number;
  /** Of the first tensor that it was called with, null when there was none. */
  readonly inputSize: Shape | null;
  /** Of the first tensor that it gave. */
  readonly outputSize: Shape | null;
  /** Elements of its own parameters and of those below it; 0 when they were counted on a line before. */
  readonly parameters: number;
  /** Multiplications with an addition by its parameters of two dimensions or more, and by those of the modules below it. */
  readonly multAdds: number;
  /** Whether this is a further call of a module that was called before. */
  readonly again: boolean;
}

/** What `summary` found; printing it shows the table. */
export interface ModelSummary {
  readonly layers: readonly LayerSummary[];
  readonly totalParameters: number;
  readonly trainableParameters: number;
  readonly totalMultAdds: number;
  /** Bytes of the inputs. */
  readonly inputBytes: number;
  /** Bytes of the outputs of all layers without submodules, twice: for the backward pass. */
  readonly forwardBackwardBytes: number;
  readonly parameterBytes: number;
  toString(): string;
}

/** Tensors of a nested value. */
function tensorsOf(value: unknown): Tensor[] {
  if (isTensor(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(tensorsOf);
  return [];
}

const product = (sizes: Shape): number => sizes.reduce((n, size) => n * size, 1);
const bytesOf = (x: Tensor): number => x.elementCount * dtypeInfo(x.dtype).bytes;

/**
 * Multiply-adds of matrices and kernels: one of a convolution is used once for each place that it is put to (of the
 * output, or of the input where it is transposed) and element of the batch, any other once for each row of the input.
 */
function multAddsOf(module: Module, parameters: readonly Tensor[], input?: Tensor, output?: Tensor): number {
  if (input === undefined || output === undefined || !isFloating(input.dtype)) return 0;
  let total = 0;
  for (const { ndim, elementCount } of parameters) {
    if (ndim < 2) continue;
    if ('kernelSize' in module && ndim > 2) {
      const places = outputDim(module) === 1 ? input : output;
      const batch = places.ndim === ndim ? places.shape[0]! : 1;
      total += elementCount * product(places.shape.slice(2 - ndim)) * batch;
    } else total += elementCount * product(input.shape.slice(0, -1));
  }
  return total;
}

/** The parameters that a call of the module itself uses: its own, and those of modules below it that are never called. */
function usedBy(module: Module, called: ReadonlySet<Module>): Tensor[] {
  const below = module.children().filter((child) => !called.has(child));
  return [...module.parameters(false), ...below.flatMap((child) => usedBy(child, called))];
}

interface Draft {
  name: string;
  module: Module;
  depth: number;
  input: Tensor | undefined;
  output: Tensor | undefined;
  again: boolean;
  multAdds: number;
  own: number;
}

/** Calls the model and notes each call of a module, in the order in which they begin. */
function watch(model: Module, depth: number, call: () => unknown): Draft[] {
  const drafts: Draft[] = [];
  const open: Draft[] = [];
  const seen = new Set<Module>();
  const counted = new Set<Tensor>();
  const handles: HookHandle[] = [];
  for (const [name, module] of model.namedModules()) {
    handles.push(
      module.registerForwardPreHook((_module, inputs) => {
        const draft: Draft = {
          name,
          module,
          depth: open.length,
          input: tensorsOf([...inputs])[0],
          output: undefined,
          again: seen.has(module),
          multAdds: 0,
          own: 0,
        };
        seen.add(module);
        drafts.push(draft);
        open.push(draft);
      }),
      module.registerForwardHook((_module, inputs, output) => {
        const draft = open.pop()!;
        [draft.input, draft.output] = [tensorsOf([...inputs])[0], tensorsOf(output)[0]];
        // After the call, when lazy modules have their parameters.
        const used = usedBy(module, seen);
        for (const parameter of used) {
          if (!counted.has(parameter)) draft.own += parameter.elementCount;
          counted.add(parameter);
        }
        draft.multAdds += multAddsOf(module, used, draft.input, draft.output);
        const outer = open.at(-1);
        if (outer === undefined) return;
        outer.multAdds += draft.multAdds;
        outer.own += draft.own;
      }),
    );
  }
  try {
    call();
  } finally {
    for (const handle of handles) handle.remove();
  }
  return drafts.filter((draft) => draft.depth <= depth);
}

/** The arguments of the call: given ones, or zeros of one shape or of several. */
function inputsOf(inputSize: Shape | readonly Shape[] | null, { inputData, dtype, device }: SummaryOptions): unknown[] {
  if (inputData !== undefined) return isTensor(inputData) ? [inputData] : [...inputData];
  if (inputSize === null) throw new TypeError('summary(): give inputSize, e.g. [1, 3, 224, 224], or { inputData }');
  const shapes = (Array.isArray(inputSize[0]) ? inputSize : [inputSize]) as readonly Shape[];
  return shapes.map((shape) => zeros([...shape], { dtype, device }));
}

const parse = signature<{ inputSize: Shape | readonly Shape[] | null } & SummaryOptions>('summary', ['inputSize'], {
  inputSize: null,
  inputData: undefined,
  depth: 3,
  dtype: undefined,
  device: undefined,
});

/**
 * What a model consists of, found by calling it once in evaluation mode without gradients. Its mode and its running
 * statistics stay as they are; lazy modules become ordinary ones.
 *
 * ```ts
 * console.log(summary(net, [1, 1, 28, 28])); // a table with one line for each layer
 * summary(net, [1, 1, 28, 28]).totalParameters; // 21840
 * ```
 * @param inputSize shape of the input with its batch dimension, or a list of shapes for several inputs.
 */
export function summary(
  model: Module,
  ...args: Trailing<
    [inputSize: Shape | readonly Shape[]],
    { inputSize?: Shape | readonly Shape[] | undefined } & SummaryOptions
  >
): ModelSummary {
  const { inputSize, ...options } = parse(args);
  const device = options.device ?? model.parameters()[0]?.device;
  const inputs = inputsOf(inputSize, { ...options, device });
  const modes = model.modules().map((module) => [module, module.training] as const);
  let drafts: Draft[];
  try {
    model.eval();
    drafts = noGrad(() => watch(model, options.depth ?? 3, () => model(...(inputs as never[]))));
  } finally {
    for (const [module, training] of modes) module.training = training;
  }
  const parameters = model.parameters();
  const count = (list: readonly Tensor[]): number => list.reduce((n, { elementCount }) => n + elementCount, 0);
  const bytes = (list: readonly Tensor[]): number => list.reduce((n, x) => n + bytesOf(x), 0);
  const outputs = drafts.filter(({ module }) => module.children().length === 0).flatMap(({ output }) => output ?? []);
  const result = {
    layers: drafts.map(
      ({ name, module, depth, input, output, own, multAdds, again }): LayerSummary => ({
        name,
        className: module.constructor.name,
        depth,
        inputSize: input?.shape ?? null,
        outputSize: output?.shape ?? null,
        parameters: own,
        multAdds,
        again,
      }),
    ),
    totalParameters: count(parameters),
    trainableParameters: count(parameters.filter(({ requiresGrad }) => requiresGrad)),
    totalMultAdds: drafts[0]?.multAdds ?? 0,
    inputBytes: bytes(tensorsOf(inputs)),
    forwardBackwardBytes: 2 * bytes(outputs),
    parameterBytes: bytes(parameters),
  };
  for (const key of ['toString', Symbol.for('nodejs.util.inspect.custom')])
    Object.defineProperty(result, key, { value: () => tableOf(result), enumerable: false });
  return result;
}

const grouped = (n: number): string => n.toLocaleString('en-US');
const megabytes = (n: number): string => (n / 1e6).toFixed(2);
const shapeText = (shape: Shape | null): string => (shape === null ? '--' : `[${shape.join(', ')}]`);

/** Cells in columns that are as wide as their widest. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) =>
    row
      .map((cell, c) => cell.padEnd(widths[c]!))
      .join('   ')
      .trimEnd(),
  );
}

function tableOf(found: Omit<ModelSummary, 'toString'>): string {
  const rows = found.layers.map((layer) => {
    const field = layer.name.split('.').at(-1)!;
    const label = field === '' ? layer.className : `${layer.className} (${field})`;
    const indent = layer.depth === 0 ? '' : `${'│    '.repeat(layer.depth - 1)}├─`;
    const parameters = layer.again ? '(recursive)' : layer.parameters === 0 ? '--' : grouped(layer.parameters);
    const multAdds = layer.multAdds === 0 ? '--' : grouped(layer.multAdds);
    return [indent + label, shapeText(layer.inputSize), shapeText(layer.outputSize), parameters, multAdds];
  });
  const [heading, ...lines] = columns([['Layer', 'Input shape', 'Output shape', 'Parameters', 'Mult-adds'], ...rows]);
  const rule = '='.repeat(Math.max(...[heading!, ...lines].map((line) => line.length)));
  const total = found.inputBytes + found.forwardBackwardBytes + found.parameterBytes;
  return [
    rule,
    heading,
    rule,
    ...lines,
    rule,
    `Total parameters: ${grouped(found.totalParameters)}`,
    `Trainable parameters: ${grouped(found.trainableParameters)}`,
    `Non-trainable parameters: ${grouped(found.totalParameters - found.trainableParameters)}`,
    `Total mult-adds: ${grouped(found.totalMultAdds)}`,
    rule,
    `Input size (MB): ${megabytes(found.inputBytes)}`,
    `Forward/backward pass size (MB): ${megabytes(found.forwardBackwardBytes)}`,
    `Parameters size (MB): ${megabytes(found.parameterBytes)}`,
    `Estimated total size (MB): ${megabytes(total)}`,
    rule,
  ].join('\n');
}
