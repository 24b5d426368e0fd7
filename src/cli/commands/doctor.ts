import { release } from 'node:os';
import picocolors from 'picocolors';
import type { Capabilities, Refusal } from '../../domain/facts.ts';
import { bareNetwork } from '../../domain/network.ts';
import type { Mechanism } from '../../domain/plan.ts';
import type { Property } from '../../domain/property.ts';
import { type RungName, rungNames } from '../../domain/rung.ts';
import { probeMaskedProc } from '../../host/masked-proc.ts';
import { type Advice, planAdvice } from '../../plan/advice.ts';
import { planProperties } from '../../plan/properties.ts';
import { mechanismOf, planMechanism } from '../../plan/rung.ts';
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
  readonly rung: RungName;
  readonly properties: readonly Property[];
  /** what would give more */
  readonly advice: readonly Advice[];
}

/** `sbox doctor`: looks at the machine anew. */
export const doctor = async (options: { readonly json?: true }, context: CliContext): Promise<number> => {
  const capabilities = await lookAtCapabilities(context.stateDir, context.packageDir);
  const diagnosis = diagnose(capabilities, 'SBOX' in context.env);
  context.print(options.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : renderDiagnosis(diagnosis, context.color));
  return 0;
};

const diagnose = (capabilities: Capabilities, inside: boolean): Diagnosis => {
  const mechanism = planMechanism(undefined, capabilities, inside);
  const uid = process.getuid?.() ?? 0;
  const shape = {
    network: bareNetwork('limited'),
    limits: {},
    user: { uid, gid: 0, kernelRoot: uid === 0 },
    userNamespaces: false,
    mechanism,
    hidePaths: false,
    broker: capabilities.listener && mechanism.kind !== 'portable',
  };
  const properties = planProperties(shape, { capabilities, protectedPaths: [] });
  return {
    kernel: release(),
    architecture: process.arch,
    uid,
    capabilities,
    rungs: rungNames.map((name) => ({ name, mechanism: mechanismOf(name, capabilities, inside) })),
    rung: mechanism.kind,
    properties,
    advice: planAdvice({ properties, mechanism, capabilities, inside, maskedProc: probeMaskedProc() }),
  };
};

const renderDiagnosis = (diagnosis: Diagnosis, color: boolean): string => {
  const paint = picocolors.createColors(color);
  const { capabilities, rungs, rung, properties, advice } = diagnosis;
  const title = (text: string) => `\n${paint.bold(text)}\n`;
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
    title(`what a run gets here (${rung}, --net limited)`),
    renderTable(properties.map(({ name, status, why }) => [name, status, why])),
    advice.length > 0 ? title('what would give more') : '',
    renderTable(advice.map(({ properties: names, step }) => [names.join(', '), step])),
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
