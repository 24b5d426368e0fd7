import { expect, test } from 'vitest';
import { ask, ask2 } from '../../../support/tls-clients.ts';
import { host, openPeers, secretText } from '../../../support/tls-peers.ts';

test('the real host gets the secret, the client gets the placeholder back', async () => {
  await using peers = await openPeers((request, response) => {
    response.setHeader('x-echo', request.headers['x-api-key'] ?? '');
    response.end(`you sent ${request.headers['x-api-key']}`);
  });
  const answer = await ask(await peers.connect(), host, { headers: { 'x-api-key': peers.placeholder } });
  expect(answer.status).toBe(200);
  expect(peers.received[0]?.headers['x-api-key']).toBe(secretText);
  expect(answer.body.toString()).toBe(`you sent ${peers.placeholder}`);
  expect(answer.headers['x-echo']).toBe(peers.placeholder);
});

test('a server whose authority the system alone knows is verified; another one is not', async () => {
  for (const [systemCa, status, connections] of [
    [(real: string) => `# as a system keeps it\n${real}\n`, 200, 1],
    [() => '', 502, 0],
  ] as const) {
    await using peers = await openPeers((_request, response) => void response.end('ok'), { systemCa });
    const answers = [await ask(await peers.connect(), host), await ask(await peers.connect(), host)];
    expect(answers.map((answer) => answer.status)).toEqual([status, status]);
    expect(peers.received).toHaveLength(connections * 2);
  }
});

test('the same over HTTP/2', async () => {
  await using peers = await openPeers((request, response) => {
    response.end(`you sent ${request.headers['x-api-key']}`);
  });
  const socket = await peers.connect({ alpn: ['h2', 'http/1.1'] });
  expect(socket.alpnProtocol).toBe('h2');
  const answer = await ask2(socket, host, { headers: { 'x-api-key': peers.placeholder } });
  expect(answer.status).toBe(200);
  expect(peers.received[0]?.headers['x-api-key']).toBe(secretText);
  expect(answer.body.toString()).toBe(`you sent ${peers.placeholder}`);
});
