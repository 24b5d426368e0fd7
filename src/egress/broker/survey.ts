import { AT_FDCWD, O_CLOEXEC } from '../../syscall/constants.ts';
import type { Data, Program } from '../../syscall/program.ts';
import {
  type CallersSocket,
  type CallersUse,
  linkOf,
  manyDescriptors,
  parseFlags,
  parseProcessIds,
  readUse,
  useOf,
} from './caller.ts';
import type { BrokerLink } from './link.ts';

/**
 * What has to be known of a caller for its socket to be replaced by another, looked up by the broker outside, if it has not been already: a
 * program of system calls reads dozens of links in the time in which the launcher reads one. What it can't tell the launcher reads
 * itself. Rejects if the caller has no descriptor of this number, or is gone.
 */
export const findUse = async (link: BrokerLink, caller: CallersSocket, surveyed?: Buffer): Promise<CallersUse> => {
  const found = surveyed ?? (await link.ask(surveyBytes, (program, results) => survey(program, caller, results)));
  const { pid, descriptor } = caller;
  const [total, left] = [found.readBigInt64LE(place.total), found.readBigInt64LE(place.left)];
  const process = parseProcessIds(textAt(found, place.status, statusBytes));
  const isWhole = left === 0n || total > manyDescriptors;
  if (total === 0n || !isWhole || process === undefined) return readUse(pid, descriptor);
  const links = numbers.flatMap((number) => {
    const text = textAt(found, place.links + number * linkBytes, linkBytes);
    return text === '' ? [] : [{ number, link: text }];
  });
  if (descriptor >= manyDescriptors)
    links.push({ number: descriptor, link: linkOf(`/proc/${pid}/fd/${descriptor}`) ?? '' });
  return useOf({ pid, descriptor, flags: parseFlags(textAt(found, place.info, infoBytes)), links, process });
};

/** Descriptors from 0 on. */
const numbers = Array.from({ length: manyDescriptors }, (_, number) => number);
/** Their names, four bytes each. */
const nameBytes = 4;
const names = Buffer.from(numbers.map((number) => String(number).padEnd(nameBytes, '\0')).join(''));

/** Of `anon_inode:[eventpoll]` and `socket:[INODE]`; what is longer is neither. */
const linkBytes = 24;
/** Of proc_pid_fdinfo(5) up to the flags, and of proc_pid_status(5) up to NStgid. */
const [infoBytes, statusBytes] = [64, 1024];
const place = { total: 0, left: 8, info: 16, status: 16 + infoBytes, links: 16 + infoBytes + statusBytes } as const;
export const surveyBytes = place.links + manyDescriptors * linkBytes;

/** Has a batch look up what `findUse` reads, into so many bytes. */
export const survey = (program: Program, { pid, descriptor }: CallersSocket, into: Data): void => {
  const done = program.label();
  const read = (path: string, at: number, bytes: number): void => {
    const file = program.call('openat', [AT_FDCWD, program.string(path), O_CLOEXEC, 0], { onFailure: done });
    program.call('read', [file, program.at(into, at), bytes - 1], { onFailure: 'ignore' });
    program.call('close', [file], { onFailure: 'ignore' });
  };
  read(`/proc/${pid}/fdinfo/${descriptor}`, place.info, infoBytes);
  read(`/proc/${pid}/status`, place.status, statusBytes);
  const folder = program.call('openat', [AT_FDCWD, program.string(`/proc/${pid}/fd`), O_CLOEXEC, 0], {
    onFailure: done,
  });
  // struct stat: its size is how many there are, since Linux 6.2; 0 before
  const status = program.room(18 * 8);
  program.call('fstat', [folder, status], { onFailure: 'ignore' });
  const [total, left] = [program.valueAt(into, place.total), program.valueAt(into, place.left)];
  program.and(program.valueAt(status, 48), -1, total);
  program.and(total, -1, left);
  const table = program.bytes(names);
  const [name, text] = [program.and(table, -1), program.and(program.at(into, place.links), -1)];
  const [end, next] = [program.label(), program.label()];
  const again = program.here();
  program.jumpIfEqual(left, 0, end);
  program.jumpIfEqual(name, program.at(table, names.length), end);
  program.call('readlinkat', [folder, name, text, linkBytes], { onFailure: next });
  program.subtract(left, 1, left);
  program.place(next);
  program.subtract(name, -nameBytes, name);
  program.subtract(text, -linkBytes, text);
  program.jump(again);
  program.place(end);
  program.call('close', [folder], { onFailure: 'ignore' });
  program.place(done);
};

const textAt = (found: Buffer, at: number, bytes: number): string => {
  const end = found.indexOf(0, at);
  return found.toString('latin1', at, end < 0 ? at + bytes : Math.min(end, at + bytes));
};
