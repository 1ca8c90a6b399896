/**
 * @file The header of a .safetensors file: where which tensor is. The format is described at
 * https://huggingface.co/docs/safetensors: 8 bytes length (little-endian), that many bytes of JSON, then the data of all
 * tensors, little-endian and row-major, without holes or overlaps.
 */
import { type DType, SerializationError } from '@flambeau/tensor';
import { dtypeInfo } from '@flambeau/tensor/internal';
import { type Json, parseJson } from './json.ts';

/** Length of the field that holds the header's length. */
export const lengthBytes = 8;
/** The limit of the reference implementation. */
const maxHeaderBytes = 100_000_000;
/** The data starts at a multiple of this, and the wider dtypes come first, so that all of it is aligned. */
const alignment = 8;
const metadataKey = '__metadata__';

/** One tensor of a file. `begin` and `end` count bytes from the start of the data. */
export interface Entry {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: ReadonlyMap<string, string> | null;
}

const dtypeNames: Partial<Record<DType, string>> = {
  bool: 'BOOL',
  uint8: 'U8',
  int8: 'I8',
  int16: 'I16',
  int32: 'I32',
  int64: 'I64',
  float16: 'F16',
  bfloat16: 'BF16',
  float32: 'F32',
  float64: 'F64',
  complex64: 'C64',
};
const dtypesByName = new Map(Object.entries(dtypeNames).map(([dtype, name]) => [name, dtype as DType]));

/** Reads the length of the header. @throws SerializationError when there is none or it cannot be. */
export function parseHeaderLength(file: string, bytes: Uint8Array, fileBytes: number): number {
  if (bytes.length < lengthBytes) {
    throw new SerializationError(`${file}: ${fileBytes} bytes are too few for a .safetensors file; is it truncated?`);
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const available = BigInt(fileBytes - lengthBytes);
  if (length > available || length > maxHeaderBytes) {
    throw new SerializationError(
      `${file}: no .safetensors file, or a truncated one: it announces a header of ${length} bytes, with ${available} bytes behind`,
    );
  }
  return Number(length);
}

/**
 * Reads and checks a header.
 *
 * @param file what to call the file in messages
 * @param text the JSON, UTF-8
 * @param dataBytes length of the data behind it, which the tensors must fill exactly
 * @throws SerializationError for anything that the format does not allow
 */
export function parseHeader(file: string, text: Uint8Array, dataBytes: number): Header {
  const fail = (reason: string): never => {
    throw new SerializationError(`${file}: bad .safetensors header: ${reason}`);
  };
  let json: Json = null;
  try {
    json = parseJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text));
  } catch (error) {
    fail((error as Error).message);
  }
  if (!(json instanceof Map)) return fail('it is not an object');
  const entries = new Map<string, Entry>();
  let metadata: Map<string, string> | null = null;
  for (const [name, value] of json as ReadonlyMap<string, Json>) {
    if (name === metadataKey) metadata = parseMetadata(value, fail);
    else
      entries.set(
        name,
        parseEntry(value, (reason) => fail(`tensor ${JSON.stringify(name)}: ${reason}`)),
      );
  }
  checkCoverage(entries, dataBytes, fail);
  return { entries, metadata };
}

function parseMetadata(value: Json, fail: (reason: string) => never): Map<string, string> {
  const valid = value instanceof Map && [...value.values()].every((item) => typeof item === 'string');
  return valid ? (value as Map<string, string>) : fail(`${metadataKey} is not an object of strings`);
}

const isCount = (value: Json | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(value: Json, fail: (reason: string) => never): Entry {
  if (!(value instanceof Map)) return fail('its description is not an object');
  const fields = value as ReadonlyMap<string, Json>;
  const dtype = dtypesByName.get(fields.get('dtype') as string);
  if (dtype === undefined) {
    return fail(
      `unknown dtype ${JSON.stringify(fields.get('dtype'))}; known are ${[...dtypesByName.keys()].join(', ')}`,
    );
  }
  const shape = fields.get('shape');
  if (!Array.isArray(shape) || !shape.every(isCount)) return fail('its shape is not a list of sizes');
  const offsets = fields.get('data_offsets');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail('it has no data_offsets [begin, end]');
  }
  const [begin, end] = offsets as [number, number];
  let bytes = dtypeInfo(dtype).bytes;
  for (const size of shape as number[]) {
    bytes *= size;
    if (!Number.isSafeInteger(bytes)) fail(`shape [${shape.join(', ')}] has too many elements`);
  }
  if (end - begin !== bytes) {
    fail(`shape [${shape.join(', ')}] of ${dtype} takes ${bytes} bytes, but data_offsets are [${begin}, ${end}]`);
  }
  return { dtype, shape: shape as number[], begin, end };
}

/** Every byte of the data must belong to exactly one tensor. */
function checkCoverage(entries: ReadonlyMap<string, Entry>, dataBytes: number, fail: (reason: string) => never): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { begin, end }] of inOrder) {
    if (begin !== position) {
      fail(
        `tensor ${JSON.stringify(name)} begins at byte ${begin} of the data, but the tensor before it ends at ${position}`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    fail(`the tensors take ${position} bytes, but the file has ${dataBytes} bytes of data; is it truncated?`);
  }
}

/** What a header is made for. */
export interface Described {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes of data. */
  readonly bytes: number;
}

/** Strings to keep beside the tensors of a file. */
export type Metadata = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

/**
 * Lays out a file: its header, with length field and padding, and the names in the order in which their data follows.
 * The header lists tensors in the given order, the data has the wider dtypes first.
 *
 * @throws SerializationError for a dtype or a name that the format lacks
 */
export function layOut(
  tensors: ReadonlyMap<string, Described>,
  metadata: Metadata | null | undefined,
): { header: Uint8Array; order: string[] } {
  const width = (name: string): number => dtypeInfo(tensors.get(name)!.dtype).bytes;
  const order = [...tensors.keys()].sort((a, b) => width(b) - width(a));
  const begins = new Map<string, number>();
  let position = 0;
  for (const name of order) {
    begins.set(name, position);
    position += tensors.get(name)!.bytes;
  }
  const members: [string, string][] = metadata ? [[metadataKey, metadataJson(metadata)]] : [];
  for (const [name, tensor] of tensors) members.push([name, entryJson(name, tensor, begins.get(name)!)]);
  return { header: encodeHeader(objectJson(members)), order };
}

/** Member by member, because an object of JavaScript's puts keys like "0" first. */
function objectJson(members: readonly (readonly [name: string, json: string])[]): string {
  return `{${members.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(',')}}`;
}

function entryJson(name: string, { dtype, shape, bytes }: Described, begin: number): string {
  const type = dtypeNames[dtype];
  if (type === undefined) {
    throw new SerializationError(
      `save(): tensor ${JSON.stringify(name)}: .safetensors has no dtype ${dtype}; convert it first`,
    );
  }
  if (name === metadataKey) {
    throw new SerializationError(`save(): a tensor cannot be called ${metadataKey} in a .safetensors file`);
  }
  return JSON.stringify({ dtype: type, shape, data_offsets: [begin, begin + bytes] });
}

function metadataJson(metadata: Metadata): string {
  const items: [string, unknown][] = metadata instanceof Map ? [...metadata] : Object.entries(metadata);
  return objectJson(
    items.map(([key, value]) => {
      if (typeof value === 'string') return [key, JSON.stringify(value)];
      throw new SerializationError(`save(): metadata ${JSON.stringify(key)} must be a string, got ${String(value)}`);
    }),
  );
}

function encodeHeader(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / alignment) * alignment;
  if (length > maxHeaderBytes) {
    throw new SerializationError(
      `save(): the header would take ${length} bytes; .safetensors allows ${maxHeaderBytes}`,
    );
  }
  const header = new Uint8Array(lengthBytes + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, lengthBytes);
  return header;
}
