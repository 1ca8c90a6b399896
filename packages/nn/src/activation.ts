/** @file Activations as modules. Each computes the function of the same name in `functional`. */
import { empty, functional as F, Parameter, type Tensor } from '@flambeau/tensor';
import { signature, type Trailing } from '@flambeau/tensor/internal';
import { type Factory, factoryDefaults } from './arguments.ts';
import * as init from './init.ts';
import { Module } from './module.ts';
import { floatText, numberText, settings } from './python.ts';

interface InplaceOption {
  /** Overwrites the input with the result. */
  inplace?: boolean | undefined;
}

type InplaceArguments = Trailing<[inplace: boolean], InplaceOption>;

/** `text` followed by the mention of `inplace`, if it is set. */
const withInplace = (text: string, inplace: boolean): string =>
  [text, inplace ? 'inplace=True' : ''].filter((part) => part !== '').join(', ');

/** An activation whose only setting is `inplace`. */
abstract class Switchable extends Module {
  inplace: boolean;

  constructor(...args: InplaceArguments) {
    super();
    this.inplace = signature<{ inplace: boolean }>(new.target.name, ['inplace'], { inplace: false })(args).inplace;
  }

  override extraRepr(): string {
    return withInplace('', this.inplace);
  }
}

/** max(x, 0). */
export class ReLU extends Switchable {
  forward(input: Tensor): Tensor {
    return F.relu(input, this.inplace);
  }
}

/** min(max(x, 0), 6). */
export class ReLU6 extends Switchable {
  forward(input: Tensor): Tensor {
    return F.relu6(input, this.inplace);
  }
}

/** Scaled exponential linear unit, which keeps mean 0 and variance 1. */
export class SELU extends Switchable {
  forward(input: Tensor): Tensor {
    return F.selu(input, this.inplace);
  }
}

/** x · sigmoid(x). */
export class SiLU extends Switchable {
  forward(input: Tensor): Tensor {
    return F.silu(input, this.inplace);
  }
}

/** x · tanh(softplus(x)). */
export class Mish extends Switchable {
  forward(input: Tensor): Tensor {
    return F.mish(input, this.inplace);
  }
}

/** min(max(x + 3, 0), 6) / 6. */
export class Hardsigmoid extends Switchable {
  forward(input: Tensor): Tensor {
    return F.hardsigmoid(input, this.inplace);
  }
  override extraRepr(): string {
    return '';
  }
}

/** x · hardsigmoid(x). */
export class Hardswish extends Switchable {
  forward(input: Tensor): Tensor {
    return F.hardswish(input, this.inplace);
  }
  override extraRepr(): string {
    return '';
  }
}

/** 1 / (1 + e^−x). */
export class Sigmoid extends Module {
  forward(input: Tensor): Tensor {
    return input.sigmoid();
  }
}

export class Tanh extends Module {
  forward(input: Tensor): Tensor {
    return input.tanh();
  }
}

/** x − tanh(x). */
export class Tanhshrink extends Module {
  forward(input: Tensor): Tensor {
    return F.tanhshrink(input);
  }
}

/** log(sigmoid(x)). */
export class LogSigmoid extends Module {
  forward(input: Tensor): Tensor {
    return F.logsigmoid(input);
  }
}

/** x / (1 + |x|). */
export class Softsign extends Module {
  forward(input: Tensor): Tensor {
    return F.softsign(input);
  }
}

interface AlphaOptions extends InplaceOption {
  alpha?: number | undefined;
}

/** x above 0, alpha · (e^x − 1) below. */
export class ELU extends Module {
  readonly alpha: number;
  inplace: boolean;

  constructor(...args: Trailing<[alpha: number, inplace: boolean], AlphaOptions>) {
    super();
    const { alpha, inplace } = signature<{ alpha: number; inplace: boolean }>('ELU', ['alpha', 'inplace'], {
      alpha: 1,
      inplace: false,
    })(args);
    this.alpha = alpha;
    this.inplace = inplace;
  }

  forward(input: Tensor): Tensor {
    return F.elu(input, this.alpha, this.inplace);
  }

  override extraRepr(): string {
    return withInplace(`alpha=${floatText(this.alpha)}`, this.inplace);
  }
}

/** x above 0, alpha · (e^(x / alpha) − 1) below. */
export class CELU extends Module {
  readonly alpha: number;
  inplace: boolean;

  constructor(...args: Trailing<[alpha: number, inplace: boolean], AlphaOptions>) {
    super();
    const { alpha, inplace } = signature<{ alpha: number; inplace: boolean }>('CELU', ['alpha', 'inplace'], {
      alpha: 1,
      inplace: false,
    })(args);
    this.alpha = alpha;
    this.inplace = inplace;
  }

  forward(input: Tensor): Tensor {
    return F.celu(input, this.alpha, this.inplace);
  }

  override extraRepr(): string {
    return withInplace(`alpha=${floatText(this.alpha)}`, this.inplace);
  }
}

/** x above 0, negativeSlope · x below. */
export class LeakyReLU extends Module {
  readonly negativeSlope: number;
  inplace: boolean;

  constructor(
    ...args: Trailing<[negativeSlope: number, inplace: boolean], InplaceOption & { negativeSlope?: number | undefined }>
  ) {
    super();
    const parse = signature<{ negativeSlope: number; inplace: boolean }>('LeakyReLU', ['negativeSlope', 'inplace'], {
      negativeSlope: 0.01,
      inplace: false,
    });
    const { negativeSlope, inplace } = parse(args);
    this.negativeSlope = negativeSlope;
    this.inplace = inplace;
  }

  forward(input: Tensor): Tensor {
    return F.leakyRelu(input, this.negativeSlope, this.inplace);
  }

  override extraRepr(): string {
    return withInplace(`negative_slope=${numberText(this.negativeSlope)}`, this.inplace);
  }
}

/** min(max(x, minVal), maxVal). */
export class Hardtanh extends Module {
  readonly minVal: number;
  readonly maxVal: number;
  inplace: boolean;

  constructor(
    ...args: Trailing<
      [minVal: number, maxVal: number, inplace: boolean],
      InplaceOption & { minVal?: number | undefined; maxVal?: number | undefined }
    >
  ) {
    super();
    const parse = signature<{ minVal: number; maxVal: number; inplace: boolean }>(
      'Hardtanh',
      ['minVal', 'maxVal', 'inplace'],
      { minVal: -1, maxVal: 1, inplace: false },
    );
    const { minVal, maxVal, inplace } = parse(args);
    if (!(maxVal > minVal))
      throw new RangeError(`Hardtanh: maxVal must be greater than minVal, got ${minVal} and ${maxVal}`);
    this.minVal = minVal;
    this.maxVal = maxVal;
    this.inplace = inplace;
  }

  forward(input: Tensor): Tensor {
    return F.hardtanh(input, this.minVal, this.maxVal, this.inplace);
  }

  override extraRepr(): string {
    // The defaults are floats in PyTorch; other bounds print as integers if both are.
    const { minVal, maxVal } = this;
    const integers = Number.isInteger(minVal) && Number.isInteger(maxVal) && (minVal !== -1 || maxVal !== 1);
    const text = integers ? numberText : floatText;
    return withInplace(`min_val=${text(minVal)}, max_val=${text(maxVal)}`, this.inplace);
  }
}

/** x above `threshold`, `value` elsewhere. */
export class Threshold extends Module {
  readonly threshold: number;
  readonly value: number;
  inplace: boolean;

  constructor(
    ...args:
      | [threshold: number, value: number, ...InplaceArguments]
      | [options: { threshold: number; value: number } & InplaceOption]
  ) {
    super();
    const parse = signature<{ threshold: number; value: number; inplace: boolean }>(
      'Threshold',
      ['threshold', 'value', 'inplace'],
      { inplace: false },
    );
    const { threshold, value, inplace } = parse(args);
    this.threshold = threshold;
    this.value = value;
    this.inplace = inplace;
  }

  forward(input: Tensor): Tensor {
    return F.threshold(input, this.threshold, this.value, this.inplace);
  }

  override extraRepr(): string {
    return withInplace(settings({ threshold: this.threshold, value: this.value }), this.inplace);
  }
}

/** Gaussian error linear unit: x · Φ(x), exactly or by tanh. */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor(...args: Trailing<[approximate: 'none' | 'tanh'], { approximate?: 'none' | 'tanh' | undefined }>) {
    super();
    this.approximate = signature<{ approximate: 'none' | 'tanh' }>('GELU', ['approximate'], { approximate: 'none' })(
      args,
    ).approximate;
  }

  forward(input: Tensor): Tensor {
    return F.gelu(input, this.approximate);
  }

  override extraRepr(): string {
    return `approximate='${this.approximate}'`;
  }
}

/** log(1 + e^(beta · x)) / beta; x itself where beta · x exceeds `threshold`. */
export class Softplus extends Module {
  readonly beta: number;
  readonly threshold: number;

  constructor(
    ...args: Trailing<[beta: number, threshold: number], { beta?: number | undefined; threshold?: number | undefined }>
  ) {
    super();
    const { beta, threshold } = signature<{ beta: number; threshold: number }>('Softplus', ['beta', 'threshold'], {
      beta: 1,
      threshold: 20,
    })(args);
    this.beta = beta;
    this.threshold = threshold;
  }

  forward(input: Tensor): Tensor {
    return F.softplus(input, this.beta, this.threshold);
  }

  override extraRepr(): string {
    return settings({ beta: this.beta, threshold: this.threshold });
  }
}

type ShrinkArguments = Trailing<[lambd: number], { lambd?: number | undefined }>;

/** x where |x| > lambd, else 0. */
export class Hardshrink extends Module {
  readonly lambd: number;

  constructor(...args: ShrinkArguments) {
    super();
    this.lambd = signature<{ lambd: number }>('Hardshrink', ['lambd'], { lambd: 0.5 })(args).lambd;
  }

  forward(input: Tensor): Tensor {
    return F.hardshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return numberText(this.lambd);
  }
}

/** x moved towards 0 by lambd. */
export class Softshrink extends Module {
  readonly lambd: number;

  constructor(...args: ShrinkArguments) {
    super();
    this.lambd = signature<{ lambd: number }>('Softshrink', ['lambd'], { lambd: 0.5 })(args).lambd;
  }

  forward(input: Tensor): Tensor {
    return F.softshrink(input, this.lambd);
  }

  override extraRepr(): string {
    return numberText(this.lambd);
  }
}

/** x above 0, weight · x below; one learned weight, or one for each channel. */
export class PReLU extends Module {
  weight: Parameter;
  readonly numParameters: number;

  constructor(
    ...args: Trailing<
      [numParameters: number, init: number],
      Factory & { numParameters?: number | undefined; init?: number | undefined }
    >
  ) {
    super();
    const parse = signature<{ numParameters: number; init: number } & Factory>('PReLU', ['numParameters', 'init'], {
      numParameters: 1,
      init: 0.25,
      ...factoryDefaults,
    });
    const { numParameters, init: start, dtype, device } = parse(args);
    this.numParameters = numParameters;
    this.weight = new Parameter(empty([numParameters], { dtype, device }));
    init.constant_(this.weight, start);
  }

  forward(input: Tensor): Tensor {
    return F.prelu(input, this.weight);
  }

  override extraRepr(): string {
    return settings({ num_parameters: this.numParameters });
  }
}

/** x above 0; below, x times a number that is drawn from [lower, upper] in training and is their mean otherwise. */
export class RReLU extends Module {
  readonly lower: number;
  readonly upper: number;
  inplace: boolean;

  constructor(
    ...args: Trailing<
      [lower: number, upper: number, inplace: boolean],
      InplaceOption & { lower?: number | undefined; upper?: number | undefined }
    >
  ) {
    super();
    const parse = signature<{ lower: number; upper: number; inplace: boolean }>(
      'RReLU',
      ['lower', 'upper', 'inplace'],
      { lower: 1 / 8, upper: 1 / 3, inplace: false },
    );
    const { lower, upper, inplace } = parse(args);
    this.lower = lower;
    this.upper = upper;
    this.inplace = inplace;
  }

  forward(input: Tensor): Tensor {
    return F.rrelu(input, this.lower, this.upper, this.training, this.inplace);
  }

  override extraRepr(): string {
    return withInplace(`lower=${numberText(this.lower)}, upper=${numberText(this.upper)}`, this.inplace);
  }
}
