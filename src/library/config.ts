import type { NetworkMode } from '../domain/network.ts';
import type { HideMode, PropertyName } from '../domain/property.ts';
import type { RungName } from '../domain/rung.ts';

/** What a sandbox may see and reach: the keys of sbox.json, with the same forms of values. */
export interface Policy {
  /** host paths that exist inside: `source[:target][:ro|rw|copy]`, or the parts; relative ones start from the workspace */
  readonly mounts?: readonly (string | MountValue)[];
  /** paths relative to the workspace that stay read-only */
  readonly protect?: readonly string[];
  readonly env?: {
    /** variables of this process to take over; a trailing * matches any rest */
    readonly pass?: readonly string[];
    /** variables whose value is a path, taken over only if that is visible inside */
    readonly passIfVisible?: readonly string[];
    readonly set?: Readonly<Record<string, string>>;
  };
  readonly path?: {
    /** if not empty, PATH holds exactly these programs */
    readonly tools?: readonly string[];
  };
  readonly network?: {
    readonly mode?: NetworkMode;
    /** hosts that mode `limited` reaches: `example.com`, `*.example.com:8443`, `localhost:5432`, `registry:npm` */
    readonly allow?: readonly string[];
    /** hosts that are never reached, whatever allows them */
    readonly deny?: readonly string[];
    /** names with the address, and perhaps port, that stands for them */
    readonly hosts?: Readonly<Record<string, string>>;
    /** ports of this host that lead to ports inside: `3000:3000` */
    readonly publish?: readonly string[];
  };
  readonly limits?: {
    /** private memory of one process: bytes, or as in `4G` */
    readonly memory?: string | number;
    readonly processes?: number;
    readonly openFiles?: number;
    /** size of one file */
    readonly fileSize?: string | number;
    /** of each command, as in `90s` */
    readonly timeout?: string;
  };
  /** credentials that stay outside: by name, or with all that is to be known of one */
  readonly credentials?: readonly (string | CredentialValue)[];
  /** properties that must be enforced here, or no sandbox is made */
  readonly require?: readonly PropertyName[];
  /** `strict`: where the rung has no root of its own, what is undeclared does not show to stat either, which costs time */
  readonly hide?: HideMode;
  /** whether commands may create user namespaces */
  readonly userNamespaces?: boolean;
}

/** A credential: where the real value is outside, and where alone its stand-in is swapped for it. */
export interface CredentialValue {
  readonly name: string;
  /** where the real value is looked for, in this order */
  readonly sources?: readonly (
    | { readonly env: string }
    | { readonly file: string; readonly keys?: readonly string[] }
    | { readonly command: readonly string[] }
  )[];
  /** the variable inside that holds the stand-in */
  readonly env?: string;
  /** where it may go, over TLS alone */
  readonly hosts?: readonly string[];
  readonly port?: number;
  readonly header?: string;
  readonly scheme?: string;
}

export interface MountValue {
  readonly source: string;
  readonly target?: string;
  readonly mode?: 'ro' | 'rw' | 'copy';
}

/** A whole document, as sbox.json holds one. */
export interface PolicyDocument extends Policy {
  /** profiles that apply before it */
  readonly extends?: string | readonly string[];
  readonly description?: string;
}

/** How `createSandbox` makes a sandbox. What stands here wins over `policy`, and that over what it extends. */
export interface SandboxConfig extends Policy {
  /** the folder to work in, writable inside; the current one if absent */
  readonly workspace?: string;
  /** names of profiles, as for --profile */
  readonly profiles?: readonly string[];
  /** a document on the disk, read as the operator's word; the workspace's own sbox.json is read only if it is named here */
  readonly config?: string;
  /** a document as a value, instead */
  readonly policy?: PolicyDocument;
  /** a mechanism instead of the strongest that works here */
  readonly rung?: RungName;
  /** the sandbox's name; with `ephemeral: false` its HOME is found again by it */
  readonly name?: string;
  /** whether HOME is empty at first and forgotten by `dispose`; true if absent */
  readonly ephemeral?: boolean;
  /** where sbox keeps its state; $XDG_STATE_HOME/sbox if absent */
  readonly stateDir?: string;
}

/** What of a configuration is a policy. */
export const policyOf = (config: SandboxConfig): Policy => {
  const { workspace, profiles, config: file, policy, rung, name, ephemeral, stateDir, ...rest } = config;
  return rest;
};
