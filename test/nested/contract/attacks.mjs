import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { secret } from './world.mjs';

/**
 * The attacks of one trier. Each belongs to a property: where a run's report calls it `enforced`, the attack fails. Where it is weaker, the
 * attack works if the report's `why` names that hole (`hole`), and fails otherwise. `control: 'somewhere'` is for attacks that not every
 * environment lets even an outsider do; the others work everywhere without sbox.
 */
export const attacksOf = (world, who) => [
  ...hiding(world, who),
  ...reading(world, who),
  ...writing(world, who),
  ...environment(world, who),
  ...network(world, who),
  ...sockets(world, who),
  ...processes(world),
];

const attack = (property, id, call, args, more = {}) => ({ property, id, do: call, args, ...more });

const shown = /shows to stat|show/;

const hiding = ({ undeclared, home, base, work }, who) => [
  attack('hide', 'a name is found taken', 'link_onto', [`${undeclared}/secret.txt`, `${work}/${who}-onto`], {
    hole: shown,
  }),
  attack('hide', 'the attributes of an undeclared file are asked for', 'attributes', [`${undeclared}/secret.txt`], {
    hole: shown,
    control: 'somewhere',
  }),
  attack(
    'hide',
    'a path is exchanged while it is looked at',
    'stat_racing',
    [`${work}/nothing`, `${undeclared}/secret.txt`],
    {
      hole: /show|changes the path during the call/,
    },
  ),
  attack(
    'hide',
    'it is seen from behind a link',
    'behind_link',
    [undeclared, '../run/secrets', `${work}/${who}-behind`],
    {
      hole: shown,
    },
  ),
  attack(
    'hide',
    'a link that leads to it is followed by a dot',
    'behind_link',
    [undeclared, '.', `${work}/${who}-dot`],
    {
      hole: shown,
    },
  ),
  attack(
    'hide',
    'it is seen behind a name that is no text',
    'behind_bytes',
    [undeclared, 'secret.txt', `${work}/${who}-bytes`],
    { hole: shown },
  ),
  attack(
    'hide',
    'it is seen from a folder whose path is too long',
    'from_deep',
    [`${undeclared}/secret.txt`, `${work}/${who}-deep`],
    { hole: shown },
  ),
  attack('hide', 'its path lies in memory that nobody else reads', 'from_secret_memory', [`${undeclared}/secret.txt`], {
    hole: shown,
    control: 'somewhere',
  }),
  attack(
    'hide',
    'a script names it as its interpreter',
    'interpreter',
    [`${undeclared}/secret.txt`, `${work}/${who}-script`],
    { hole: /show|interpreter/ },
  ),
  attack('hide', 'an undeclared file is seen by stat', 'stat', [`${undeclared}/secret.txt`], { hole: shown }),
  attack('hide', 'an undeclared folder is seen by stat', 'stat', [base.concat('/run/secrets')], { hole: shown }),
  attack('hide', '/root is seen by stat', 'stat', ['/root'], { hole: shown }),
  attack('hide', '/var/lib is seen by stat', 'stat', ['/var/lib'], { hole: shown }),
  attack('hide', 'a key below the real HOME is seen by stat', 'stat', [`${home}/.ssh/id_rsa`], { hole: shown }),
  attack('hide', 'names in an undeclared folder are watched', 'watch', [undeclared], { hole: /inotify/ }),
];

const reading = ({ undeclared, home, base, work, outsider: { offers } }, who) => [
  ...['secret.txt'].flatMap((name) => {
    const path = `${undeclared}/${name}`;
    return [
      attack('read', 'an undeclared file is read', 'read', [path, secret.file]),
      attack('read', 'it is read through /proc/self/root', 'through_self_root', [path, secret.file]),
      attack('read', 'it is read from its folder', 'through_cwd', [path, secret.file]),
      attack('read', 'it is read through a planted link', 'by_link', [path, secret.file, `${work}/${who}-planted`]),
      attack('read', 'it is read by a program in memory', 'memfd_exec', [path, secret.file]),
      attack('read', 'it is read through the dynamic loader', 'by_loader', [path, secret.file]),
      attack('read', 'it is read by its handle', 'by_handle', [path, secret.file], { control: 'somewhere' }),
      attack('read', 'it is read through a hard link', 'link', [path, `${work}/${who}-hard`]),
    ];
  }),
  attack('read', 'an undeclared folder is listed', 'listing', [undeclared]),
  attack('read', '/var/lib is listed', 'listing', ['/var/lib']),
  attack('read', 'a mounted secret is read', 'read', [`${base}/run/secrets/token`, secret.file]),
  attack('read', 'a key below the real HOME is read', 'read', [`${home}/.ssh/id_rsa`, secret.key]),
  attack('read', "an outsider's environment is read", 'of_process', [offers.pid, 'environ', secret.variable]),
  attack('read', "an outsider's root is entered", 'of_process', [
    offers.pid,
    `root${undeclared}/secret.txt`,
    secret.file,
  ]),
  attack('read', "an outsider's directory is entered", 'of_process', [offers.pid, 'cwd/secret.txt', secret.file]),
  attack('read', "an outsider's descriptor is opened", 'of_process', [offers.pid, `fd/${offers.fd}`, secret.file]),
  attack('read', "an outsider's message queue is read", 'message', [
    offers.queue,
    who === 'control' ? 1 : 2,
    "outsider's secret",
  ]),
  attack('read', "an outsider's shared memory is looked at", 'shared_memory', [offers.memory]),
  attack('read', "sbox's record of trust is read", 'read', [`${base}/state/sbox/trusted.json`]),
  attack('read', "sbox's capabilities file is read", 'read', [`${base}/state/sbox/capabilities.json`]),
  attack('read', "another sandbox's HOME is read", 'read', [
    `${base}/state/sbox/sandboxes/other/home/note`,
    secret.file,
  ]),
];

const owned = /modes, owners, times/;
const protectedPaths = /protected paths/;

const writing = ({ undeclared, declared, work, base, outsider: { offers } }, who) => [
  attack('write', 'a file is made in an undeclared folder', 'create', [`${undeclared}/${who}-made`]),
  attack('write', 'an undeclared file is written to', 'append', [`${undeclared}/${who}-append`]),
  attack('write', 'an undeclared file is truncated by name', 'truncate', [`${undeclared}/${who}-truncate`], {
    hole: /truncated/,
  }),
  attack('write', 'the mode of an undeclared file is changed', 'chmod', [`${undeclared}/${who}-chmod`], {
    hole: owned,
  }),
  attack('write', 'the times of an undeclared file are changed', 'utime', [`${undeclared}/${who}-utime`], {
    hole: owned,
  }),
  attack('write', 'an attribute of an undeclared file is changed', 'xattr', [`${undeclared}/${who}-xattr`], {
    hole: /extended attributes/,
    control: 'somewhere',
  }),
  attack('write', 'a file is moved out of an undeclared folder', 'rename', [
    `${undeclared}/${who}-rename`,
    `${work}/${who}-moved`,
  ]),
  attack('write', 'a file is moved into an undeclared folder', 'rename', [
    `${work}/${who}-rename`,
    `${undeclared}/${who}-moved`,
  ]),
  attack('write', 'an undeclared file is exchanged for another', 'exchange', [
    `${work}/${who}-link`,
    `${undeclared}/${who}-link`,
  ]),
  attack('write', 'an undeclared file is removed', 'remove', [`${undeclared}/${who}-remove`]),
  attack('write', 'a file in a read-only mount is written to', 'append', [`${declared}/${who}-append`]),
  attack('write', 'a file is made in a read-only mount', 'create', [`${declared}/${who}-made`]),
  attack('write', 'a file of a read-only mount is linked into the workspace', 'link', [
    `${declared}/${who}-link`,
    `${work}/${who}-linked`,
  ]),
  attack('write', 'a file is removed from a read-only mount', 'remove', [`${declared}/${who}-remove`]),
  attack('write', 'a git hook is changed', 'append', [`${work}/.git/hooks/pre-commit`], { hole: protectedPaths }),
  attack('write', "the repository's settings are changed", 'append', [`${work}/.git/config`], { hole: protectedPaths }),
  attack('write', "an outsider's terminal is written to", 'append', [offers.pts]),
  attack('write', 'a file of the shared memory of outsiders is changed', 'append', [
    `/dev/shm/${base.split('/').at(-1)}-${who}`,
  ]),
  attack('write', "an outsider's semaphore is set", 'semaphore', [offers.semaphore]),
  attack('write', "sbox's record of trust is changed", 'append', [`${base}/state/sbox/trusted.json`]),
  attack('write', "another sandbox's HOME is changed", 'append', [`${base}/state/sbox/sandboxes/other/home/note`]),
  attack('write', 'a file system is mounted', 'mount', [], { control: 'somewhere' }),
];

const environment = ({ home }, who) => [
  attack('home', 'something is left in the real HOME', 'in_home', [`${who}-made`], {
    evidence: () => existsSync(join(home, `${who}-made`)),
  }),
  attack('home', 'a key in HOME is read', 'of_home', ['.ssh/id_rsa', secret.key]),
  attack('env', "the operator's token is in the environment", 'variable', ['SECRET_TOKEN', secret.variable]),
  attack('env', 'a variable that makes shells run a file is passed on', 'variable', ['BASH_ENV', '/dev/null']),
  attack('path', 'a program of the workspace is found by its name', 'run_by_name', ['planted-tool']),
];

const shared = /everything that the host reaches/;

const network = ({ outsider, work }, who) => {
  const { offers, address } = outsider;
  const beyondLoopback = address.startsWith('127.') ? undefined : offers.knocked;
  const reach = (id, call, to, port) => {
    const text = `${who}: ${id}`;
    const evidence = () => outsider.arrived.has(text);
    return port === undefined ? [] : [attack('network', id, call, [to, port, text], { hole: shared, evidence })];
  };
  return [
    ...reach('a server on loopback is reached', 'tcp', '127.0.0.1', offers.tcp),
    ...reach('a server on another address is reached', 'tcp', address, offers.tcpOther),
    ...reach('a server on IPv6 is reached', 'tcp', '::1', offers.tcp6),
    ...reach('a datagram arrives', 'udp', '127.0.0.1', offers.udp),
    ...reach('a datagram over IPv6 arrives', 'udp', '::1', offers.udp6),
    // a connection that is not made yet when its own server goes, and a server of the host's takes the port
    ...reach('a deferred connection is made to a later server', 'deferred', `${work}/take-${who}`, offers.later),
    // on the loopback that it shares with the host a server is reached, as SECURITY.md says
    ...reach('a server inside is reached from the network', 'serve', `${work}/knock-${who}`, beyondLoopback),
  ];
};

const inMount = /in a declared mount can be connected to/;

const sockets = ({ undeclared, declared, outsider }, who) => {
  const reach = (id, call, kind, address, more = {}) => {
    const text = `${who}: ${id}`;
    return attack('sockets', id, call, [kind, address, text], { evidence: () => outsider.arrived.has(text), ...more });
  };
  return ['STREAM', 'DGRAM', 'SEQPACKET'].flatMap((kind) => {
    const name = kind.toLowerCase();
    const pairs = kind === 'DGRAM' ? ['DGRAM', 'RAW'] : [];
    return [
      reach(`a ${name} socket in an undeclared folder is reached`, 'unix', kind, `${undeclared}/${name}.sock`),
      reach(`a ${name} socket in a declared folder is reached`, 'unix', kind, `${declared}/${name}.sock`, {
        hole: inMount,
      }),
      reach(`an abstract ${name} socket is reached`, 'unix', kind, `@${undeclared}/${name}`),
      // of RAW the kernel makes a pair of datagram sockets too (unix_create in af_unix.c)
      ...pairs.flatMap((pair) => [
        reach(`an undeclared socket is reached from a ${pair} pair`, 'unix_pair', pair, `${undeclared}/${name}.sock`),
        reach(`a declared socket is reached from a ${pair} pair`, 'unix_pair', pair, `${declared}/${name}.sock`, {
          hole: inMount,
        }),
        reach(
          `an abstract socket is reached from a ${pair} pair`,
          'unix_pair_abstract',
          pair,
          `@${undeclared}/${name}`,
        ),
        reach(`a descriptor is sent out from a ${pair} pair`, 'unix_pair_rights', pair, `${undeclared}/${name}.sock`),
      ]),
    ];
  });
};

const processes = ({ startSleeper, undeclared, outsider: { offers } }) => {
  const { pid } = offers;
  const fatal = (id, call, ...args) => {
    const sleeper = startSleeper();
    return attack('process', id, call, [sleeper.pid, ...args], { evidence: () => sleeper.signalCode !== null });
  };
  return [
    attack('process', "an outsider's command line is seen", 'see', [pid, undeclared], { hole: /command lines/ }),
    fatal('an outsider is killed', 'kill', 9),
    fatal('an outsider is killed by way of a descriptor', 'own_signals'),
    attack('process', 'an outsider is traced', 'trace', [pid]),
    attack('process', "an outsider's memory is opened", 'memory_of_process', [pid]),
    attack('process', "an outsider's memory map is read", 'of_process', [pid, 'maps', 'python']),
    attack('process', "an outsider's program is named", 'link_of_process', [pid, 'exe']),
    attack('process', "an outsider's descriptor is taken", 'take_descriptor', [pid, offers.fd], {
      control: 'somewhere',
    }),
    attack('process', "an outsider's limits are changed", 'limit', [startSleeper().pid]),
    attack('process', "an outsider's priority is lowered", 'lower', [startSleeper().pid], { hole: /priorit/ }),
  ];
};
