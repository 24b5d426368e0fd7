// sbox's own proxy as the portable rung uses it: a token opens it. Bundled by ways.mjs; arguments: the port of loopback that may be reached,
// and the interpreter's executable.
import { openEgress } from '../../src/egress/open.ts';
import { openProxy } from '../../src/egress/proxy/proxy.ts';

const [, , portText, executable = ''] = process.argv;
const port = Number(portText);
const splicing = { executable, arch: process.arch === 'arm64' ? 'arm64' : 'x64' } as const;
const rule = { text: `localhost:${port}`, origin: 'the bench', match: { kind: 'localhost' }, port } as const;
const policy = { mode: 'limited', allow: [rule], deny: [], hosts: {} } as const;
const egress = openEgress(policy, { env: {}, home: '/nonexistent', untrusted: [] });
const proxy = await openProxy({ egress, onEvent: () => {}, token: 'bench', splicing });
console.log(proxy.port);
process.stdin.on('end', () => process.exit(0)).resume();
