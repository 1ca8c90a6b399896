/**
 * @file Balancing (Parlett & Reinsch 1969) for eigenvalues of matrices whose rows and columns differ in size by orders.
 * Lengths include the diagonal, without which it may do harm (James, Langou & Lowery 2014).
 */
import { column, type Line, type Matrix, norm, row, scaled, update } from './matrix.ts';

const multiply = (line: Line, factor: number): void => update(line, (value) => scaled(value, factor));

/**
 * Overwrites A with D⁻¹ A D, where D is diagonal and makes rows about as long as columns; returns D. Its elements are
 * powers of two, so that nothing is rounded.
 */
export function balance(a: Matrix): Float64Array {
  const scales = new Float64Array(a.rows).fill(1);
  for (let changed = true; changed; ) {
    changed = false;
    for (let i = 0; i < a.rows; i++) {
      const down = norm(column(a, i));
      const across = norm(row(a, i));
      if (down === 0 || across === 0) continue;
      const factor = 2 ** Math.round(Math.log2(across / down) / 2);
      const gain = down * factor + across / factor < 0.95 * (down + across);
      // Beyond these, scales themselves would overflow.
      if (!gain || !(scales[i]! * factor < 1e150 && scales[i]! * factor > 1e-150)) continue;
      multiply(column(a, i), factor);
      multiply(row(a, i), 1 / factor);
      scales[i] = scales[i]! * factor;
      changed = true;
    }
  }
  return scales;
}
