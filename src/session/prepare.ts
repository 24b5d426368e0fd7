import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SboxError } from '../domain/errors.ts';
import type { Plan, PlannedMount } from '../domain/plan.ts';
import { readRecord, type SandboxRecord } from '../state/sandboxes.ts';
import { ensurePrivateFolder, writeAtomically } from '../state/write-atomically.ts';

type Copy = Extract<PlannedMount, { kind: 'copy' }>;

/** Makes what the plan counts on in the state directory: the sandbox's folder, home and record, and missing copies. */
export const prepareState = async (plan: Plan): Promise<void> => {
  const { folder, ephemeral } = plan.sandbox;
  if (ephemeral || plan.runFolder !== undefined) await prepareRunFolder(plan);
  const copies = plan.mounts.filter((mount): mount is Copy => mount.kind === 'copy' && !existsSync(mount.store));
  const complete = ephemeral || (existsSync(join(folder, 'record.json')) && existsSync(join(folder, 'home')));
  if (complete && !ephemeral) assertSameWorkspace(plan);
  if (complete && copies.length === 0) return;
  const { openLock } = await import('../state/lock.ts');
  ensurePrivateFolder(folder);
  using _lock = await openLock(join(folder, 'lock'), copyWaitMs);
  if (!ephemeral) {
    ensurePrivateFolder(join(folder, 'home'));
    writeRecord(plan);
  }
  if (copies.length > 0) await makeCopies(copies, join(folder, 'copies'));
};

/** A name derived from the workspace holds a hash that a crafted path could share; one that the operator gave is shared on purpose. */
const assertSameWorkspace = ({ sandbox, workspace }: Plan): void => {
  if (sandbox.named) return;
  const record = readRecord(sandbox.folder);
  if (record === undefined || record.workspace === workspace) return;
  throw new SboxError({
    code: 'SBOX_E_STATE',
    message: `cannot use sandbox "${sandbox.name}" for "${workspace}": it belongs to "${record.workspace}"`,
    cause: 'the two paths have the same hash',
    fix: 'name another one: --name NAME',
  });
};

/** The folders of this one run, with its owner's name, and an end of those whose run was killed before it could end them. */
const prepareRunFolder = async (plan: Plan): Promise<void> => {
  const { openRunFolder } = await import('../state/run-folder.ts');
  const own = plan.runFolder ?? plan.sandbox.folder;
  await openRunFolder(own);
  if (plan.runFolder === undefined) return;
  for (const name of ['tmp', 'bin', ...(plan.sandbox.ephemeral ? ['home'] : [])]) ensurePrivateFolder(join(own, name));
};

/** Another run of the same sandbox may be copying a large tree. */
const copyWaitMs = 10 * 60_000;

const writeRecord = ({ sandbox, workspace }: Plan): void => {
  const file = join(sandbox.folder, 'record.json');
  if (existsSync(file)) return;
  const record: SandboxRecord = { version: 1, name: sandbox.name, workspace, created: new Date().toISOString() };
  writeAtomically(file, `${JSON.stringify(record)}\n`);
};

/** Copies under temporary names, then renames: a copy that has its name is whole, also after a crash. */
const makeCopies = async (copies: readonly Copy[], folder: string): Promise<void> => {
  const { default: fs } = await import('fs-extra');
  const { copyTree } = await import('./copy-tree.ts');
  await fs.ensureDir(folder, 0o700);
  for (const { source, store } of copies) {
    if (existsSync(store)) continue; // made while this run waited for the lock
    const partial = `${store}.partial`;
    await fs.remove(partial);
    try {
      copyTree(source, partial);
      await fs.rename(partial, store);
    } catch (error) {
      await fs.remove(partial);
      const { code, path } = error as NodeJS.ErrnoException;
      throw new SboxError({
        code: 'SBOX_E_STATE',
        message: `cannot copy "${source}": ${code ?? String(error)}`,
        cause:
          path === undefined
            ? 'the copy was not finished'
            : `it failed at "${path.replace(/^\/proc\/self\/fd\/\d+/, '…')}"`,
        fix:
          code === 'ENOSPC'
            ? 'make room on the disk that holds the state directory'
            : 'mount it :ro, or a smaller part of it',
      });
    }
  }
};
