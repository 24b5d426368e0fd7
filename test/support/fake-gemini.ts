import { openStandInApi, type StandInApi, sendEvents, sendNotFound } from './stand-in-api.ts';

/**
 * A stand-in of the Gemini API, streaming. Answers a request that offers the shell tool with a call of it, and the one that brings the
 * tool's output with a final text that holds it.
 */
export const openFakeGemini = (command: string): Promise<StandInApi> =>
  openStandInApi({
    key: (headers) => headers['x-goog-api-key']?.toString(),
    answer: (path, body, response) => {
      if (!path.includes(':streamGenerateContent')) {
        sendNotFound(response);
        return undefined;
      }
      const { contents, tools = [] } = JSON.parse(body) as GenerateRequest;
      const result = contents.at(-1)?.parts.find((part) => part.functionResponse)?.functionResponse;
      const names = tools.flatMap(({ functionDeclarations = [] }) => functionDeclarations.map(({ name }) => name));
      const callsTool = result === undefined && names.includes(shellTool);
      const part = callsTool
        ? { functionCall: { name: shellTool, args: { command, description: 'run' } } }
        : { text: `done: ${JSON.stringify(result?.response ?? 'no tool')}` };
      const candidate = { content: { role: 'model', parts: [part] }, finishReason: 'STOP', index: 0 };
      const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 };
      sendEvents(response, [{ candidates: [candidate], usageMetadata } as { type?: string }]);
      return result === undefined ? undefined : JSON.stringify(result.response);
    },
  });

const shellTool = 'run_shell_command';

interface GenerateRequest {
  readonly contents: readonly { readonly parts: readonly Part[] }[];
  readonly tools?: readonly { readonly functionDeclarations?: readonly { readonly name: string }[] }[];
}

interface Part {
  readonly functionResponse?: { readonly response: unknown };
}
