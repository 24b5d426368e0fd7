import type { EgressEvent } from '../domain/decision.ts';
import { type PlannedRun, planAgain, planRequest } from '../session/request.ts';
import { type OpenSandbox, openSandbox } from '../session/sandbox.ts';
import type { SandboxConfig } from './config.ts';
import { renderRequest } from './request.ts';
import { Sandbox } from './sandbox.ts';

/**
 * Makes a sandbox for many commands. Throws an SboxError: with every problem of the configuration, or if a sandbox can't be made here or
 * a required property would not be enforced. It sets no listener for signals or the process's end: if this process is killed, the
 * kernel ends the commands, and the next sandbox removes the folders.
 */
export const createSandbox = async (config: SandboxConfig = {}): Promise<Sandbox> => {
  const request = renderRequest(config);
  let sandbox: Sandbox | undefined;
  const onDecision = (event: EgressEvent): void => void sandbox?.emit('decision', event);
  const open = async ({ plan, facts, executable }: PlannedRun): Promise<Opened> => ({
    plan,
    opened: await openSandbox(plan, facts, { executable, onDecision }),
  });
  const planned = await planRequest(request);
  const { plan, opened } = await open(planned).catch(async (failure) =>
    open(await planAgain(request, planned, failure)),
  );
  sandbox = new Sandbox(plan, opened);
  return sandbox;
};

interface Opened {
  readonly plan: PlannedRun['plan'];
  readonly opened: OpenSandbox;
}
