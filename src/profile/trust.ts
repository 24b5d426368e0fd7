import { openLock } from '../state/lock.ts';
import { ensurePrivateFolder, writeAtomically } from '../state/write-atomically.ts';
import { canonical, describeDocument, listTrusted, recordOf, type TrustedDocument } from './trusted.ts';

/** Records that the operator trusts this content at this path, in place of what was trusted there before. */
export const trustDocument = async (file: string, bytes: Uint8Array, stateDir: string): Promise<TrustedDocument> => {
  const entry: TrustedDocument = { ...describeDocument(file, bytes), trustedAt: new Date().toISOString() };
  await change(stateDir, (entries) => [...entries.filter(({ path }) => path !== entry.path), entry]);
  return entry;
};

/** Takes the trust in a path back; whether there was any. */
export const forgetDocument = async (file: string, stateDir: string): Promise<boolean> => {
  const path = canonical(file);
  if (!listTrusted(stateDir).some((entry) => entry.path === path)) return false;
  await change(stateDir, (entries) => entries.filter((entry) => entry.path !== path));
  return true;
};

const change = async (
  stateDir: string,
  edit: (entries: readonly TrustedDocument[]) => readonly TrustedDocument[],
): Promise<void> => {
  ensurePrivateFolder(stateDir);
  // the record is read under the lock, or two changes at once would lose one
  const lock = await openLock(`${recordOf(stateDir)}.lock`);
  try {
    const record = { version: 1, trusted: edit(listTrusted(stateDir)) };
    writeAtomically(recordOf(stateDir), `${JSON.stringify(record, undefined, 2)}\n`);
  } finally {
    lock[Symbol.dispose]();
  }
};
