/** @file What every example gets and is. */

export interface Context {
  /** Folder with data, or null: the example finds or makes its own. */
  readonly data: string | null;
  readonly device: string;
  /** Folder for results; it exists. */
  readonly out: string;
  readonly seed: number;
  /** Full length, or short for a test that everything works. */
  readonly quick: boolean;
}

export interface Example {
  readonly description: string;
  run(context: Context): Promise<void>;
}
