/** Base class of every error that Flambeau throws on purpose; `catch (e) { if (e instanceof FlambeauError) … }`. */
export class FlambeauError extends Error {
  override name = 'FlambeauError';
}

/** Shapes that do not fit an operation. The message names the op and every offending shape. */
export class ShapeError extends FlambeauError {
  override name = 'ShapeError';
}

/** A dtype that an operation or a device does not take. */
export class DTypeError extends FlambeauError {
  override name = 'DTypeError';
}

/** An unknown, missing or mixed device, or a synchronous read from a device that only reads asynchronously. */
export class DeviceError extends FlambeauError {
  override name = 'DeviceError';
}

/** An index or dimension out of range. */
export class IndexError extends FlambeauError {
  override name = 'IndexError';
}

/** Wrong use of automatic differentiation: freed graphs, changed saved tensors, missing package. */
export class AutogradError extends FlambeauError {
  override name = 'AutogradError';
}

/** A file that cannot be read or written as the format wants it. */
export class SerializationError extends FlambeauError {
  override name = 'SerializationError';
}

/** A device's memory limit was reached. */
export class OutOfMemoryError extends FlambeauError {
  override name = 'OutOfMemoryError';
}

/** A matrix that a routine of linear algebra cannot do: singular, not positive definite, or without convergence. */
export class LinAlgError extends FlambeauError {
  override name = 'LinAlgError';
}
