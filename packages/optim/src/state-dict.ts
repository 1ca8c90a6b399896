/** @file An optimizer's state in PyTorch's form: parameters by number, names with underscores. */
import { DeviceError, isTensor, SerializationError, type Tensor, tensor } from '@flambeau/tensor';
import { isFloating, untracked } from '@flambeau/tensor/internal';
import type { ParameterState, ParamGroup } from './optimizer.ts';

/** What `torch.save(optimizer.state_dict())` holds. */
export interface OptimizerState {
  /** What is kept for each parameter, by its number. */
  state: Map<number, Record<string, unknown>>;
  /** Options in PyTorch's names; `params` lists the numbers of the group's parameters. */
  param_groups: Record<string, unknown>[];
}

/** `weightDecay` → `weight_decay`. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `weight_decay` → `weightDecay`. */
export const camelCase = (name: string): string =>
  name.replace(/_([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

export function packState(
  groups: readonly ParamGroup[],
  state: ReadonlyMap<Tensor, ParameterState>,
  tensorNumbers: readonly string[],
): OptimizerState {
  const numbers = new Map<Tensor, number>();
  const paramGroups = groups.map(({ params, ...options }) => {
    const packed: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(options)) packed[snakeCase(key)] = value;
    packed.params = params.map((parameter) => {
      if (!numbers.has(parameter)) numbers.set(parameter, numbers.size);
      return numbers.get(parameter)!;
    });
    return packed;
  });
  const packed = new Map<number, Record<string, unknown>>();
  for (const [parameter, number] of numbers) {
    const kept = state.get(parameter);
    if (kept === undefined) continue;
    const entries = Object.entries(kept).map(([key, value]) => {
      const asTensor = typeof value === 'number' && tensorNumbers.includes(key);
      return [key, asTensor ? tensor(value, { dtype: 'float32', device: 'cpu' }) : value] as const;
    });
    packed.set(number, Object.fromEntries(entries));
  }
  return { state: packed, param_groups: paramGroups };
}

/** The entries of a dictionary, however it came out of a file. */
function entriesOf(value: unknown, what: string): [string | number, unknown][] {
  if (value instanceof Map) return [...value] as [string | number, unknown][];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new SerializationError(
    `optimizer state: ${what} must be a dictionary, got ${value === null ? 'null' : typeof value}`,
  );
}

interface Unpacked {
  readonly groups: readonly Record<string, unknown>[];
  readonly states: readonly (readonly [Tensor, ParameterState])[];
}

/** @throws SerializationError when groups or their sizes do not fit. */
export function unpackState(source: unknown, groups: readonly ParamGroup[]): Unpacked {
  const top = new Map(entriesOf(source, 'the state dict'));
  const saved = top.get('param_groups');
  if (!Array.isArray(saved)) throw new SerializationError("optimizer state: there is no list 'param_groups'");
  if (saved.length !== groups.length) {
    throw new SerializationError(
      `optimizer state: the loaded state dict has ${saved.length} parameter groups, this optimizer ${groups.length}`,
    );
  }
  const byNumber = new Map<string, Tensor>();
  const options = saved.map((group, i) => {
    const entries = new Map(entriesOf(group, 'a parameter group'));
    const numbers = entries.get('params');
    const { params } = groups[i]!;
    if (!Array.isArray(numbers) || numbers.length !== params.length) {
      throw new SerializationError(
        `optimizer state: parameter group ${i} of the loaded state dict does not match the ${params.length} parameters of this optimizer's group`,
      );
    }
    numbers.forEach((number, j) => {
      byNumber.set(String(number), params[j]!);
    });
    entries.delete('params');
    return Object.fromEntries([...entries].map(([key, value]) => [camelCase(String(key)), value]));
  });
  const states = entriesOf(top.get('state'), "'state'").map(([number, kept]) => {
    const parameter = byNumber.get(String(number));
    if (parameter === undefined)
      throw new SerializationError(`optimizer state: there is state for parameter ${number}, which no group has`);
    const entries = entriesOf(kept, `the state of parameter ${number}`).map(
      ([key, value]) => [String(key), fitted(value, String(key), parameter)] as const,
    );
    return [parameter, Object.fromEntries(entries) as ParameterState] as const;
  });
  return { groups: options, states };
}

/** A loaded value in the form that optimizers work with: numbers for PyTorch's 0-d counters, tensors like the parameter. */
function fitted(value: unknown, key: string, parameter: Tensor): ParameterState[string] {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map((item) => fitted(item, key, parameter)) as (Tensor | number | null)[];
  if (!isTensor(value)) return value as number | null;
  if (value.elementCount === 1 && value.ndim === 0 && counters.has(key)) return counted(value, key);
  return untracked(() => {
    const cast = isFloating(parameter.dtype) ? value.detach().to(parameter.dtype) : value.detach();
    return cast.to(parameter.device).clone();
  });
}

/** @throws DeviceError for a counter that cannot be read at once. */
function counted(value: Tensor, key: string): number {
  if (value.device === 'cpu') return value.itemSync();
  throw new DeviceError(
    `optimizer state: '${key}' is on device '${value.device}', but counters stay on the CPU; move it with \`await x.cpu()\``,
  );
}

/** What PyTorch keeps as 0-d tensors and is a number here. */
const counters: ReadonlySet<string> = new Set(['step', 'mu_product', 'eta', 'mu', 't', 'H_diag', 'ro', 'al']);
