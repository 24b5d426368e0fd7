/** What a session loads when its plan names credentials. */
export { findCredential } from './find.ts';
export { openCredentials } from './open.ts';
export { openCommandRunner } from './run-command.ts';
