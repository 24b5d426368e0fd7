import { basename } from 'node:path';
import pc from 'picocolors';
import { exitCode, SboxError } from '../../domain/errors.ts';
import { invalid } from '../../profile/document.ts';
import { checkDocument } from '../../profile/load.ts';
import { forgetDocument, trustDocument } from '../../profile/trust.ts';
import { listTrusted } from '../../profile/trusted.ts';
import type { CliContext } from '../context.ts';
import { locateDocument, openDocument } from '../locate-document.ts';
import { requestFor } from './validate.ts';

export interface TrustOptions {
  /** an sbox.json or its folder; the current folder if absent */
  readonly path?: string;
  readonly list?: boolean;
  readonly remove?: boolean;
}

/** `sbox trust [folder]`: records the content of a workspace's sbox.json as the operator's word. Exit code 0. */
export const trust = async (options: TrustOptions, context: CliContext): Promise<number> => {
  if (options.list) return list(context);
  const file = locateDocument(options.path ?? '.', context);
  if (options.remove) return remove(options.path ?? '.', file, context);
  if (basename(file) !== 'sbox.json') throw needsNoTrust(file);
  // the bytes that are checked here are the bytes whose hash is recorded
  const document = openDocument(file);
  const problems = await checkDocument(document.text, file, requestFor(file, context));
  if (problems.length > 0) throw invalid(file, problems);
  const { path, sha256 } = await trustDocument(file, document.bytes, context.stateDir);
  context.print(`trusted "${path}"\n  sha256: ${sha256}\n`);
  return 0;
};

const list = (context: CliContext): number => {
  const paint = pc.createColors(context.color);
  const lines = listTrusted(context.stateDir).map(
    ({ path, sha256, trustedAt }) => `${path}\n  ${paint.dim(`sha256: ${sha256}, ${trustedAt}`)}\n`,
  );
  context.print(lines.length === 0 ? 'nothing is trusted\n' : lines.join(''));
  return 0;
};

const remove = async (argument: string, file: string, context: CliContext): Promise<number> => {
  // the folder may be gone, and then nothing tells that a folder was meant
  const forgotten =
    (await forgetDocument(file, context.stateDir)) || (await forgetDocument(`${file}/sbox.json`, context.stateDir));
  if (!forgotten) {
    throw new SboxError({
      code: 'SBOX_E_USAGE',
      message: `cannot take the trust in "${argument}" back: it was not trusted`,
      fix: 'sbox trust --list',
      exitCode: exitCode.usage,
    });
  }
  context.print(`no longer trusted: "${file}"\n`);
  return 0;
};

const needsNoTrust = (file: string): SboxError =>
  new SboxError({
    code: 'SBOX_E_USAGE',
    message: `cannot trust "${file}": it is not named sbox.json`,
    cause: 'only the sbox.json of a workspace needs trust; a file that --config names is your word already',
    fix: `sbox run --config "${file}"`,
    exitCode: exitCode.usage,
  });
