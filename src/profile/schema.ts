import * as v from 'valibot';
import { mountModes, parseMount, parseMountSource, parseMountTarget } from '../domain/mount.ts';
import {
  parsePass,
  parseProfileName,
  parseProgram,
  parseProtectedPath,
  parseVariable,
  passPattern,
  profileNamePattern,
  variablePattern,
} from '../domain/names.ts';
import { networkModes } from '../domain/network.ts';
import { propertyNames } from '../domain/property.ts';
import { durationPattern, largestCount, parseDuration, parseSize, sizePattern } from '../domain/units.ts';
import { listOf, oneOf, parsedBy, pattern, table, tableOf, wholeNumber } from './schema-forms.ts';

const profileName = v.pipe(v.string('the name of a profile'), parsedBy(parseProfileName), pattern(profileNamePattern));
const variable = v.pipe(v.string('a name'), parsedBy(parseVariable), pattern(variablePattern));
const size = v.pipe(
  v.union([v.string(), v.number()], 'a size such as "4G"'),
  parsedBy<string | number>(parseSize),
  pattern(sizePattern),
  v.examples(['512M', '4G', '1.5GiB']),
);
const count = wholeNumber(1, largestCount);

const mount = v.union(
  [
    v.pipe(
      v.string(),
      parsedBy(parseMount),
      v.description('source[:target][:ro|rw|copy]; ro if no mode is given; \\: is a colon in a path'),
      v.examples(['~/.gitconfig:ro', './fixtures:copy', '~/data:/data:rw']),
    ),
    table({
      source: v.pipe(
        v.string('a path'),
        parsedBy(parseMountSource),
        v.description('A host path: absolute, below ~/, or relative to this file.'),
      ),
      target: v.exactOptional(
        v.pipe(
          v.string('a path'),
          parsedBy(parseMountTarget),
          v.description('The absolute path inside; that of the source if absent.'),
        ),
      ),
      mode: v.exactOptional(
        v.pipe(
          oneOf(mountModes),
          v.description('ro: read-only; rw: changes reach the host; copy: changes stay in the sandbox.'),
        ),
      ),
    }),
  ],
  'a string or an object with "source"',
);

const environment = table({
  pass: listOf(
    v.pipe(v.string('a name'), parsedBy(parsePass), pattern(passPattern)),
    'Variables to take over from the caller; a trailing * matches any rest.',
  ),
  passIfVisible: listOf(variable, 'Variables whose value is a path, taken over only if that path is visible inside.'),
  set: v.exactOptional(
    v.pipe(
      tableOf(variable, v.string('a string')),
      v.description('Variables with their values; they win over those that were taken over.'),
    ),
  ),
});

const limits = table({
  memory: v.exactOptional(v.pipe(size, v.description('Private memory of one process, for example "4G".'))),
  processes: v.exactOptional(v.pipe(count, v.description('Processes and threads inside.'))),
  openFiles: v.exactOptional(v.pipe(count, v.description('Open files of one process.'))),
  fileSize: v.exactOptional(v.pipe(size, v.description('The largest file that may be written, for example "1G".'))),
  timeout: v.exactOptional(
    v.pipe(
      v.string('a duration such as "2h"'),
      parsedBy(parseDuration),
      pattern(durationPattern),
      v.description('The run ends after this time, for example "2h".'),
      v.examples(['90s', '30m', '1h30m']),
    ),
  ),
});

/** The one description of a document's shape: the checker runs it, and profiles/sbox.schema.json is made from it. */
export const documentSchema = table({
  $schema: v.exactOptional(v.pipe(v.string('a string'), v.description('Where editors find the schema of this file.'))),
  description: v.exactOptional(v.pipe(v.string('a string'), v.description('One line for `sbox profiles`.'))),
  extends: v.exactOptional(
    v.pipe(
      v.union([profileName, v.array(profileName)], 'the name of a profile or a list of names'),
      v.description('Profiles that apply before this one, in order.'),
    ),
  ),
  command: listOf(v.string('a string'), 'The command and its arguments, if none is given to `sbox run`.'),
  mounts: listOf(mount, 'Host paths that exist inside.'),
  protect: listOf(
    v.pipe(v.string('a path'), parsedBy(parseProtectedPath)),
    'Paths relative to the workspace that stay read-only under writable mounts.',
  ),
  env: v.exactOptional(v.pipe(environment, v.description('The environment of the command.'))),
  path: v.exactOptional(
    v.pipe(
      table({
        tools: listOf(
          v.pipe(v.string('the name of a program'), parsedBy(parseProgram)),
          'If not empty, PATH holds exactly these programs.',
        ),
      }),
      v.description('What PATH holds.'),
    ),
  ),
  network: v.exactOptional(
    v.pipe(
      table({
        mode: v.exactOptional(
          v.pipe(
            oneOf(networkModes),
            v.description('none: own loopback; limited: declared hosts; host-only: this machine; full: everything.'),
          ),
        ),
      }),
      v.description('What the command may reach.'),
    ),
  ),
  limits: v.exactOptional(v.pipe(limits, v.description('What the command may use.'))),
  require: listOf(oneOf(propertyNames), 'Properties that must be enforced here, or the run is refused.'),
  userNamespaces: v.exactOptional(
    v.pipe(v.boolean('true or false'), v.description('Whether the command may create user namespaces.')),
  ),
});

/** A document after checking, as it was written. */
export type DocumentValue = v.InferOutput<typeof documentSchema>;
