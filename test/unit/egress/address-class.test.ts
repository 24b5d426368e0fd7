import { expect, test } from 'vitest';
import { parseAddress } from '../../../src/domain/address.ts';
import { aliasesOf, classifyAddress } from '../../../src/egress/address-class.ts';

const at = (text: string) => {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`"${text}" is not an address`);
  return address;
};
const own = [at('93.184.216.1'), at('2600:1::5')];

test.each([
  ['93.184.216.34', 'public'],
  ['1.1.1.1', 'public'],
  ['172.15.255.255', 'public'],
  ['172.32.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.128.0.0', 'public'],
  ['198.17.255.255', 'public'],
  ['198.20.0.0', 'public'],
  ['223.255.255.255', 'public'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['169.254.0.1', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['10.0.0.1', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['192.0.0.8', 'reserved'],
  ['192.0.2.1', 'documentation'],
  ['198.51.100.1', 'documentation'],
  ['203.0.113.1', 'documentation'],
  ['198.18.0.1', 'benchmarking'],
  ['198.19.255.255', 'benchmarking'],
  ['224.0.0.1', 'multicast'],
  ['239.255.255.250', 'multicast'],
  ['240.0.0.1', 'reserved'],
  ['255.255.255.255', 'broadcast'],
  ['93.184.216.1', 'own'],
  ['2606:4700::1111', 'public'],
  ['2600:1::5', 'own'],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:a9fe:a9fe', 'metadata'],
  ['::ffff:93.184.216.34', 'public'],
  ['::127.0.0.1', 'loopback'],
  ['::10.0.0.1', 'private'],
  ['fe80::1', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'private'],
  ['fc00::1', 'private'],
  ['fdff::1', 'private'],
  ['fd00:ec2::254', 'metadata'],
  ['ff02::1', 'multicast'],
  ['2001:db8::1', 'documentation'],
  ['3fff::1', 'documentation'],
  ['2001:2::1', 'benchmarking'],
  ['2001:10::1', 'reserved'],
  ['100::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['5f00::1', 'reserved'],
  ['64:ff9b::93.184.216.34', 'public'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b::169.254.169.254', 'metadata'],
  ['64:ff9b::93.184.216.1', 'own'],
  ['64:ff9b:1::93.184.216.34', 'private'],
  ['2002:5db8:d822::1', 'public'],
  ['2002:7f00:1::1', 'loopback'],
  ['2002:a9fe:a9fe::1', 'metadata'],
  ['2002:c0a8:101::1', 'private'],
  // Teredo: server 93.184.216.34, client 93.184.216.35, then one of them private
  ['2001:0:5db8:d822:0:0:a247:27dc', 'public'],
  ['2001:0:7f00:1:0:0:a247:27dc', 'loopback'],
  ['2001:0:5db8:d822:0:0:f5ff:fffe', 'private'],
  ['2600::5efe:10.0.0.1', 'private'],
  ['2600::200:5efe:127.0.0.1', 'loopback'],
])('%s is %s', (text, kind) => expect(classifyAddress(at(text), own)).toBe(kind));

test('what carries or stands for another address reaches that one too', () => {
  expect(aliasesOf(at('93.184.216.34'))).toEqual([at('93.184.216.34')]);
  expect(aliasesOf(at('64:ff9b::10.0.0.1'))).toEqual([at('64:ff9b::10.0.0.1'), at('10.0.0.1')]);
  expect(aliasesOf(at('2002:a00:1::'))).toEqual([at('2002:a00:1::'), at('10.0.0.1')]);
  expect(aliasesOf(at('0.0.0.0'))).toEqual([at('0.0.0.0'), at('127.0.0.1')]);
  expect(aliasesOf(at('::'))).toEqual([at('::'), at('::1')]);
});
