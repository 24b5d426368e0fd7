import { bareNetwork, type EgressRule } from '../domain/network.ts';
import type { Profile } from '../domain/profile.ts';
import type { Layer } from './layer.ts';

/** Layers to the profile, weakest first: lists append without exact repeats, of single values the last one counts. */
export const mergeLayers = (layers: readonly Layer[]): Profile => layers.reduce(addLayer, emptyProfile);

const addLayer = (below: Profile, layer: Layer): Profile => ({
  sources: [...below.sources, layer.file],
  // an argument vector is one value: appending another command's words would make a third command
  command: layer.command ?? below.command,
  mounts: append(below.mounts, layer.mounts, ({ source, target, mode, base }) =>
    JSON.stringify([source, target ?? null, mode, base]),
  ),
  protect: append(below.protect, layer.protect),
  env: {
    pass: append(below.env.pass, layer.env.pass),
    passIfVisible: append(below.env.passIfVisible, layer.env.passIfVisible),
    set: { ...below.env.set, ...layer.env.set },
  },
  network: mergeNetworks(below.network, layer.network),
  path: { tools: append(below.path.tools, layer.tools) },
  credentials: lastOf([...below.credentials, ...layer.credentials]),
  limits: { ...below.limits, ...layer.limits },
  hide: layer.hide ?? below.hide,
  require: append(below.require, layer.require),
  userNamespaces: layer.userNamespaces ?? below.userNamespaces,
});

/** Of equal rules the one that was declared first is kept; a `deny` wins wherever it stands. */
const mergeNetworks = (below: Profile['network'], layer: Layer['network']): Profile['network'] => ({
  mode: layer.mode ?? below.mode,
  allow: append(below.allow, layer.allow, keyOfRule),
  deny: append(below.deny, layer.deny, keyOfRule),
  hosts: { ...below.hosts, ...layer.hosts },
  publish: append(below.publish, layer.publish, ({ host, hostPort, port }) =>
    JSON.stringify([host ?? null, hostPort, port]),
  ),
});

const keyOfRule = ({ match, port }: EgressRule): string => JSON.stringify([match, port ?? null]);

/** Nothing declared: the strictest. */
const emptyProfile: Profile = {
  sources: [],
  command: [],
  mounts: [],
  protect: [],
  env: { pass: [], passIfVisible: [], set: {} },
  network: bareNetwork('none'),
  path: { tools: [] },
  credentials: [],
  limits: {},
  hide: 'usual',
  require: [],
  userNamespaces: false,
};

/** Of two of one name the later counts: it may say where else the value is. */
const lastOf = (credentials: Profile['credentials']): Profile['credentials'] => [
  ...new Map(credentials.map((credential) => [credential.provider.name, credential])).values(),
];

const append = <T>(
  below: readonly T[],
  above: readonly T[],
  keyOf: (item: T) => unknown = (item) => item,
): readonly T[] => {
  const byKey = new Map<unknown, T>();
  for (const item of [...below, ...above]) if (!byKey.has(keyOf(item))) byKey.set(keyOf(item), item);
  return [...byKey.values()];
};
