import type { Duplex } from 'node:stream';
import type { EgressEvent } from '../domain/decision.ts';
import { SboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Plan } from '../domain/plan.ts';
import { unservedProxy } from '../domain/stand-ins.ts';
import type { Network, Published } from '../egress/index.ts';
import type { Launched } from '../rungs/launch.ts';
import { brokerChannel, handleChannel, hasOwnNetwork } from '../rungs/program/channel.ts';
import type { SessionCredentials } from './credentials.ts';
import { writableFolders } from './writable.ts';

export interface NetworkContext {
  readonly facts: Pick<Facts, 'arch' | 'env' | 'home'>;
  /** the interpreter's */
  readonly executable: string;
  readonly onEvent: (event: EgressEvent) => void;
  /** told of the port of a server inside that a connection was made to */
  readonly onServer?: (port: number) => void;
  readonly published?: Published;
  readonly credentials?: SessionCredentials;
}

/** Opens the ports that the plan publishes. Throws an SboxError if one can't be had, or nothing could lead inside. */
export const publishPorts = async ({ network, broker }: Plan): Promise<Published | undefined> => {
  if (network.publish.length === 0 || network.mode === 'full') return undefined;
  if (!broker) {
    throw new SboxError({
      code: 'SBOX_E_NETWORK_MODE',
      message: `cannot publish port ${network.publish[0]?.hostPort}: nothing leads into this sandbox`,
      cause: 'its system calls can\'t be handed to a broker here, or the rung is "portable"',
      fix: 'leave --publish out; sbox doctor shows what works here',
    });
  }
  const { openPublished } = await import('../egress/index.ts');
  return openPublished(network.publish);
};

/** The proxy of a rung that can only ask clients to use it, and the plan with its address; absent where nothing may leave. */
export const openAdvisory = async (
  plan: Plan,
  { facts, executable, onEvent }: NetworkContext,
): Promise<(AsyncDisposable & { readonly env: Plan['env'] }) | undefined> => {
  const { mode } = plan.network;
  if (plan.mechanism.kind !== 'portable' || mode === 'none' || mode === 'full') return undefined;
  const { openAdvisoryProxy } = await import('../egress/index.ts');
  const { arch, env, home } = facts;
  const untrusted = writableFolders(plan);
  const splicing = { executable, arch };
  const proxy = await openAdvisoryProxy({ policy: plan.network, env, home, untrusted, onEvent, splicing });
  const entries = Object.entries(plan.env).map(([name, value]) => [name, value === unservedProxy ? proxy.url : value]);
  return { env: Object.fromEntries(entries), [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
};

/** What decides on the connections of a sandbox. */
export interface SandboxNetwork extends AsyncDisposable {
  /** connects the brokers of one run of it, or with `inside` those of what its runs share */
  readonly follow: (launched: Launched, part: 'run' | 'inside') => void;
}

/** The network of a sandbox. It is loaded when the first of its brokers has something to say: most short commands never connect. */
export const openSandboxNetwork = (plan: Plan, context: NetworkContext): SandboxNetwork => {
  const { facts, executable, onEvent, onServer, published, credentials } = context;
  let network: Promise<Network> | undefined;
  const open = async (): Promise<Network> => {
    const { openNetwork } = await import('../egress/index.ts');
    const interceptor = credentials && (await import('../egress/tls/index.ts')).openInterceptor(credentials);
    return openNetwork({
      arch: facts.arch,
      executable,
      policy: plan.network,
      env: facts.env,
      home: facts.home,
      untrusted: writableFolders(plan),
      ...(plan.mechanism.kind === 'landlock' && { paths: { roots: shownPaths(plan), hides: plan.hidePaths } }),
      onEvent,
      ...(onServer && { onServer }),
      ...(published && { published }),
      ...(interceptor && { interceptor }),
    });
  };
  return {
    follow: (launched, part) => {
      const { child, brokers } = launched;
      const [outside, inside] = brokers.map(holdBack);
      if (outside === undefined || inside === undefined) return; // it was not started, which its end tells
      const attach = async (): Promise<void> => {
        network ??= open();
        (await network).attach({
          ...(part === 'run' && { outside: { channel: outside.channel, descriptor: brokerChannel.outside } }),
          ...(hasOwnNetwork(plan) && { inside: { channel: inside.channel, descriptor: brokerChannel.inside } }),
          supervisor: child.pid ?? -1,
          ...(child.channel && {
            handles: { descriptor: handleChannel, onSocket: (listener) => void child.on('message', listener) },
          }),
        });
        outside.release();
        inside.release();
      };
      const start = once(() => {
        // connections fail then, instead of waiting for ever
        attach().catch(() => [outside, inside].map(({ channel }) => channel.destroy()));
      });
      outside.onFirst(start);
      inside.onFirst(start);
      if (credentials) start(); // what it takes to end TLS is made while the command boots
      if (published && (child.channel || !hasOwnNetwork(plan))) start();
    },
    async [Symbol.asyncDispose]() {
      await (await network?.catch(() => undefined))?.close();
    },
  };
};

const once = (act: () => void): (() => void) => {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
};

/** The host paths that exist for the command on a rung without a root of its own. */
const shownPaths = ({ mounts }: Plan): string[] => [
  ...usualLinks,
  ...mounts.flatMap((mount) => {
    if (mount.kind === 'bind') return [mount.source];
    if (mount.kind === 'copy') return [mount.store];
    return mount.kind === 'dir' || mount.kind === 'link' ? [mount.target] : [];
  }),
];

/** Links of the host to what is declared: those of its descriptors (proc_pid_fd(5)), its mounts, and files whose real path is a mount. */
const usualLinks = [
  ...['fd', 'stdin', 'stdout', 'stderr'].map((name) => `/dev/${name}`),
  ...['passwd', 'group', 'hosts', 'hostname', 'resolv.conf', 'mtab'].map((name) => `/etc/${name}`),
];

/** Keeps what arrives until its reader has been loaded. */
const holdBack = (channel: Duplex) => {
  const held: Buffer[] = [];
  let first = (): void => {};
  const hold = (chunk: Buffer): void => {
    held.push(chunk);
    if (held.length === 1) first();
  };
  channel.on('data', hold);
  channel.on('error', () => {}); // its end is told by 'close'
  return {
    channel,
    onFirst: (listener: () => void) => {
      first = listener;
    },
    release: () => {
      channel.off('data', hold);
      for (const chunk of held) channel.emit('data', chunk);
    },
  };
};
