import pc from 'picocolors';
import type { Problem } from '../domain/problem.ts';

/** One problem as `file:line:column: message`, its hint on a second line; editors and terminals jump to the place. */
export const renderProblem = ({ message, hint, place }: Problem, color: boolean): string => {
  const paint = pc.createColors(color);
  const where = place === undefined ? '' : `${paint.bold(`${place.file}:${place.line}:${place.column}:`)} `;
  return `${where}${message}\n${hint === undefined ? '' : `  ${paint.cyan('hint:')} ${hint}\n`}`;
};
