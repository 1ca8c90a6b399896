import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { download, type Progress } from '../src/download.ts';
import { DownloadError } from '../src/errors.ts';

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const md5 = createHash('md5').update(content).digest('hex');

type Handler = (request: IncomingMessage, response: ServerResponse, from: number) => void;

let folder: string;
let server: Server;
let base: string;
/** What was asked for: `/path from-byte`. */
let requests: string[];

const handlers: Record<string, Handler> = {
  '/good': (_request, response, from) => {
    if (from > 0) response.writeHead(206, { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` });
    else response.writeHead(200, { 'content-length': content.length });
    response.end(content.subarray(from));
  },
  /** Sends 50,000 bytes of what is asked for and breaks the connection. */
  '/breaks': (_request, response, from) => {
    const length = content.length - from;
    if (from > 0) response.writeHead(206, { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` });
    else response.writeHead(200, { 'content-length': length });
    response.write(content.subarray(from, from + 50_000), () => response.destroy());
  },
  /** Knows no ranges. */
  '/whole': (_request, response) => {
    response.writeHead(200, { 'content-length': content.length }).end(content);
  },
  '/wrong': (_request, response) => {
    response.writeHead(200).end(new Uint8Array(1000));
  },
  '/wrong-range': (_request, response) => {
    response
      .writeHead(206, { 'content-range': `bytes 7-${content.length - 1}/${content.length}` })
      .end(content.subarray(7));
  },
  '/too-far': (_request, response, from) => {
    if (from > 0) response.writeHead(416).end();
    else response.writeHead(200, { 'content-length': content.length }).end(content);
  },
  '/silent': (_request, response) => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, 10));
  },
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flambeau-download-'));
  requests = [];
  server = createServer((request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    requests.push(`${request.url} ${from}`);
    const handler = handlers[request.url ?? ''];
    if (handler === undefined) response.writeHead(404, 'Not Found').end('no such page');
    else handler(request, response, from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

describe('download', () => {
  it('fetches a file and reports how far it is', async () => {
    const steps: Progress[] = [];
    const path = join(folder, 'deep', 'er', 'file.gz');
    await download([`${base}/good`], path, { md5, onProgress: (step) => steps.push(step) });
    expect(new Uint8Array(await readFile(path))).toEqual(content);
    expect(await readdir(join(folder, 'deep', 'er'))).toEqual(['file.gz']);
    expect(steps[0]).toEqual({ file: 'file.gz', received: 0, total: content.length });
    expect(steps.at(-1)).toEqual({ file: 'file.gz', received: content.length, total: content.length });
  });

  it('asks only for the rest when a transfer broke off, also from another mirror', async () => {
    const path = join(folder, 'file');
    await download([`${base}/breaks`, `${base}/good`], path, { md5 });
    expect(requests).toEqual(['/breaks 0', '/breaks 50000', '/good 100000']);
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  it('goes on in a later call', async () => {
    const path = join(folder, 'file');
    await expect(download([`${base}/breaks`], path, { md5 })).rejects.toThrow(DownloadError);
    expect(await readdir(folder)).toEqual(['file.part']);
    await download([`${base}/good`], path, { md5 });
    expect(requests.at(-1)).toBe('/good 100000');
    expect(await readdir(folder)).toEqual(['file']);
  });

  it('starts afresh where a server cannot resume', async () => {
    const path = join(folder, 'file');
    for (const route of ['whole', 'too-far']) {
      await writeFile(`${path}.part`, content.subarray(0, 1234));
      await download([`${base}/${route}`], path, { md5 });
      expect(new Uint8Array(await readFile(path))).toEqual(content);
    }
    expect(requests).toEqual(['/whole 1234', '/too-far 1234', '/too-far 0']);
  });

  it('throws away an old part that spoils the file', async () => {
    const path = join(folder, 'file');
    await writeFile(`${path}.part`, new Uint8Array(1234).fill(1));
    await download([`${base}/good`], path, { md5 });
    expect(requests).toEqual(['/good 1234', '/good 0']);
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  it('finishes a part that is already whole', async () => {
    const path = join(folder, 'file');
    await writeFile(`${path}.part`, content);
    await download([`${base}/too-far`], path, { md5 });
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  it('never accepts a file with another checksum, and lists what each source did', async () => {
    const path = join(folder, 'file');
    const urls = [`${base}/wrong`, `${base}/missing`, 'http://127.0.0.1:1/nobody', 'not a url'];
    const error = await download(urls, path, { md5 }).catch((e: Error) => e);
    expect(error).toBeInstanceOf(DownloadError);
    const { message } = error as Error;
    expect(message).toContain('/wrong: the file has MD5');
    expect(message).toContain('/missing: the server answers 404 Not Found');
    expect(message).toContain('/nobody: fetch failed');
    expect(message).toContain('not a url: ');
    expect(message).toContain(`put the file at ${path} yourself`);
    expect(await readdir(folder)).not.toContain('file');
    expect(requests.filter((request) => request.startsWith('/wrong'))).toHaveLength(1);
  });

  it('keeps a part when a server answers with an error', async () => {
    const path = join(folder, 'file');
    await writeFile(`${path}.part`, content.subarray(0, 1000));
    await download([`${base}/missing`, `${base}/wrong-range`, `${base}/good`], path, { md5 });
    expect(requests.at(-1)).toBe('/good 1000');
    expect(new Uint8Array(await readFile(path))).toEqual(content);
  });

  it('gives up a source that falls silent', async () => {
    const path = join(folder, 'file');
    await download([`${base}/silent`, `${base}/good`], path, { md5, timeout: 100 });
    expect(new Uint8Array(await readFile(path))).toEqual(content);
    await rm(path);
    await expect(download([`${base}/silent`], path, { md5, timeout: 100 })).rejects.toThrow(
      /nothing arrived for 0.1 s/,
    );
  });

  it('ends with the reason of an aborted signal, keeping what has arrived', async () => {
    const path = join(folder, 'file');
    const controller = new AbortController();
    const running = download([`${base}/silent`, `${base}/good`], path, {
      md5,
      signal: controller.signal,
      onProgress: ({ received }) => {
        if (received > 0) controller.abort(new Error('enough'));
      },
    });
    await expect(running).rejects.toThrow('enough');
    expect(await readdir(folder)).toEqual(['file.part']);
    expect(requests).toEqual(['/silent 0']);
  });
});
