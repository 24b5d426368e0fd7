import type { DeclaredCredential } from './credential.ts';
import type { Limits } from './limits.ts';
import type { MountMode } from './mount.ts';
import type { NetworkPolicy } from './network.ts';
import type { Place } from './problem.ts';
import type { HideMode, PropertyName } from './property.ts';

/** A mount as it was declared: the source may be relative to the document's folder or start with ~. */
export interface DeclaredMount {
  readonly source: string;
  /** absolute path inside; the source's own path if absent */
  readonly target?: string;
  readonly mode: MountMode;
  /** left out where the source does not exist */
  readonly optional?: true;
  /** what a relative source is relative to: an absolute host folder */
  readonly base: string;
  /** for messages and `sbox plan`: the document's place or the option that declared it */
  readonly origin: string;
}

export interface EnvironmentPolicy {
  /** names to take over from the operator's environment; a trailing * matches any rest */
  readonly pass: readonly string[];
  /** names whose value is a path: taken over only if that path is visible inside */
  readonly passIfVisible: readonly string[];
  readonly set: Readonly<Record<string, string>>;
}

/** A policy after parsing and extending: every key is present, lists are merged. */
export interface Profile {
  /** the documents that it came from, the strongest last */
  readonly sources: readonly string[];
  readonly command: readonly string[];
  readonly mounts: readonly DeclaredMount[];
  /** paths relative to the workspace that stay read-only */
  readonly protect: readonly string[];
  readonly env: EnvironmentPolicy;
  readonly network: NetworkPolicy;
  readonly path: {
    /** if not empty, PATH holds links to exactly these programs and nothing else */
    readonly tools: readonly string[];
  };
  readonly credentials: readonly DeclaredCredential[];
  readonly limits: Limits;
  readonly hide: HideMode;
  readonly require: readonly PropertyName[];
  /** whether the command may create user namespaces of its own */
  readonly userNamespaces: boolean;
}

/** Where a value of a document stands, for messages about it. */
export type PlaceOf = (path: readonly (string | number)[]) => Place;
