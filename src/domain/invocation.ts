import type { DeclaredCredential } from './credential.ts';
import type { Limits } from './limits.ts';
import type { DeclaredPort, EgressRule, NetworkMode } from './network.ts';
import type { DeclaredMount } from './profile.ts';
import type { HideMode, PropertyName } from './property.ts';
import type { RungName } from './rung.ts';

/** What the operator asked for in this one run; it wins over every profile. */
export interface Invocation {
  /** empty: the profile's command, else the user's shell */
  readonly command: readonly string[];
  readonly mounts: readonly DeclaredMount[];
  /** names to take over from the operator's environment */
  readonly pass: readonly string[];
  readonly set: Readonly<Record<string, string>>;
  readonly network?: NetworkMode;
  /** rules beside the profile's */
  readonly allow?: readonly EgressRule[];
  readonly deny?: readonly EgressRule[];
  readonly publish?: readonly DeclaredPort[];
  readonly rung?: RungName;
  /** whom the command takes itself for */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly hide?: HideMode;
  readonly require: readonly PropertyName[];
  /** the sandbox's name; derived from the workspace if absent */
  readonly name?: string;
  readonly ephemeral: boolean;
  readonly credentials?: readonly DeclaredCredential[];
  readonly limits: Limits;
}
