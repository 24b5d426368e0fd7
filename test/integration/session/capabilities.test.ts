import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { recallCapabilities } from '../../../src/session/capabilities.ts';
import { renderExecutable } from '../../../src/syscall/elf.ts';
import { aTree } from '../../support/trees.ts';

const arch = process.arch === 'arm64' ? 'arm64' : 'x64';

const aState = () => {
  const root = aTree({});
  const [stateDir, executable] = [join(root, 'state'), join(root, 'interpreter')];
  mkdirSync(stateDir);
  writeFileSync(executable, renderExecutable(arch));
  chmodSync(executable, 0o755);
  return { stateDir, executable, file: join(stateDir, 'capabilities.json') };
};

test('capabilities are found by asking the kernel, and remembered', async () => {
  const { stateDir, executable, file } = aState();
  const found = await recallCapabilities(stateDir, arch, executable);
  expect(found.landlockAbi).toBeGreaterThanOrEqual(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ capabilities: found });
});

test('what is remembered of this boot is not asked again', async () => {
  const { stateDir, executable, file } = aState();
  await recallCapabilities(stateDir, arch, executable);
  const remembered = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...remembered, capabilities: { landlockAbi: 99 } }));
  expect(await recallCapabilities(stateDir, arch, '/nonexistent')).toEqual({ landlockAbi: 99 });
});

test.each([
  ['of another boot', (text: string) => JSON.stringify({ ...JSON.parse(text), key: 'another' })],
  ['torn', (text: string) => text.slice(0, 10)],
  ['no object', () => '[]'],
  ['null', () => 'null'],
])('what is remembered and %s is asked again', async (_, change) => {
  const { stateDir, executable, file } = aState();
  const found = await recallCapabilities(stateDir, arch, executable);
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  expect(await recallCapabilities(stateDir, arch, executable)).toEqual(found);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ capabilities: found });
});
