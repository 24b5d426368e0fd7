/** What a session loads when its plan names credentials. */
export { findDeclared, openCredentials } from './open.ts';
export { openPlaceholders } from './placeholders.ts';
export { openCommandRunner } from './run-command.ts';
