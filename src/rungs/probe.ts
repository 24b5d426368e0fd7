import type { Capabilities, Facts } from '../domain/facts.ts';
import { LANDLOCK_CREATE_RULESET_VERSION } from '../syscall/constants.ts';
import { Program } from '../syscall/program.ts';
import { recordBytes, recordTag, renderRecord } from '../syscall/records.ts';
import { launchProgram } from './launch.ts';
import { channel } from './program/channel.ts';

/** Finds out what this kernel gives the caller, by doing it in a child; takes a few milliseconds. */
export const probeCapabilities = async (arch: Facts['arch'], executable: string): Promise<Capabilities> => {
  const program = new Program(arch);
  const record = program.bytes(renderRecord(recordTag.answer));
  const into = program.valueAt(record, 8);
  // the version of Landlock's interface; fails where it is off or unknown (landlock_create_ruleset(2))
  program.call('landlock_create_ruleset', [0, 0, LANDLOCK_CREATE_RULESET_VERSION], { into, onFailure: 'ignore' });
  program.call('write', [channel, record, recordBytes]);
  program.call('exit_group', [0]);
  const command = { argv: ['probe'], candidates: [] } as const;
  const end = await launchProgram({ executable, program, stdio: ['ignore', 'ignore', 'ignore'], plan: { command } })
    .ended;
  return { landlockAbi: end.kind === 'answers' ? Math.max(0, end.answers[0] ?? 0) : 0 };
};
