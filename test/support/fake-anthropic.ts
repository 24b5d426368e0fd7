import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A stand-in for the Messages API on loopback. */
export interface FakeAnthropic extends AsyncDisposable {
  readonly url: string;
  /** the keys that clients sent, in the order of the requests */
  readonly keys: readonly (string | undefined)[];
  /** what the client's Bash tool answered */
  readonly toolResults: readonly string[];
}

export interface FakeAnthropicOptions {
  /** another kind of server, as one that speaks TLS */
  readonly serve?: (listener: RequestListener) => Server;
  /** the end of each answer waits for it, once its first events have left */
  readonly untilRead?: () => Promise<void>;
  /** requests to other addresses; true if it has answered */
  readonly onOther?: (request: IncomingMessage, body: string, response: ServerResponse) => boolean;
}

interface Block {
  readonly type: string;
  readonly content?: unknown;
}

/**
 * Answers a client's first message with a call of its Bash tool, and the one that brings the tool's output with a final text. So the
 * real client can be run from end to end without a network.
 */
export const openFakeAnthropic = async (
  command: string,
  { serve = createServer, untilRead, onOther }: FakeAnthropicOptions = {},
): Promise<FakeAnthropic> => {
  const keys: (string | undefined)[] = [];
  const toolResults: string[] = [];
  const server = serve(async (request, response) => {
    const body = await readBody(request);
    if (onOther?.(request, body, response)) return;
    const key = request.headers['x-api-key'] ?? request.headers.authorization;
    keys.push(Array.isArray(key) ? key[0] : key);
    if (!request.url?.startsWith('/v1/messages')) return void response.writeHead(404).end('{}');
    if (request.url.includes('count_tokens')) return void response.end('{"input_tokens":1}');
    const message = JSON.parse(body) as {
      stream?: boolean;
      model: string;
      messages: Message[];
      tools?: { name: string }[];
    };
    const result = findToolResult(message.messages.at(-1));
    if (result !== undefined) toolResults.push(textOf(result.content));
    const callsTool = result === undefined && (message.tools ?? []).some(({ name }) => name === 'Bash');
    if (message.stream)
      await answerInEvents(response, message.model, callsTool ? command : undefined, result, untilRead);
    else answerAtOnce(response, message.model);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    toolResults,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

interface Message {
  readonly content: string | readonly Block[];
}

const readBody = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
};

const findToolResult = (message: Message | undefined): Block | undefined =>
  typeof message?.content === 'object' ? message.content.find(({ type }) => type === 'tool_result') : undefined;

const textOf = (content: unknown): string => (typeof content === 'string' ? content : JSON.stringify(content));

const usage = { input_tokens: 1, output_tokens: 1 };

const answerAtOnce = (response: ServerResponse, model: string): void => {
  const content = [{ type: 'text', text: 'ok' }];
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({ id: 'm', type: 'message', role: 'assistant', model, stop_reason: 'end_turn', content, usage }),
  );
};

const answerInEvents = async (
  response: ServerResponse,
  model: string,
  command: string | undefined,
  result: Block | undefined,
  untilRead: (() => Promise<void>) | undefined,
): Promise<void> => {
  const send = (type: string, data: object) =>
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  send('message_start', {
    message: { id: 'm1', type: 'message', role: 'assistant', model, content: [], stop_reason: null, usage },
  });
  const input = JSON.stringify({ command, description: 'run' });
  const [block, delta] =
    command === undefined
      ? [
          { type: 'text', text: '' },
          { type: 'text_delta', text: `done: ${textOf(result?.content ?? 'no tool')}` },
        ]
      : [
          { type: 'tool_use', id: 'tu1', name: 'Bash', input: {} },
          { type: 'input_json_delta', partial_json: input },
        ];
  send('content_block_start', { index: 0, content_block: block });
  send('content_block_delta', { index: 0, delta });
  await untilRead?.();
  send('content_block_stop', { index: 0 });
  const stopReason = command === undefined ? 'end_turn' : 'tool_use';
  send('message_delta', { delta: { stop_reason: stopReason }, usage: { output_tokens: 5 } });
  send('message_stop', {});
  response.end();
};
