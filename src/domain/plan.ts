import type { DeclaredCredential } from './credential.ts';
import type { NamespaceVariant, Terminal } from './facts.ts';
import type { Limits } from './limits.ts';
import type { NetworkPolicy } from './network.ts';
import type { Property } from './property.ts';
import type { RungName } from './rung.ts';

/** One step of building what the command sees, in order; `target` is an absolute path inside. */
export type PlannedMount =
  /** a host file or directory with all that is mounted below it */
  | {
      readonly kind: 'bind';
      readonly source: string;
      readonly target: string;
      readonly type: 'file' | 'dir';
      readonly access: 'ro' | 'rw';
      /** passed over if the source has gone since it was looked at */
      readonly optional?: true;
      readonly why: string;
    }
  /** a private copy, made in `store` (a host path) before the start */
  | {
      readonly kind: 'copy';
      readonly source: string;
      readonly store: string;
      readonly target: string;
      readonly type: 'file' | 'dir';
      readonly why: string;
    }
  | { readonly kind: 'memory'; readonly target: string; readonly mode: number; readonly why: string }
  | { readonly kind: 'dir'; readonly target: string; readonly why: string }
  | { readonly kind: 'file'; readonly target: string; readonly content: string; readonly why: string }
  | { readonly kind: 'link'; readonly target: string; readonly text: string; readonly why: string }
  | { readonly kind: 'proc' | 'devices'; readonly target: string; readonly why: string };

/** How the rung does it here. */
export type Mechanism =
  | ({ readonly kind: 'namespaces' } & NamespaceVariant)
  | {
      readonly kind: 'landlock';
      readonly abi: number;
      /** whether PID, IPC, UTS and network namespaces are used beside it */
      readonly namespaces: boolean;
    }
  | { readonly kind: 'portable' };

export interface PlannedCommand {
  readonly argv: readonly [string, ...string[]];
  /** absolute paths inside that are tried in this order, as execvp(3) would */
  readonly candidates: readonly string[];
}

export interface WatchedPath {
  readonly path: string;
  readonly identity?: string;
}

/** The complete, inert description of one run: plain JSON. */
export interface Plan {
  readonly version: 1;
  readonly sandbox: {
    readonly name: string;
    /** host folder of its home and records; of an ephemeral one, of this run */
    readonly folder: string;
    readonly ephemeral: boolean;
    /** whether the operator named it */
    readonly named: boolean;
  };
  readonly rung: RungName;
  readonly mechanism: Mechanism;
  readonly profiles: readonly string[];
  readonly workspace: string;
  readonly cwd: string;
  /** HOME as the command sees it */
  readonly home: string;
  /** host folder for this one run, if it needs one; removed at its end */
  readonly runFolder?: string;
  readonly command: PlannedCommand;
  readonly mounts: readonly PlannedMount[];
  readonly env: Readonly<Record<string, string>>;
  readonly network: NetworkPolicy;
  /** whether the command's connections are handed to brokers and decided on in the launcher */
  readonly broker: boolean;
  /** whether the broker also hides what is undeclared from the calls that take a path */
  readonly hidePaths: boolean;
  readonly credentials: readonly DeclaredCredential[];
  /** where the run's certificates lie, a host folder, and where they are seen; absent without credentials */
  readonly trust?: { readonly source: string; readonly inside: string };
  readonly hostname: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly kernelRoot: boolean;
    /** whom the command takes itself for, if for somebody else (user_namespaces(7)) */
    readonly as?: { readonly uid: number; readonly gid: number };
  };
  readonly userNamespaces: boolean;
  readonly limits: Limits;
  /** the caller's own limits of open files, where the limits name none */
  readonly openFiles?: { readonly soft: number; readonly hard: number };
  readonly terminal?: Terminal;
  readonly properties: readonly Property[];
  /** properties that must be `enforced`, or the run is refused */
  readonly require: readonly string[];
  /** host paths of what is protected, with what they were (absent: not there); reported at the end if they are different then */
  readonly watch: readonly WatchedPath[];
  /** whether the identity of a watched directory tells of the files in it */
  readonly deepWatch: boolean;
  /** the index of the workspace's repository: what appears in it is entered by the host's git */
  readonly index: WatchedPath;
  /** what the operator should know: variables that were not passed, paths that can't be protected */
  readonly notes: readonly string[];
}
