import { credentials } from './credentials.mjs';
import { memory, scale } from './crowd.mjs';
import { growth } from './growth.mjs';
import { library } from './library.mjs';
import { network } from './network.mjs';
import { start } from './start.mjs';
import { steady } from './steady.mjs';

/**
 * Cases by name: each gives groups of commands, or functions that make one when its turn comes, or both with a `close`. The first command of a
 * group is what the others are compared with.
 */
export const cases = { start, memory, scale, library, network, credentials, growth, steady };
