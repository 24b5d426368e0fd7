import { release } from 'node:os';
import picocolors from 'picocolors';
import type { Capabilities, Facts, Refusal } from '../../domain/facts.ts';
import { bareNetwork } from '../../domain/network.ts';
import type { Mechanism } from '../../domain/plan.ts';
import type { Property } from '../../domain/property.ts';
import { type RungName, rungNames } from '../../domain/rung.ts';
import { planProperties } from '../../plan/properties.ts';
import { mechanismOf } from '../../plan/rung.ts';
import { lookAtCapabilities } from '../../session/request.ts';
import type { CliContext } from '../context.ts';
import { renderTable } from '../table.ts';

/** What sbox can do on this machine, and why not more. */
interface Diagnosis {
  readonly kernel: string;
  readonly architecture: string;
  readonly uid: number;
  readonly capabilities: Capabilities;
  readonly rungs: readonly { readonly name: RungName; readonly mechanism: Mechanism | Refusal }[];
  /** the rung that a run would get, and what it would enforce with --net limited */
  readonly rung?: RungName;
  readonly properties: readonly Property[];
}

/** `sbox doctor`: looks at the machine anew; exit code 0 if a run is possible, 125 if not. */
export const doctor = async (options: { readonly json?: true }, context: CliContext): Promise<number> => {
  const diagnosis = diagnose(await lookAtCapabilities(context.stateDir, context.packageDir));
  context.print(options.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : renderDiagnosis(diagnosis, context.color));
  return diagnosis.rung === undefined ? 125 : 0;
};

const diagnose = (capabilities: Capabilities): Diagnosis => {
  const rungs = rungNames.map((name) => ({ name, mechanism: mechanismOf(name, capabilities) }));
  const best = rungs.map(({ mechanism }) => mechanism).find((mechanism): mechanism is Mechanism => 'kind' in mechanism);
  const uid = process.getuid?.() ?? 0;
  const facts: Pick<Facts, 'capabilities' | 'protectedPaths'> = {
    capabilities,
    protectedPaths: [],
  };
  return {
    kernel: release(),
    architecture: process.arch,
    uid,
    capabilities,
    rungs,
    ...(best && { rung: best.kind }),
    properties: best
      ? planProperties(
          {
            network: bareNetwork('limited'),
            limits: {},
            user: { uid, gid: 0, kernelRoot: uid === 0 },
            userNamespaces: false,
            mechanism: best,
            hidePaths: false,
            broker: capabilities.listener && best.kind !== 'portable',
          },
          facts,
        )
      : [],
  };
};

const renderDiagnosis = (diagnosis: Diagnosis, color: boolean): string => {
  const paint = picocolors.createColors(color);
  const { capabilities, rungs, rung, properties } = diagnosis;
  const title = (text: string) => `\n${paint.bold(text)}\n`;
  const advice = rungs.flatMap(({ name, mechanism }) =>
    'kind' in mechanism || name === 'portable' ? [] : [`  ${name}: ${mechanism.fix}\n`],
  );
  return [
    renderTable([
      ['kernel', `${diagnosis.kernel} (${diagnosis.architecture})`],
      ['uid', String(diagnosis.uid)],
      [
        'landlock',
        capabilities.landlockAbi > 0 ? `version ${capabilities.landlockAbi} of its interface` : 'not available',
      ],
      [
        'connections',
        capabilities.listener
          ? 'decided on by a broker (seccomp listener)'
          : 'none: another program listens to system calls already, or a filter refuses it',
      ],
    ]),
    title('rungs'),
    renderTable(
      rungs.map(({ name, mechanism }) => [name === rung ? `* ${name}` : `  ${name}`, ...describe(mechanism)]),
    ),
    title(rung === undefined ? 'no run is possible here' : `what a run gets here (${rung}, --net limited)`),
    renderTable(properties.map(({ name, status, why }) => [name, status, why])),
    advice.length > 0 ? `${title('what would give more')}${advice.join('')}` : '',
  ].join('');
};

const describe = (mechanism: Mechanism | Refusal): string[] => {
  if (!('kind' in mechanism)) return ['no', `${mechanism.message}: ${mechanism.cause}`];
  switch (mechanism.kind) {
    case 'namespaces':
      return [
        'yes',
        `${mechanism.root === 'pivot' ? 'pivot_root' : 'chroot'}, ${mechanism.proc === 'fresh' ? 'own /proc' : "the host's /proc, read-only"}`,
      ];
    case 'landlock':
      return ['yes', mechanism.namespaces ? 'with PID, IPC and network namespaces' : 'without namespaces'];
    case 'portable':
      return ['yes', ''];
  }
};
