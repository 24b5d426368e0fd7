// Writes the matrix of environments and properties into README.md, from what test/nested/matrix.test.ts found.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = join(root, 'README.md');
const [from, to] = ['<!-- matrix -->', '<!-- /matrix -->'];
const signs = { enforced: '●', partial: '◐', advisory: '○', open: '–' };

/** README.md with the matrix as it was found last. */
export const renderReadme = () => {
  const text = readFileSync(readme, 'utf8');
  const [start, end] = [text.indexOf(from), text.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`README.md has no place for the matrix: ${from} ${to}`);
  const rows = JSON.parse(readFileSync(join(root, 'test/nested/matrix.json'), 'utf8'));
  return `${text.slice(0, start + from.length)}\n${renderMatrix(rows)}${text.slice(end)}`;
};

const renderMatrix = (rows) => {
  const properties = Object.keys(rows[0].properties);
  const lines = [
    ['environment', 'rung', ...properties],
    ['---', '---', ...properties.map(() => ':-:')],
    ...rows.map(({ environment, like, mechanism, properties: found }) => [
      `${environment} (${like})`,
      renderMechanism(mechanism),
      ...properties.map((name) => signs[found[name]]),
    ]),
  ];
  const key = Object.entries(signs).map(([status, sign]) => `${sign} ${status}`);
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n\n${key.join(', ')}\n`;
};

const renderMechanism = ({ kind, root: way, proc, namespaces }) => {
  const details = [
    ...(way === 'chroot' ? ['chroot'] : []),
    ...(proc === 'host' ? ["container's /proc"] : []),
    ...(kind === 'landlock' && namespaces ? ['own PIDs and network'] : []),
  ];
  return details.length > 0 ? `${kind}, ${details.join(', ')}` : kind;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(readme, renderReadme());
