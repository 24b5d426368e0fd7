import { expect, test } from 'vitest';
import { parseTrappedCall } from '../../../../src/egress/broker/caller.ts';

test('a call is what struct seccomp_notif holds', () => {
  const bytes = Buffer.alloc(80);
  bytes.writeBigUInt64LE(0xffff_ffff_ffff_fff0n, 0); // id
  bytes.writeUInt32LE(4242, 8); // pid
  bytes.writeUInt32LE(0, 12); // flags
  bytes.writeInt32LE(42, 16); // struct seccomp_data: nr, arch, instruction pointer, arguments
  bytes.writeUInt32LE(0xc000_003e, 20);
  bytes.writeBigUInt64LE(0x7fff_0000_1234n, 24);
  for (let index = 0; index < 6; index++)
    bytes.writeBigUInt64LE(0xdead_beef_0000_0000n + BigInt(index), 32 + 8 * index);
  expect(parseTrappedCall(bytes)).toEqual({
    id: 0xffff_ffff_ffff_fff0n,
    pid: 4242,
    number: 42,
    args: [0n, 1n, 2n, 3n, 4n, 5n].map((low) => 0xdead_beef_0000_0000n + low),
  });
});
