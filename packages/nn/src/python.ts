/** @file PyTorch's text for modules: Python's notation of numbers, tuples and booleans. */

/** A number as Python writes a float: `1.0`, `1e-05`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string];
    const power = Math.abs(Number(exponent)).toString().padStart(2, '0');
    return `${digits}e${exponent.startsWith('-') ? '-' : '+'}${power}`;
  }
  return Number.isInteger(value) ? `${Object.is(value, -0) ? '-0' : value}.0` : String(value);
}

/** A number as Python writes it: integers without a point. */
export const numberText = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e16 ? String(value) : floatText(value);

export type Describable = number | string | boolean | null | readonly (number | string | boolean | null)[];

/** Any setting as Python prints it with str(): `True`, `None`, `(3, 3)`, `(3,)`. */
export function valueText(value: Describable): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return value;
  const items = value.map((item) => (typeof item === 'string' ? `'${item}'` : valueText(item)));
  return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
}

/** Settings as PyTorch lists them, `a=1, b=True`. A value that is a string is text already. */
export function settings(entries: Readonly<Record<string, Describable>>): string {
  return Object.entries(entries)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(', ');
}

const indented = (text: string): string => text.replaceAll('\n', '\n  ');

/** The text of a module: its settings alone on one line, or with its children one to a line. */
export function describeModule(
  name: string,
  extra: string,
  children: readonly (readonly [name: string, text: string])[],
): string {
  const extraLines = extra === '' ? [] : extra.split('\n');
  const lines = [...extraLines, ...children.map(([child, text]) => `(${child}): ${indented(text)}`)];
  if (lines.length === 0) return `${name}()`;
  if (extraLines.length === 1 && children.length === 0) return `${name}(${extra})`;
  return `${name}(\n  ${lines.join('\n  ')}\n)`;
}
