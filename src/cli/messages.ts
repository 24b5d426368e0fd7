import picocolors from 'picocolors';
import { SboxError } from '../domain/errors.ts';
import { renderProblem } from './render-problem.ts';

/** An error as a person reads it: a line that can be searched for, one cause, a fix that works as pasted. */
export const renderError = (error: SboxError, color: boolean): string => {
  const paint = picocolors.createColors(color);
  const lines = [`sbox: ${paint.red('error')}: ${error.message}  ${paint.dim(`[${error.code}]`)}`];
  if (error.reason !== undefined) lines.push(`  cause: ${error.reason}`);
  for (const problem of error.problems)
    lines.push(
      renderProblem(problem, color)
        .replace(/^(?=.)/gm, '  ')
        .trimEnd(),
    );
  if (error.fix !== undefined) lines.push(`  fix:   ${error.fix}`);
  return `${lines.join('\n')}\n`;
};

/** The same for a program. */
export const errorToJson = (error: SboxError): Record<string, unknown> => ({
  code: error.code,
  message: error.message,
  ...(error.reason !== undefined && { cause: error.reason }),
  ...(error.fix !== undefined && { fix: error.fix }),
  ...(error.problems.length > 0 && { problems: error.problems }),
  exitCode: error.exitCode,
});

/** What was thrown as an SboxError; anything else is a fault of sbox's own. */
export const asSboxError = (thrown: unknown): SboxError =>
  thrown instanceof SboxError
    ? thrown
    : new SboxError({
        code: 'SBOX_E_INTERNAL',
        message: `cannot go on: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
        cause: 'a fault in sbox',
        fix: 'report it with this text',
      });
