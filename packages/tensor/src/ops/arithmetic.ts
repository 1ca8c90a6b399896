/** @file Arithmetic of two operands. */
import { checkOptions } from '../args.ts';
import { call } from '../ir/expr.ts';
import { type Pointwise, type PointwiseFunction, pointwise, pointwiseFunction } from '../pointwise.ts';
import type { Tensor } from '../tensor.ts';
import { binary, type OutOption, type TensorOrScalar } from './make.ts';

export interface AlphaOptions extends OutOption {
  /** Multiplies the second operand first. */
  alpha?: number | undefined;
}

function withAlpha(name: string, plain: Pointwise, scaled: Pointwise): PointwiseFunction<[other: TensorOrScalar, options?: AlphaOptions]> {
  return pointwiseFunction((self: Tensor, other: TensorOrScalar, options?: AlphaOptions) => {
    if (options === undefined) return [plain, [self, other]];
    checkOptions(name, options, ['alpha', 'out']);
    const { alpha = 1, out } = options;
    return alpha === 1 ? [plain, [self, other], out] : [scaled, [self, other, alpha], out];
  });
}

const addOp = pointwise(2, (a, b) => a!.add(b!), { name: 'add', promotion: 'promote' });
const addScaledOp = pointwise(3, (a, b, alpha) => a!.add(alpha!.mul(b!)), { name: 'add', promotion: 'promote', parameters: 1 });
const subOp = pointwise(2, (a, b) => a!.sub(b!), { name: 'sub', promotion: 'promote', refuses: ['bool'] });
const subScaledOp = pointwise(3, (a, b, alpha) => a!.sub(alpha!.mul(b!)), { name: 'sub', promotion: 'promote', parameters: 1, refuses: ['bool'] });

/**
 * self + alpha · other, elementwise with broadcasting. `x.add_(y)` in place.
 *
 * ```ts
 * tensor([1, 2]).add(tensor([10, 20]), { alpha: 2 }); // tensor([21., 42.])
 * ```
 */
export const add = withAlpha('add', addOp, addScaledOp);

/** self − alpha · other. */
export const sub = withAlpha('sub', subOp, subScaledOp);
export const subtract = sub;

/** self · other. */
export const mul = binary('mul', (a, b) => a.mul(b), { promotion: 'promote' });
export const multiply = mul;

const trueDiv = pointwise(2, (a, b) => a!.div(b!), { name: 'div', promotion: 'float' });
const truncDiv = pointwise(2, (a, b) => call('truncDiv', a!, b!), { name: 'div', node: 'DivBackward1', promotion: 'promote', refuses: ['bool'] });
const floorDiv = pointwise(2, (a, b) => call('floorDiv', a!, b!), { name: 'div', node: 'DivBackward1', promotion: 'promote', refuses: ['bool'] });

export interface DivOptions extends OutOption {
  /** null: true division; 'trunc': towards zero; 'floor': down. */
  roundingMode?: 'trunc' | 'floor' | null | undefined;
}

/** self / other. Integers give the default floating dtype unless `roundingMode` is given. */
export const div: PointwiseFunction<[other: TensorOrScalar, options?: DivOptions]> = pointwiseFunction(
  (self: Tensor, other: TensorOrScalar, options: DivOptions = {}) => {
    checkOptions('div', options, ['roundingMode', 'out']);
    const { roundingMode = null, out } = options;
    if (roundingMode !== null && roundingMode !== 'trunc' && roundingMode !== 'floor') {
      throw new TypeError(`div(): roundingMode must be null, 'trunc' or 'floor', got ${JSON.stringify(roundingMode)}`);
    }
    return [roundingMode === null ? trueDiv : roundingMode === 'trunc' ? truncDiv : floorDiv, [self, other], out];
  },
);
export const divide = div;
