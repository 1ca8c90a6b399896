/** @file Optimizers as PyTorch prints them. */
import type { ParamGroup } from './optimizer.ts';
import { snakeCase } from './state-dict.ts';

/** Options that are floats in Python, so that 1 prints as 1.0. */
const floats: ReadonlySet<string> = new Set(['lr', 'initial_lr', 't0']);

function numberText(value: number, float: boolean): string {
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    return `${digits}e${exponent.startsWith('-') ? '-' : '+'}${Math.abs(Number(exponent)).toString().padStart(2, '0')}`;
  }
  return float && Number.isInteger(value) ? `${value}.0` : String(value);
}

function valueText(value: unknown, float = false): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return numberText(value, float);
  if (Array.isArray(value)) return `(${value.map((item) => valueText(item)).join(', ')})`;
  return String(value);
}

export function describeGroups(name: string, groups: readonly ParamGroup[]): string {
  const lines = [`${name} (`];
  groups.forEach((group, i) => {
    lines.push(`Parameter Group ${i}`);
    const options = Object.entries(group)
      .filter(([key]) => key !== 'params')
      .map(([key, value]) => [snakeCase(key), value] as const);
    options.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, value] of options) lines.push(`    ${key}: ${valueText(value, floats.has(key))}`);
    if (i < groups.length - 1) lines.push('');
  });
  lines.push(')');
  return lines.join('\n');
}
