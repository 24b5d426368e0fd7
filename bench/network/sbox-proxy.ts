// sbox's own proxy as the portable rung uses it: a token opens it. Bundled by ways.mjs; argument: the port of loopback that may be reached.
import { openEgress } from '../../src/egress/open.ts';
import { openProxy } from '../../src/egress/proxy/proxy.ts';

const port = Number(process.argv[2]);
const rule = { text: `localhost:${port}`, origin: 'the bench', match: { kind: 'localhost' }, port } as const;
const policy = { mode: 'limited', allow: [rule], deny: [], hosts: {} } as const;
const egress = openEgress(policy, { env: {}, home: '/nonexistent', untrusted: [] });
const proxy = await openProxy({ egress, onEvent: () => {}, token: 'bench' });
console.log(proxy.port);
process.stdin.on('end', () => process.exit(0)).resume();
