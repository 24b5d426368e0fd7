import { openStandInApi, type StandInApi, sendEvents, sendNotFound } from './stand-in-api.ts';

/**
 * A stand-in of the Responses API. Answers a request that offers a shell tool with a call of it, and the one that brings the tool's
 * output with a final text that holds it.
 */
export const openFakeOpenAi = (command: string): Promise<StandInApi> =>
  openStandInApi({
    key: ({ authorization }) => authorization,
    answer: (path, body, response) => {
      if (!path.endsWith('/responses')) {
        sendNotFound(response);
        return undefined;
      }
      const { input, tools = [] } = JSON.parse(body) as ResponsesRequest;
      const items = typeof input === 'string' ? [] : input;
      const result = items.findLast(
        ({ type }) => type === 'function_call_output' || type === 'custom_tool_call_output',
      );
      const names = [...tools, ...items.flatMap((item) => item.tools ?? [])].flatMap(namesOf);
      const call = result === undefined ? planCall(names, command) : undefined;
      const text = result === undefined ? 'no tool' : `done: ${JSON.stringify(result.output)}`;
      sendEvents(response, call ? callEvents(call) : textEvents(text));
      return result === undefined ? undefined : JSON.stringify(result.output);
    },
  });

interface ResponsesRequest {
  readonly input: string | readonly Item[];
  readonly tools?: readonly Tool[];
}

interface Item {
  readonly type?: string;
  readonly output?: unknown;
  /** newer models of Codex are told of their tools in the conversation */
  readonly tools?: readonly Tool[];
}

interface Tool {
  readonly type: string;
  readonly name?: string;
  /** a namespace's own */
  readonly tools?: readonly Tool[];
}

const namesOf = (tool: Tool): string[] => (tool.tools ? tool.tools.flatMap(namesOf) : [tool.name ?? tool.type]);

/** The call of the shell tool that the client has: Codex's own two, or opencode's. */
const planCall = (names: readonly string[], command: string): object | undefined => {
  const id = { id: 'item_1', call_id: 'call_1', status: 'completed' };
  if (names.includes('exec')) {
    // runs JavaScript, which calls the tools proper
    const input = `text(await tools.exec_command({ cmd: ${JSON.stringify(command)} }))`;
    return { type: 'custom_tool_call', ...id, name: 'exec', input };
  }
  const call = (name: string, values: object) => ({
    type: 'function_call',
    ...id,
    name,
    arguments: JSON.stringify(values),
  });
  if (names.includes('exec_command')) return call('exec_command', { cmd: command });
  if (names.includes('bash')) return call('bash', { command, description: 'run' });
  return undefined;
};

const usage = {
  input_tokens: 1,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 1,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 2,
};
const created = { type: 'response.created', response: { id: 'resp_1', created_at: 1, model: 'stand-in' } };
const completed = { type: 'response.completed', response: { id: 'resp_1', usage } };

const callEvents = (item: object) => [
  created,
  { type: 'response.output_item.added', output_index: 0, item },
  { type: 'response.output_item.done', output_index: 0, item },
  completed,
];

const textEvents = (text: string) => {
  const at = { item_id: 'item_2', output_index: 0, content_index: 0 };
  const item = { type: 'message', role: 'assistant', id: 'item_2', status: 'completed' };
  const part = { type: 'output_text', text, annotations: [] };
  return [
    created,
    { type: 'response.output_item.added', output_index: 0, item: { ...item, content: [] } },
    { type: 'response.content_part.added', ...at, part: { ...part, text: '' } },
    { type: 'response.output_text.delta', ...at, delta: text },
    { type: 'response.output_text.done', ...at, text },
    { type: 'response.content_part.done', ...at, part },
    { type: 'response.output_item.done', output_index: 0, item: { ...item, content: [part] } },
    completed,
  ];
};
