import { dirname } from 'node:path';
import { exitCode } from '../../domain/errors.ts';
import { checkDocument, type ProfileRequest } from '../../profile/load.ts';
import type { CliContext } from '../context.ts';
import { locateDocument, openDocument } from '../locate-document.ts';
import { renderProblem } from '../render-problem.ts';

export interface ValidateOptions {
  /** a document or a folder with an sbox.json; the current folder if absent */
  readonly file?: string;
  readonly json?: boolean;
}

/** `sbox validate [file]`: every problem of a document, or that it is valid. Exit code 0 or 2. */
export const validate = async (options: ValidateOptions, context: CliContext): Promise<number> => {
  const { file, text } = openDocument(locateDocument(options.file ?? '.', context));
  const problems = await checkDocument(text, file, requestFor(file, context));
  const valid = problems.length === 0;
  if (options.json) context.print(`${JSON.stringify({ file, valid, problems }, undefined, 2)}\n`);
  else
    context.print(
      valid ? `${file}: valid\n` : problems.map((problem) => renderProblem(problem, context.color)).join(''),
    );
  return valid ? 0 : exitCode.usage;
};

/** What a document may refer to when it is checked by itself. */
export const requestFor = (file: string, context: CliContext): ProfileRequest => ({
  names: [],
  ignoreWorkspaceConfig: true,
  workspace: dirname(file),
  stateDir: context.stateDir,
  configDir: context.configDir,
  shippedProfilesDir: context.shippedProfilesDir,
});
