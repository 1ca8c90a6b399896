/** How tensors are printed; PyTorch's print options. */
export interface PrintOptions {
  /** Digits after the decimal point. */
  readonly precision: number;
  /** Tensors with more elements than this are summarized by their first and last elements. */
  readonly threshold: number;
  /** Elements printed at either end of a summarized dimension. */
  readonly edgeitems: number;
  /** Characters in a line. */
  readonly linewidth: number;
  /** Scientific notation: always, never, or (null) where the numbers call for it. */
  readonly sciMode: boolean | null;
}

const profiles = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Infinity, edgeitems: 3, linewidth: 80 },
} as const;

/** What `setPrintoptions` takes: a profile to start from, and single options that go before it. */
export interface PrintOptionChanges {
  precision?: number | undefined;
  threshold?: number | undefined;
  edgeitems?: number | undefined;
  linewidth?: number | undefined;
  profile?: keyof typeof profiles | undefined;
  sciMode?: boolean | null | undefined;
}

const limits = {
  precision: { max: 100, integer: true },
  threshold: { max: Infinity, integer: false },
  edgeitems: { max: Infinity, integer: true },
  linewidth: { max: Infinity, integer: false },
};

/** The options that PyTorch starts with. */
export function defaultPrintOptions(): PrintOptions {
  return { ...profiles.default, sciMode: null };
}

/**
 * `options` with `changes` made to them. As in PyTorch, `sciMode` goes back to automatic unless it is given.
 *
 * @throws TypeError for unknown options, profiles and values of the wrong type; RangeError for numbers out of range.
 */
export function changePrintOptions(options: PrintOptions, changes: PrintOptionChanges): PrintOptions {
  const { profile, sciMode = null, ...numbers } = changes;
  if (profile !== undefined && !Object.hasOwn(profiles, profile)) {
    throw new TypeError(`setPrintoptions: profile is one of ${Object.keys(profiles).join(', ')}, got ${profile}`);
  }
  if (sciMode !== null && typeof sciMode !== 'boolean') {
    throw new TypeError(`setPrintoptions: sciMode is true, false or null, got ${sciMode}`);
  }
  const changed = { ...options, ...(profile && profiles[profile]), sciMode };
  for (const [name, value] of Object.entries(numbers)) {
    if (!Object.hasOwn(limits, name)) {
      const known = [...Object.keys(limits), 'profile', 'sciMode'].join(', ');
      throw new TypeError(`setPrintoptions: unknown option ${name}; known are ${known}`);
    }
    if (value !== undefined) changed[name as keyof typeof limits] = checked(name as keyof typeof limits, value);
  }
  return changed;
}

function checked(name: keyof typeof limits, value: number): number {
  const { max, integer } = limits[name];
  if (typeof value !== 'number') throw new TypeError(`setPrintoptions: ${name} is a number, got ${typeof value}`);
  if (!(value >= 0 && value <= max) || (integer && !Number.isInteger(value))) {
    const kind = integer ? 'an integer' : 'a number';
    throw new RangeError(`setPrintoptions: ${name} is ${kind} from 0 to ${max}, got ${value}`);
  }
  return value;
}
