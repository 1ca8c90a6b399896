/** @file Modules that hold a list or a dictionary of parameters. */
import { IndexError, isTensor, Parameter, type Tensor } from '@flambeau/tensor';
import { checkKey, placeOf } from './containers.ts';
import { Module, type Owned } from './module.ts';

/**
 * A list of parameters. It has no forward.
 *
 * ```ts
 * const weights = new ParameterList([new Parameter(zeros(2)), new Parameter(zeros(3))]);
 * ```
 */
export class ParameterList extends Module {
  private readonly list: Parameter[] = [];

  constructor(parameters: Iterable<Tensor> = []) {
    super();
    this.extend(parameters);
  }

  override *ownEntries(): IterableIterator<[string, Owned]> {
    yield* super.ownEntries();
    for (const [i, parameter] of this.list.entries()) yield [String(i), parameter];
  }

  override setOwned(name: string, value: Owned | null): void {
    if (value instanceof Module || value === null || !(Number(name) in this.list)) super.setOwned(name, value);
    else this.list[Number(name)] = value as Parameter;
  }

  forward(..._input: never[]): never {
    throw new TypeError('a ParameterList cannot be called');
  }

  /** Number of parameters. */
  override get length(): number {
    return this.list.length;
  }

  /** The parameter at a place; -1 is the last. @throws IndexError out of range. */
  at(index: number): Parameter {
    return this.list[placeOf('ParameterList', index, this.list.length)]!;
  }

  /** Puts another parameter at a place. @throws IndexError out of range. */
  set(index: number, parameter: Tensor): this {
    this.list[placeOf('ParameterList', index, this.list.length)] = checkedParameter(
      'ParameterList',
      String(index),
      parameter,
    );
    return this;
  }

  /** Adds a parameter, or a tensor as one, at the end. */
  append(parameter: Tensor): this {
    this.list.push(checkedParameter('ParameterList', String(this.list.length), parameter));
    return this;
  }

  /** Adds parameters, or tensors as such, at the end. */
  extend(parameters: Iterable<Tensor>): this {
    for (const parameter of [...parameters]) this.append(parameter);
    return this;
  }

  [Symbol.iterator](): IterableIterator<Parameter> {
    return this.list.values();
  }

  override extraRepr(): string {
    return this.list
      .map(
        (parameter, i) => `  (${i}): Parameter containing: [torch.${parameter.dtype} of size ${sizeText(parameter)}]`,
      )
      .join('\n');
  }
}

type NamedTensors = Readonly<Record<string, Tensor>> | Iterable<readonly [name: string, parameter: Tensor]>;

/**
 * Parameters by name. It has no forward.
 *
 * ```ts
 * const scales = new ParameterDict({ left: ones(3), right: ones(3) });
 * x.mul(scales.get('left'));
 * ```
 */
export class ParameterDict extends Module {
  private readonly items = new Map<string, Parameter>();

  constructor(parameters: NamedTensors = []) {
    super();
    this.update(parameters);
  }

  override *ownEntries(): IterableIterator<[string, Owned]> {
    yield* super.ownEntries();
    yield* this.items;
  }

  override setOwned(name: string, value: Owned | null): void {
    if (value instanceof Module || value === null || !this.items.has(name)) super.setOwned(name, value);
    else this.items.set(name, value as Parameter);
  }

  forward(..._input: never[]): never {
    throw new TypeError('a ParameterDict cannot be called');
  }

  /** Number of parameters. */
  override get length(): number {
    return this.items.size;
  }

  /** The parameter of a name. @throws IndexError when there is none. */
  get(name: string): Parameter {
    const parameter = this.items.get(name);
    if (parameter === undefined)
      throw new IndexError(
        `ParameterDict: there is no parameter '${name}', only ${[...this.items.keys()].join(', ') || 'none'}`,
      );
    return parameter;
  }

  set(name: string, parameter: Tensor): this {
    return this.update([[name, parameter]]);
  }

  has(name: string): boolean {
    return this.items.has(name);
  }

  /** Adds or replaces parameters. */
  update(parameters: NamedTensors): this {
    const pairs = Symbol.iterator in parameters ? [...parameters] : Object.entries(parameters);
    for (const [name, parameter] of pairs) {
      checkKey('ParameterDict', name);
      this.items.set(name, checkedParameter('ParameterDict', name, parameter));
    }
    return this;
  }

  /** The parameter of a name, which is added if there is none. */
  setdefault(name: string, parameter: Tensor): Parameter {
    if (!this.has(name)) this.set(name, parameter);
    return this.get(name);
  }

  /** Takes a parameter out and returns it. @throws IndexError when there is none. */
  pop(name: string): Parameter {
    const parameter = this.get(name);
    this.items.delete(name);
    return parameter;
  }

  clear(): void {
    this.items.clear();
  }

  keys(): IterableIterator<string> {
    return this.items.keys();
  }

  values(): IterableIterator<Parameter> {
    return this.items.values();
  }

  entries(): IterableIterator<[string, Parameter]> {
    return this.items.entries();
  }

  /** The pairs of name and parameter, as a Map iterates. */
  [Symbol.iterator](): IterableIterator<[string, Parameter]> {
    return this.entries();
  }

  override extraRepr(): string {
    const line = ([name, parameter]: [string, Parameter]): string =>
      `  (${name}): Parameter containing: [torch.${tensorTypes[parameter.dtype]}Tensor of size ${sizeText(parameter)}]`;
    return [...this.items].map(line).join('\n');
  }
}

/** A parameter as it is, any other tensor as a new one. @throws TypeError for what is no tensor. */
function checkedParameter(owner: string, name: string, value: unknown): Parameter {
  if (value instanceof Parameter) return value;
  if (!isTensor(value))
    throw new TypeError(`${owner}: '${name}' is ${value === null ? 'null' : typeof value}, not a tensor`);
  if (value.gradFn) throw new TypeError(`${owner}: '${name}' was computed from other tensors; detach() it first`);
  return new Parameter(value);
}

const sizeText = (parameter: Parameter): string => parameter.shape.join('x');

/** What PyTorch calls the tensor types of dtypes. */
const tensorTypes: Readonly<Record<string, string>> = {
  float32: 'Float',
  float64: 'Double',
  float16: 'Half',
  bfloat16: 'BFloat16',
  complex64: 'ComplexFloat',
  complex128: 'ComplexDouble',
  int8: 'Char',
  uint8: 'Byte',
  int16: 'Short',
  int32: 'Int',
  int64: 'Long',
  bool: 'Bool',
};
