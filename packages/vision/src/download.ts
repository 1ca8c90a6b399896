/** @file Downloads: several mirrors, resumed where they broke off, checked, and only then put in place. */
import { nodeModule } from '@flambeau/tensor/internal';
import { DownloadError } from './errors.ts';

/** How far a download is. */
export interface Progress {
  /** Name of the file. */
  readonly file: string;
  /** Bytes that are there. */
  readonly received: number;
  /** Bytes in all, when known. */
  readonly total: number | null;
}

export interface DownloadOptions {
  /** MD5 of the whole file, as hexadecimal digits. */
  md5: string;
  /** Called as bytes arrive. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Gives up when aborted; what has arrived is kept for the next try. */
  signal?: AbortSignal | undefined;
  /** Milliseconds without a byte after which a source is given up. Default 30,000. */
  timeout?: number | undefined;
}

const defaultTimeout = 30_000;

/**
 * Downloads a file from the first source that delivers it with the right checksum.
 *
 * Bytes are collected in `<path>.part`. When a transfer breaks off, the next one (of this call or a later one) asks for
 * the rest only. The file appears under `path` when it is complete and its checksum is right, never before.
 *
 * @param urls sources of the same file, tried in this order
 * @throws DownloadError when none of them delivers, with the reason for each; the signal's reason when aborted
 */
export async function download(urls: readonly string[], path: string, options: DownloadOptions): Promise<void> {
  const { mkdir, rename, rm } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const { basename, dirname } = nodeModule<typeof import('node:path')>('node:path');
  const part = `${path}.part`;
  const failures = new Set<string>();
  await mkdir(dirname(path), { recursive: true });
  for (const url of urls) {
    // A second try goes on where the first broke off, or starts afresh where an old part spoilt the first.
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        const resumed = await fetchInto(url, part, basename(path), options);
        const found = await md5OfFile(part);
        if (found === options.md5) {
          await rename(part, path);
          return;
        }
        await rm(part, { force: true });
        failures.add(`${url}: the file has MD5 ${found} instead of ${options.md5}`);
        if (!resumed) break;
      } catch (error) {
        await removeEmpty(part);
        options.signal?.throwIfAborted();
        failures.add(`${url}: ${reasonOf(error)}`);
      }
    }
  }
  throw new DownloadError(
    `could not download ${basename(path)}:\n${[...failures].map((failure) => `  ${failure}`).join('\n')}\n` +
      `Check the network and try again (what has arrived is kept), or put the file at ${path} yourself.`,
  );
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}

/** Appends what is missing of a file (and returns true), or writes all of it where the server does not resume. */
async function fetchInto(url: string, part: string, file: string, options: DownloadOptions): Promise<boolean> {
  const { open } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const watchdog = watch(options);
  const handle = await open(part, 'a');
  try {
    let received = (await handle.stat()).size;
    const response = await fetch(url, { headers: requestHeaders(received), signal: watchdog.signal });
    if (response.status === 416 || (response.status === 200 && received > 0)) {
      await handle.truncate(0);
      received = 0;
    }
    if (!response.ok || response.body === null) {
      throw new Error(`the server answers ${response.status} ${response.statusText}`);
    }
    const resumed = received > 0;
    const total = totalBytes(response, received);
    options.onProgress?.({ file, received, total });
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      watchdog.alive();
      await handle.appendFile(chunk);
      received += chunk.length;
      options.onProgress?.({ file, received, total });
    }
    if (total !== null && received !== total) throw new Error(`the transfer ended after ${received} of ${total} bytes`);
    return resumed;
  } finally {
    watchdog.stop();
    await handle.close();
  }
}

/** 'identity', because fetch undoes an encoding of the transfer, and the checksum is that of the file itself. */
function requestHeaders(present: number): Record<string, string> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' };
  if (present > 0) headers.range = `bytes=${present}-`;
  return headers;
}

/** Size of the whole file as a response tells it. @throws Error when the response is another part than the one asked for. */
function totalBytes(response: Response, received: number): number | null {
  if (response.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    if (range === null || Number(range[1]) !== received) {
      throw new Error('the server sends another part than the one asked for');
    }
    return range[2] === '*' ? null : Number(range[2]);
  }
  const length = response.headers.get('content-length');
  return length === null || response.headers.has('content-encoding') ? null : Number(length);
}

/** A signal that fires when nothing arrives for a while, or when the caller's does. */
function watch({ signal, timeout = defaultTimeout }: DownloadOptions): {
  signal: AbortSignal;
  alive(): void;
  stop(): void;
} {
  const silence = new AbortController();
  const fire = (): void => silence.abort(new Error(`nothing arrived for ${timeout / 1000} s`));
  let timer = setTimeout(fire, timeout);
  return {
    signal: signal === undefined ? silence.signal : AbortSignal.any([signal, silence.signal]),
    alive() {
      clearTimeout(timer);
      timer = setTimeout(fire, timeout);
    },
    stop: () => clearTimeout(timer),
  };
}

/** A transfer that never began leaves no trace. */
async function removeEmpty(path: string): Promise<void> {
  const { rm, stat } = nodeModule<typeof import('node:fs/promises')>('node:fs/promises');
  const stats = await stat(path).catch(() => undefined);
  if (stats?.size === 0) await rm(path, { force: true });
}

async function md5OfFile(path: string): Promise<string> {
  const { createHash } = nodeModule<typeof import('node:crypto')>('node:crypto');
  const { createReadStream } = nodeModule<typeof import('node:fs')>('node:fs');
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
