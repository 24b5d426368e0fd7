import type { DeclaredCredential } from '../domain/credential.ts';
import type { Limits } from '../domain/limits.ts';
import type { NetworkMode, NetworkPolicy } from '../domain/network.ts';
import type { Place } from '../domain/problem.ts';
import type { DeclaredMount, EnvironmentPolicy } from '../domain/profile.ts';
import type { HideMode, PropertyName } from '../domain/property.ts';

/** A profile that a document names, and where. */
export interface Extension {
  readonly name: string;
  readonly place: Place;
}

/** One document with its values in final units; what it does not say is absent or empty. */
export interface Layer {
  readonly file: string;
  readonly description?: string;
  readonly extends: readonly Extension[];
  readonly command?: readonly string[];
  readonly mounts: readonly DeclaredMount[];
  readonly protect: readonly string[];
  readonly env: EnvironmentPolicy;
  readonly tools: readonly string[];
  readonly network: Omit<NetworkPolicy, 'mode'> & { readonly mode?: NetworkMode };
  readonly credentials: readonly DeclaredCredential[];
  readonly limits: Limits;
  readonly hide?: HideMode;
  readonly require: readonly PropertyName[];
  readonly userNamespaces?: boolean;
}
