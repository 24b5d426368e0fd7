import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Decision, EgressEvent } from '../domain/decision.ts';
import type { NetworkPolicy } from '../domain/network.ts';
import { proxyAddress, proxyPort } from '../domain/stand-ins.ts';
import { ERRNO } from '../syscall/constants.ts';
import type { Arch } from '../syscall/numbers.ts';
import type { InternetAddress } from '../syscall/socket-address.ts';
import { isLoopback } from './broker/addresses.ts';
import { type OpenBroker, openBroker } from './broker/broker.ts';
import { type BrokerLink, openBrokerLink } from './broker/link.ts';
import type { Route } from './broker/options.ts';
import type { VisiblePaths } from './broker/paths.ts';
import { sendDatagram } from './broker/sockets.ts';
import { type Answer, openAnswerer } from './dns/answerer.ts';
import { openStandIns } from './dns/stand-ins.ts';
import type { Destination, Egress, Interceptor } from './egress.ts';
import { type ConnectToOwn, connectToOwn, type HandleChannel, openInside, sharedInside } from './inside.ts';
import { type EgressOptions, openEgress } from './open.ts';
import { type EgressProxy, openProxy } from './proxy/proxy.ts';
import type { Published } from './publish.ts';

export interface NetworkOptions extends EgressOptions {
  readonly arch: Arch;
  /** the interpreter's, for the splicer */
  readonly executable: string;
  readonly policy: NetworkPolicy;
  readonly onEvent: (event: EgressEvent) => void;
  /** told of the port of a server inside that a connection was made to */
  readonly onServer?: (port: number) => void;
  readonly published?: Published;
  readonly paths?: VisiblePaths;
  /** serves the hosts that a credential is bound to; closed with the network */
  readonly interceptor?: Interceptor & Disposable;
}

/** The brokers of one run, or of what the runs of a sandbox share. */
export interface Brokers {
  /** absent where no command is trapped: then the one inside serves names and published ports */
  readonly outside?: BrokerChannel;
  /** absent where the sandbox shares the host's network */
  readonly inside?: BrokerChannel;
  /** the outer supervisor's process id */
  readonly supervisor: number;
  /** hands over sockets that the broker inside has connected */
  readonly handles?: HandleChannel;
}

/** The channel of a broker, with its number there. */
export interface BrokerChannel {
  readonly channel: Duplex;
  readonly descriptor: number;
}

/** The network of one sandbox: everything between its connections and the host's. */
export interface Network {
  /** serves these brokers until they end */
  readonly attach: (brokers: Brokers) => void;
  readonly close: () => Promise<void>;
}

/** Opens what a sandbox's brokers are served by. The proxy opens with the first connection that it is for. */
export const openNetwork = (options: NetworkOptions): Network => {
  const { arch, executable, policy, onEvent, onServer, published, paths, interceptor } = options;
  const egress = openEgress(policy, options);
  const standIns = openStandIns();
  const answerDns = openAnswerer({ egress, standIns, onEvent });
  let proxy: Promise<EgressProxy> | undefined;
  const relay = async (destination: Destination): Promise<Route> => {
    const splicing = { executable, arch };
    proxy ??= openProxy({ egress, onEvent, answerDns, splicing, ...(interceptor && { interceptor }) });
    const { port, expect } = await proxy;
    return { kind: 'relay', port, announce: (localPort) => expect(localPort, destination) };
  };
  const find = { egress, relay, nameOf: standIns.nameOf, onEvent };
  const route = policy.mode === 'none' ? unreachable : (address: InternetAddress) => findRoute(find, address);
  const running = new Set<OpenBroker>();
  const anyOf = async (ask: (one: OpenBroker) => Promise<boolean>): Promise<boolean> =>
    (await Promise.all([...running].map((one) => ask(one).catch(() => false)))).includes(true);
  const toOwn = connectToOwn({
    listensInside: (port) => anyOf((one) => one.listensInside(port)),
    hasAccepted: (own, peer) => anyOf((one) => one.hasAccepted(own, peer)),
  });
  const attach = ({ outside, inside, supervisor, handles }: Brokers): void => {
    const near = inside && openBrokerLink(inside.channel, inside.descriptor, arch);
    if (near && handles) published?.serve(openInside(near, handles));
    if (near && !outside) answerDatagrams(near, answerDns);
    if (!outside) return;
    const far = openBrokerLink(outside.channel, outside.descriptor, arch);
    const broker = openBroker({
      arch,
      outside: far,
      ...(near && { inside: near }),
      ...(paths && { paths }),
      supervisor,
      route: near ? route : (address) => routeShared({ toOwn, relay, route, onServer }, address),
      ...(onServer && { onServer }),
      ...(policy.mode !== 'none' && { answerDns }),
    });
    running.add(broker);
    void far.ended.then(() => running.delete(broker));
    if (!near) published?.serve(sharedInside(toOwn));
  };
  return {
    attach,
    close: async () => {
      interceptor?.[Symbol.dispose]();
      await Promise.all([published?.[Symbol.asyncDispose](), proxy?.then(({ close }) => close())]);
    },
  };
};

const answerDatagrams = (link: BrokerLink, answerDns: Answer): void =>
  link.onDatagram(({ descriptor, sender, content }) => {
    void answerDns(content).then((reply) => sendDatagram(link, descriptor, sender, reply));
  });

interface RouteTools {
  readonly egress: Egress;
  readonly relay: (destination: Destination) => Promise<Route>;
  /** the name that an address stands for */
  readonly nameOf: (address: string) => string | undefined;
  readonly onEvent: (event: EgressEvent) => void;
}

interface SharedTools extends Pick<RouteTools, 'relay'> {
  readonly toOwn: ConnectToOwn;
  readonly onServer: NetworkOptions['onServer'];
  readonly route: (address: InternetAddress) => Promise<Route>;
}

/** Where a connection goes of a sandbox that shares the host's loopback: to a server of its own, if that is what it is to. */
const routeShared = async (tools: SharedTools, to: InternetAddress): Promise<Route> => {
  const { toOwn, relay, route, onServer } = tools;
  const server = isLoopback(to) ? await toOwn(to) : undefined;
  if (server === undefined) return route(to);
  onServer?.(to.port);
  closeUnused(server);
  return relay({ kind: 'inside', server });
};

/** Its client may have gone before it came to the proxy. */
const closeUnused = (socket: Socket): void => {
  const timer = setTimeout(() => socket.destroy(), unusedMs);
  const keep = (): void => clearTimeout(timer);
  socket.once('resume', keep).once('close', keep);
};

const unusedMs = 10_000;

const unreachable = async (address: InternetAddress): Promise<Route> => ({
  kind: 'refuse',
  error: isLoopback(address) ? ERRNO.ECONNREFUSED : ERRNO.ENETUNREACH,
});

/** Where a connection goes: to the proxy in any case, which decides by what is asked of it, unless the address alone is reason to refuse. */
const findRoute = async ({ egress, relay, nameOf, onEvent }: RouteTools, to: InternetAddress): Promise<Route> => {
  const { address, port } = to;
  if (address === proxyAddress && port === proxyPort) return relay({ kind: 'proxy' });
  const name = nameOf(address);
  const destination = { kind: 'transparent', host: name ?? address, port } as const;
  const isQuestion = port === 53; // of a name server, which the proxy answers itself
  const getsAnswer = name !== undefined && port === 80; // a refusal that a person can read
  if (isQuestion || getsAnswer) return relay(destination);
  const decision = await egress.decide({ host: destination.host, port, protocol: 'socket' });
  if (decision.verdict === 'allow' && !isLoopback(to)) return relay(destination);
  if (decision.verdict === 'allow') return dialFirst({ egress, relay, onEvent }, destination);
  onEvent(failedAtOnce(decision));
  return { kind: 'refuse', error: isLoopback(to) ? ERRNO.ECONNREFUSED : ERRNO.EACCES };
};

/** A server of this machine's answers at once, unless its queue is full. */
const promptMs = 500;

/** A port of this machine where nobody listens refuses the call itself: programs wait for a server by it. */
const dialFirst = async (
  { egress, relay, onEvent }: Omit<RouteTools, 'nameOf'>,
  destination: { readonly kind: 'transparent'; readonly host: string; readonly port: number },
): Promise<Route> => {
  const { host, port } = destination;
  const dialling = egress.dial({ host, port, protocol: 'transparent' });
  void dialling.then((dialled) => dialled.kind === 'connected' && closeUnused(dialled.socket));
  const dialled = await Promise.race([dialling, pause(promptMs, undefined, { ref: false })]);
  if (dialled === undefined || dialled.kind === 'connected') return relay({ ...destination, dialling });
  onEvent(failedAtOnce(dialled.decision, dialled.kind === 'failed' ? dialled.code : undefined));
  return { kind: 'refuse', error: ERRNO.ECONNREFUSED };
};

const failedAtOnce = (decision: Decision, error?: string): EgressEvent => ({
  decision,
  startedMs: Date.now(),
  durationMs: 0,
  bytesOut: 0,
  bytesIn: 0,
  ...(error !== undefined && { error }),
});
