import '@flambeau/backend-cpu';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ones, SerializationError, tensor } from '@flambeau/tensor';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { load, save, saveSafetensors, writeFileAtomic } from '../src/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flambeau-save-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('save and load', () => {
  it('write and read a file, by path or URL', async () => {
    const state = new Map([
      ['weight', tensor([[1, 2]])],
      ['steps', tensor([7n])],
    ]);
    const path = join(folder, 'Model.SafeTensors');
    await save(state, path, { metadata: new Map([['epoch', '3']]) });
    expect(await readdir(folder)).toEqual(['Model.SafeTensors']);
    for (const place of [path, pathToFileURL(path)]) {
      const loaded = await load(place);
      expect([...loaded.keys()]).toEqual(['weight', 'steps']);
      expect(loaded.get('weight')!.toArraySync()).toEqual([[1, 2]]);
      expect(loaded.get('steps')!.dtype).toBe('int64');
      expect(loaded.metadata!.get('epoch')).toBe('3');
    }
    expect(new Uint8Array(await readFile(path))).toEqual(saveSafetensors(state, { epoch: '3' }));
  });

  it('replace a file only when the new one is complete', async () => {
    const path = join(folder, 'x.safetensors');
    await save({ x: ones(1) }, path);
    const before = await readFile(path);
    const y = ones(2);
    const saving = save({ y }, path);
    y.add_(1);
    await expect(saving).rejects.toThrow(/tensor "y" was changed while .* was being written/);
    await expect(save({ z: 'no tensor' } as never, path)).rejects.toThrow(SerializationError);
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(folder)).toEqual(['x.safetensors']);
  });

  it('name the formats when the extension is not known', async () => {
    await expect(save({ x: ones(1) }, join(folder, 'x.pth'))).rejects.toThrow(
      /extension \.pth; the formats .* are \.safetensors/,
    );
    await expect(load(join(folder, 'weights'))).rejects.toThrow(/has no extension/);
    await expect(load(join(folder, 'v1.2', 'weights'))).rejects.toThrow(SerializationError);
    expect(await readdir(folder)).toEqual([]);
  });

  it('say what the file system refuses', async () => {
    await mkdir(join(folder, 'dir.safetensors'));
    await expect(load(join(folder, 'none.safetensors'))).rejects.toThrow(
      /cannot read .*none\.safetensors: no such file/,
    );
    await expect(load(join(folder, 'dir.safetensors'))).rejects.toThrow(/cannot read .*dir\.safetensors/);
    await expect(save({ x: ones(1) }, join(folder, 'no', 'x.safetensors'))).rejects.toThrow(
      /cannot write .*no such file or folder/,
    );
    await expect(save({ x: ones(1) }, join(folder, 'dir.safetensors'))).rejects.toThrow(SerializationError);
    expect(await readdir(folder)).toEqual(['dir.safetensors']);
  });

  it('refuse truncated and empty files', async () => {
    const path = join(folder, 'x.safetensors');
    const bytes = saveSafetensors({ x: ones(100) });
    for (const length of [0, 5, 8, 30, bytes.length - 1]) {
      await writeFile(path, bytes.subarray(0, length));
      await expect(load(path)).rejects.toThrow(SerializationError);
      await expect(load(path)).rejects.toThrow(path);
    }
  });
});

describe('writeFileAtomic', () => {
  it('leaves nothing behind when a piece cannot be made', async () => {
    function* pieces() {
      yield new Uint8Array(1000);
      throw new Error('no more');
    }
    const path = join(folder, 'file');
    await writeFile(path, 'old');
    await expect(writeFileAtomic(path, pieces())).rejects.toThrow(/cannot write .*file: no more/);
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file']);
  });
});
