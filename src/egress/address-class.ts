import { type Address, isInNetwork, parseAddress } from '../domain/address.ts';

/** What kind of place an address is; a name may lead to `public` ones without further ado. */
export type AddressClass =
  | 'public'
  | 'loopback'
  | 'unspecified'
  | 'link-local'
  /** where clouds tell a machine its identity and secrets */
  | 'metadata'
  | 'private'
  | 'multicast'
  | 'broadcast'
  | 'documentation'
  | 'benchmarking'
  | 'reserved'
  /** of an interface of this machine */
  | 'own';

/** The class of an address; one that carries an IPv4 address has that one's class where it is worse than its own. */
export const classifyAddress = (address: Address, own: readonly Address[] = []): AddressClass => {
  const found = tables[address.family].find(([network, bits]) => isInNetwork(address, network, bits))?.[2];
  const first = found ?? (address.family === 4 ? 'public' : 'reserved');
  if (first !== 'public') return first;
  const carried = embeddedAddresses(address).map((inner) => classifyAddress(inner, own));
  const worse = carried.find((inner) => inner !== 'public');
  if (worse !== undefined) return worse;
  return own.some((mine) => mine.family === address.family && mine.value === address.value) ? 'own' : 'public';
};

/** The address, and every other one that a connection to it may reach: a `deny` of any of them counts. */
export const aliasesOf = (address: Address): readonly Address[] => [
  address,
  ...embeddedAddresses(address),
  // connect(2) to the unspecified address goes to loopback (Linux, net/ipv4/route.c)
  ...(address.value === 0n ? [address.family === 4 ? loopbackFour : loopbackSix] : []),
];

/** The IPv4 addresses that translators and tunnels make of an IPv6 address. */
const embeddedAddresses = (address: Address): Address[] => {
  const { family, value } = address;
  if (family === 4) return [];
  const four = (shift: bigint, flip = 0n): Address => ({
    family: 4,
    value: ((value >> shift) & 0xffffffffn) ^ flip,
  });
  const found: Address[] = [];
  // IPv4-compatible (RFC 4291, 2.5.5.1), NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo's server and client (RFC 4380), ISATAP (RFC 5214)
  if (value >> 32n === 0n && value > 0xffffn) found.push(four(0n));
  if (isInNetwork(address, nat64, 96)) found.push(four(0n));
  if (isInNetwork(address, sixToFour, 16)) found.push(four(80n));
  if (isInNetwork(address, teredo, 32)) found.push(four(64n), four(0n, 0xffffffffn));
  if (((value >> 32n) & 0xfdffffffn) === 0x5efen) found.push(four(0n));
  return found;
};

const known = (text: string): Address => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`"${text}" is not an address`);
  return address;
};

const loopbackFour = known('127.0.0.1');
const loopbackSix = known('::1');
const nat64 = known('64:ff9b::');
const sixToFour = known('2002::');
const teredo = known('2001::');

type Row = readonly [network: Address, bits: number, kind: AddressClass];
const row = ([text, kind]: readonly [string, AddressClass]): Row => {
  const [address = '', bits] = text.split('/');
  return [known(address), Number(bits), kind];
};

/** The first row that holds an address tells its class: IANA's special-purpose registries (RFC 6890), and the clouds' own. */
const tables: Readonly<Record<4 | 6, readonly Row[]>> = {
  4: (
    [
      ['0.0.0.0/8', 'unspecified'],
      ['127.0.0.0/8', 'loopback'],
      ['169.254.169.254/32', 'metadata'],
      ['169.254.170.0/24', 'metadata'],
      ['168.63.129.16/32', 'metadata'],
      ['100.100.100.200/32', 'metadata'],
      ['192.0.0.192/32', 'metadata'],
      ['169.254.0.0/16', 'link-local'],
      ['10.0.0.0/8', 'private'],
      ['172.16.0.0/12', 'private'],
      ['192.168.0.0/16', 'private'],
      ['100.64.0.0/10', 'private'],
      ['192.0.0.0/24', 'reserved'],
      ['192.0.2.0/24', 'documentation'],
      ['198.51.100.0/24', 'documentation'],
      ['203.0.113.0/24', 'documentation'],
      ['192.88.99.0/24', 'reserved'],
      ['198.18.0.0/15', 'benchmarking'],
      ['224.0.0.0/4', 'multicast'],
      ['255.255.255.255/32', 'broadcast'],
      ['240.0.0.0/4', 'reserved'],
    ] as const
  ).map(row),
  6: (
    [
      ['::/128', 'unspecified'],
      ['::1/128', 'loopback'],
      // judged by what they carry
      ['64:ff9b::/96', 'public'],
      // RFC 8215: where in it the IPv4 address stands is the network's own choice
      ['64:ff9b:1::/48', 'private'],
      ['fd00:ec2::254/128', 'metadata'],
      ['fd20:ce::254/128', 'metadata'],
      ['fc00::/7', 'private'],
      ['fe80::/10', 'link-local'],
      ['fec0::/10', 'private'],
      ['ff00::/8', 'multicast'],
      ['2001:db8::/32', 'documentation'],
      ['3fff::/20', 'documentation'],
      ['2001:2::/48', 'benchmarking'],
      ['2001::/32', 'public'],
      ['2001::/23', 'reserved'],
      // IPv4-compatible
      ['::/96', 'public'],
      // all that is given out (RFC 4291, 2.4)
      ['2000::/3', 'public'],
    ] as const
  ).map(row),
};
