/** What a session loads when its plan names credentials. */
export { findCredential } from './find.ts';
export { findLogin } from './login.ts';
export { findDeclared, openCredentials } from './open.ts';
export { openPlaceholders } from './placeholders.ts';
export { openCommandRunner } from './run-command.ts';
