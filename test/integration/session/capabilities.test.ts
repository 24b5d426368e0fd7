import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { forgetCapabilities, recallCapabilities } from '../../../src/session/capabilities.ts';
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
  expect(found).toEqual({
    namespaces: expect.anything(),
    bareNamespaces: expect.any(Boolean),
    landlockAbi: expect.any(Number),
    listener: expect.any(Boolean),
  });
  expect(found.landlockAbi).toBeGreaterThanOrEqual(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ capabilities: found });
});

test('what is remembered of this boot is not asked again', async () => {
  const { stateDir, executable, file } = aState();
  await recallCapabilities(stateDir, arch, executable);
  const remembered = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...remembered, capabilities: { ...remembered.capabilities, landlockAbi: 99 } }));
  expect(await recallCapabilities(stateDir, arch, '/nonexistent')).toEqual({
    ...remembered.capabilities,
    landlockAbi: 99,
  });
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

describe('what is remembered of another', () => {
  const own = readFileSync('/proc/self/status', 'utf8');
  const lineOf = (name: string) => `${name}:${new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(own)?.[1]}`;

  test.each<[string, string, string]>([
    ['mount namespace, as every container has one', readlinkSync('/proc/self/ns/mnt'), 'mnt:[1]'],
    ['filter of system calls', lineOf('Seccomp'), 'Seccomp:7'],
    ['number of filters', lineOf('Seccomp_filters'), 'Seccomp_filters:77'],
    ['set of capabilities', lineOf('CapEff'), 'CapEff:0000000000000001'],
    ['bound of capabilities', lineOf('CapBnd'), 'CapBnd:0000000000000001'],
    ['kernel', release(), '0.0.1'],
  ])('%s is asked again', async (_, part, other) => {
    const { stateDir, executable, file } = aState();
    const found = await recallCapabilities(stateDir, arch, executable);
    const { key } = JSON.parse(readFileSync(file, 'utf8')) as { key: string };
    expect(key).toContain(part);
    const changed = { key: key.replace(part, other), capabilities: { ...found, landlockAbi: 99 } };
    writeFileSync(file, JSON.stringify(changed));
    expect(await recallCapabilities(stateDir, arch, executable)).toEqual(found);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ key, capabilities: found });
  });
});

test('what is forgotten is asked again; to forget twice is no error', async () => {
  const { stateDir, executable, file } = aState();
  const found = await recallCapabilities(stateDir, arch, executable);
  const remembered = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...remembered, capabilities: { ...found, landlockAbi: 99 } }));
  forgetCapabilities(stateDir);
  forgetCapabilities(stateDir);
  expect(existsSync(file)).toBe(false);
  expect(await recallCapabilities(stateDir, arch, executable)).toEqual(found);
});
