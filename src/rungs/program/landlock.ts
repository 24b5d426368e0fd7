import { AT_FDCWD, LANDLOCK_RULE_PATH_BENEATH } from '../../syscall/constants.ts';
import { rulesetBytes } from '../../syscall/landlock.ts';
import type { Data, Program, Slot } from '../../syscall/program.ts';
import { openPath } from './open-path.ts';

/** One path and the rights on it and all below it. */
export interface PathRule {
  readonly path: string;
  readonly rights: number;
}

/** A ruleset as landlock_create_ruleset(2) makes it: what it takes charge of. */
export const createRuleset = (program: Program, abi: number, handled: { files: number; scope: number }): Slot =>
  program.call('landlock_create_ruleset', [
    program.words([handled.files, 0, abi >= 6 ? handled.scope : 0]),
    rulesetBytes(abi),
    0,
  ]);

/** Allows rights on paths, which are opened without following a link; a path that has gone is passed over. */
export const allowPaths = (program: Program, ruleset: Slot, rules: readonly PathRule[]): void => {
  const beneath = program.words([0, 0]); // struct landlock_path_beneath_attr: u64 rights, s32 descriptor
  const rows = rules.map(({ path, rights }): readonly [Data, number] => [program.string(path), rights]);
  program.each(rows, ([path, rights], next) => {
    const place = openPath(program, AT_FDCWD, path as Slot, { onFailure: next });
    program.and(rights as Slot, -1, program.valueAt(beneath));
    program.and(place, -1, program.valueAt(beneath, 8));
    program.call('landlock_add_rule', [ruleset, LANDLOCK_RULE_PATH_BENEATH, beneath, 0]);
    program.call('close', [place]);
  });
};

/** Allows rights on a path that is there, and on all below it. */
export const allowPath = (program: Program, ruleset: Slot, { path, rights }: PathRule): void => {
  const beneath = program.words([rights, 0]);
  const place = openPath(program, AT_FDCWD, path);
  program.and(place, -1, program.valueAt(beneath, 8));
  program.call('landlock_add_rule', [ruleset, LANDLOCK_RULE_PATH_BENEATH, beneath, 0]);
  program.call('close', [place]);
};

/** Allows rights on what a descriptor is open for; does nothing for a pipe, a socket or a closed one. */
export const allowOpen = (program: Program, ruleset: Slot, descriptor: number, rights: number): void => {
  const beneath = program.words([rights, descriptor]);
  program.call('landlock_add_rule', [ruleset, LANDLOCK_RULE_PATH_BENEATH, beneath, 0], { onFailure: 'ignore' });
};

/** Binds this process and all that it starts from now on. */
export const restrictSelf = (program: Program, ruleset: Slot): void => {
  program.call('landlock_restrict_self', [ruleset, 0]);
  program.call('close', [ruleset]);
};
