import picocolors from 'picocolors';
import { renderAuthority } from '../../domain/address.ts';
import { baseOf, parentOf } from '../../domain/path.ts';
import type { Plan, PlannedMount } from '../../domain/plan.ts';
import { planRequest } from '../../session/request.ts';
import type { CliContext } from '../context.ts';
import type { RunOptions } from '../options.ts';
import { renderRequest } from '../request.ts';
import { renderTable } from '../table.ts';

/** `sbox plan`: what a run would do. */
export const plan = async (command: readonly string[], options: RunOptions, context: CliContext): Promise<number> => {
  const planned = await planRequest(renderRequest(command, options, context));
  return printPlan(planned.plan, options.json ?? false, context);
};

/** Prints a plan for a person, or as it is. */
export const printPlan = (planned: Plan, json: boolean, context: CliContext): number => {
  context.print(json ? `${JSON.stringify(planned, null, 2)}\n` : renderPlan(planned, context.color));
  return 0;
};

const renderPlan = (plan: Plan, color: boolean): string => {
  const paint = picocolors.createColors(color);
  const section = (title: string, rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? '' : `\n${paint.bold(title)}\n${renderTable(rows)}`;
  const head = [
    ['sandbox', plan.sandbox.ephemeral ? `${plan.sandbox.name} (ephemeral)` : plan.sandbox.name],
    ['rung', plan.rung],
    ['profiles', plan.profiles.join(', ')],
    ['workspace', plan.workspace],
    ['directory', plan.cwd],
    ['command', plan.command.argv.join(' ')],
    ['network', plan.network.mode],
  ];
  return [
    renderTable(head),
    section('network', renderNetwork(plan.network)),
    section(
      'credentials',
      plan.credentials.map(({ provider, origin }) => [
        provider.name,
        `a placeholder inside; the real one goes to ${provider.uses.flatMap((use) => use.hosts).join(', ')}`,
        origin,
      ]),
    ),
    section('mounts', renderMounts(plan.mounts)),
    section('environment', [
      ['names', Object.keys(plan.env).join(' ')],
      ['PATH', plan.env['PATH'] ?? ''],
    ]),
    section(
      'limits',
      Object.entries(plan.limits).map(([name, value]) => [name, String(value)]),
    ),
    section(
      'properties',
      plan.properties.map(({ name, status, why }) => [name, status, why]),
    ),
    section(
      'notes',
      plan.notes.map((note) => [note]),
    ),
  ].join('');
};

const renderNetwork = ({ allow, deny, hosts, publish }: Plan['network']): string[][] => [
  ...allow.map(({ text, origin }) => ['allow', text, origin]),
  ...deny.map(({ text, origin }) => ['deny', text, origin]),
  ...Object.entries(hosts).map(([name, { address, port, origin }]) => {
    const shown = port === undefined ? address : `${renderAuthority(address)}:${port}`;
    return ['host', `${name} is ${shown}`, origin];
  }),
  ...publish.map(({ host = '127.0.0.1', hostPort, port, origin }) => {
    return ['publish', `${renderAuthority(host)}:${hostPort} leads to port ${port}`, origin];
  }),
];

/** Mounts row by row, but for the two long and dull lists, which are one row each. */
const renderMounts = (mounts: readonly PlannedMount[]): string[][] => {
  const isCurated = (mount: PlannedMount) => mount.why === 'curated' && mount.kind !== 'dir';
  const isTool = (mount: PlannedMount) => mount.kind === 'link' && mount.why === 'tool';
  return mounts
    .filter((mount) => !isCurated(mount) && !isTool(mount))
    .flatMap((mount) => {
      if (mount.kind !== 'dir') return [renderMount(mount)];
      const count = mounts.filter(isCurated).length;
      return mount.why === 'curated' ? [[mount.target, 'ro', 'curated', `${count} entries of the host's`]] : [];
    })
    .concat(
      mounts.some(isTool)
        ? [
            [
              parentOf(mounts.find(isTool)?.target ?? '/'),
              'links',
              'tools',
              mounts
                .filter(isTool)
                .map(({ target }) => baseOf(target))
                .join(' '),
            ],
          ]
        : [],
    );
};

const renderMount = (mount: PlannedMount): string[] => {
  switch (mount.kind) {
    case 'bind':
      return [mount.target, mount.access, mount.why, mount.source === mount.target ? '' : `from ${mount.source}`];
    case 'copy':
      return [mount.target, 'copy', mount.why, `of ${mount.source}`];
    case 'link':
      return [mount.target, 'link', mount.why, `to ${mount.text}`];
    default:
      return [mount.target, mount.kind, mount.why, ''];
  }
};
