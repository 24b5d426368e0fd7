import * as v from 'valibot';
import {
  parseCredentialHeader,
  parseCredentialHost,
  parseCredentialScheme,
  parseCredentialSource,
  parseCredentialVariable,
} from '../domain/credential-grammar.ts';
import { parseCredentialName, parseWrittenCredential } from '../domain/declared-credential.ts';
import { parseAllowRule, parseDenyRule } from '../domain/egress-rule.ts';
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
import { networkModes, parseNetwork } from '../domain/network.ts';
import { parseHostTarget, parseMappedName, parsePublishedPort } from '../domain/port.ts';
import { hideModes, propertyNames } from '../domain/property.ts';
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
      v.examples(['~/.gitconfig:ro', './fixtures:copy', '~/data:/data:rw', './gitconfig:~/.gitconfig']),
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
          v.description('The path inside: absolute, or below ~/; that of the source if absent.'),
        ),
      ),
      mode: v.exactOptional(
        v.pipe(
          oneOf(mountModes),
          v.description('ro: read-only; rw: changes reach the host; copy: changes stay in the sandbox.'),
        ),
      ),
      optional: v.exactOptional(
        v.pipe(v.boolean('true or false'), v.description('true: left out where the source does not exist.')),
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

const network = v.pipe(
  table({
    mode: v.exactOptional(
      v.pipe(
        oneOf(networkModes),
        v.description('none: own loopback; limited: declared hosts; host-only: this machine; full: everything.'),
      ),
    ),
    allow: listOf(
      v.pipe(
        v.string('a host such as "example.com"'),
        parsedBy(parseAllowRule),
        v.examples([
          'example.com',
          '*.example.com',
          'example.com:8443',
          '192.0.2.0/24',
          'localhost:5432',
          'registry:npm',
        ]),
      ),
      'Hosts that mode limited reaches; ports 443 and 80 if none is named. An address only if it is listed as one.',
    ),
    deny: listOf(
      v.pipe(
        v.string('a host such as "example.com"'),
        parsedBy(parseDenyRule),
        v.examples(['example.com', '*.example.com', '10.0.0.0/8']),
      ),
      'Hosts that are never reached, whatever allows them; every port if none is named.',
    ),
    hosts: v.exactOptional(
      v.pipe(
        tableOf(
          v.pipe(v.string('a host name'), parsedBy(parseMappedName)),
          v.pipe(v.string('an address such as "127.0.0.1:8443"'), parsedBy(parseHostTarget)),
        ),
        v.description(
          'Names with the address, and perhaps port, that stands for them; "allow" still has to name them.',
        ),
      ),
    ),
    publish: listOf(
      v.pipe(
        v.string('two ports such as "3000:3000"'),
        parsedBy(parsePublishedPort),
        v.examples(['3000:3000', '127.0.0.1:8080:80']),
      ),
      'Ports of this host that lead to ports inside: [address:]port:port; 127.0.0.1 if no address is named.',
    ),
  }),
  parsedBy(parseNetwork),
);

const credentialName = v.pipe(v.string('the name of a credential'), parsedBy(parseCredentialName));

const source = table({
  env: v.exactOptional(variable),
  file: v.exactOptional(v.pipe(v.string('a path'), v.description('Absolute, or below ~/.'))),
  keys: listOf(v.string('a key'), 'Where the value is in a JSON file; the whole file is the value if absent.'),
  command: listOf(v.string('a string'), 'A program, by name or absolute path, and its arguments.'),
});

const writtenCredential = table({
  name: v.pipe(v.string('a name'), pattern(profileNamePattern), parsedBy(parseProfileName)),
  sources: listOf(
    v.pipe(source, parsedBy<v.InferOutput<typeof source>>(parseCredentialSource)),
    'Where the real value is looked for outside, in this order.',
  ),
  env: v.exactOptional(
    v.pipe(
      v.string('a name'),
      parsedBy(parseCredentialVariable),
      pattern(variablePattern),
      v.description('The variable inside that holds the placeholder.'),
    ),
  ),
  hosts: listOf(
    v.pipe(v.string('a host name'), parsedBy(parseCredentialHost)),
    'Where it may go, over TLS alone: exact names, or "*.example.com".',
  ),
  port: v.exactOptional(v.pipe(wholeNumber(1, 65_535), v.description('443 if absent.'))),
  header: v.exactOptional(
    v.pipe(
      v.string('the name of a header'),
      parsedBy(parseCredentialHeader),
      v.description('"authorization" if absent.'),
    ),
  ),
  scheme: v.exactOptional(
    v.pipe(
      v.string('a word'),
      parsedBy(parseCredentialScheme),
      v.description('The word before it: "Bearer" for "authorization"; "Basic" its password.'),
    ),
  ),
});

const credential = v.union(
  [
    credentialName,
    v.pipe(writtenCredential, parsedBy<v.InferOutput<typeof writtenCredential>>(parseWrittenCredential)),
  ],
  'the name of a credential or an object with "name"',
);

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
  network: v.exactOptional(v.pipe(network, v.description('What the command may reach.'))),
  credentials: listOf(
    credential,
    'Credentials that stay outside: inside there is a placeholder, which the proxy swaps for the real one at its hosts.',
  ),
  limits: v.exactOptional(v.pipe(limits, v.description('What the command may use.'))),
  hide: v.exactOptional(
    v.pipe(
      oneOf(hideModes),
      v.description(
        'strict: on the landlock rung, too, an undeclared path is absent (slow); usual: it is refused there.',
      ),
    ),
  ),
  require: listOf(oneOf(propertyNames), 'Properties that must be enforced here, or the run is refused.'),
  userNamespaces: v.exactOptional(
    v.pipe(v.boolean('true or false'), v.description('Whether the command may create user namespaces.')),
  ),
});

/** A document after checking, as it was written. */
export type DocumentValue = v.InferOutput<typeof documentSchema>;
