/** What a path on the host is. `links` are the symbolic links on the way, the final component's included. */
export type PathFact =
  | { readonly kind: 'file' | 'dir' | 'other'; readonly real: string; readonly links: readonly string[] }
  | {
      readonly kind: 'missing';
      readonly errno: 'ENOENT' | 'ENOTDIR' | 'EACCES' | 'ELOOP';
      readonly links: readonly string[];
    };

/** An entry of the host that goes into the sandbox as it is: a mount, or a link with the same text. */
export interface HostEntry {
  readonly path: string;
  readonly kind: 'file' | 'dir' | 'link';
  /** a link's text */
  readonly text?: string;
}

/** A program outside the system directories, followed to what it needs. */
export interface Toolchain {
  /** host path of a package or a single program; mounted read-only at its own path */
  readonly root: string;
  readonly kind: 'file' | 'dir';
  /** the program or PATH entry that led here */
  readonly why: string;
}

export interface Tools {
  readonly toolchains: readonly Toolchain[];
  /** programs that get a link in the sandbox's directory of tools: name, real path */
  readonly links: readonly { readonly name: string; readonly target: string }[];
  /** the operator's PATH as it is visible inside; `links` marks where the directory of tools stands */
  readonly path: readonly (string | 'links')[];
  /** the command's real path, where it was found on the host */
  readonly command?: string;
}

export interface Terminal {
  /** the descriptor, 0 to 2, that is the controlling terminal */
  readonly fd: number;
  /** host path of the terminal device */
  readonly path: string;
  /** the caller's process group and whether it is in the foreground */
  readonly processGroup: number;
  readonly foreground: boolean;
  /** whether all three standard streams are it: with a pipe among them, the terminal may be another program's of the job */
  readonly exclusive: boolean;
}

/** How the namespaces rung gets its root and its /proc here. */
export interface NamespaceVariant {
  /** `chroot`: where a filter refuses pivot_root(2), the new root is moved over the old one and entered by chroot(2) */
  readonly root: 'pivot' | 'chroot';
  /** `host`: where a container's masked /proc forbids a fresh one, that one is shown read-only */
  readonly proc: 'fresh' | 'host';
}

/** Why something can't be had here. */
export interface Refusal {
  readonly message: string;
  readonly cause: string;
  readonly fix: string;
}

/** What this kernel lets the caller do here, found by doing it. */
export interface Capabilities {
  /** the namespaces rung as a whole */
  readonly namespaces: NamespaceVariant | Refusal;
  /** PID, IPC, UTS and network namespaces without any mount */
  readonly bareNamespaces: boolean;
  /** the version of Landlock's interface; 0: it can't be had */
  readonly landlockAbi: number;
  /** why it can't */
  readonly noLandlock?: Refusal;
  /** whether system calls can be handed to a broker: not where another program of the kind listens already */
  readonly listener: boolean;
}

/** The protected paths of one writable tree, relative to it. */
export interface ProtectedTree {
  readonly root: string;
  readonly existing: readonly ProtectedPath[];
  readonly missing: readonly string[];
}

export interface ProtectedPath {
  readonly path: string;
  readonly kind: 'file' | 'dir' | 'link';
  /** changes when the path is replaced or written to */
  readonly identity: string;
  /** hard links; of a directory 1 */
  readonly names: number;
}

/** Everything that planning needs to know of the host, read before it and frozen. */
export interface Facts {
  readonly arch: 'x64' | 'arm64';
  readonly capabilities: Capabilities;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    /** whether the kernel itself takes this user for uid 0, rather than a user namespace alone */
    readonly kernelRoot: boolean;
    readonly name: string;
    readonly group: string;
    readonly shell: string;
  };
  /** $HOME as the operator spells it, and without links */
  readonly home: string;
  readonly realHome: string;
  readonly hostname: string;
  /** absolute, without links */
  readonly cwd: string;
  readonly workspace: string;
  /** uid that owns the workspace */
  readonly workspaceOwner: number;
  readonly stateDir: string;
  readonly configDir: string;
  /** a folder for this one run, removed at its end */
  readonly runFolder: string;
  /** the folder of sbox's own code */
  readonly codeDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** /usr, /bin, /lib... */
  readonly system: readonly HostEntry[];
  /** the entries of /etc that the curated list names */
  readonly etc: readonly HostEntry[];
  /** extra directories of the kernel's that are shown read-only */
  readonly sys: readonly HostEntry[];
  readonly tools: Tools;
  /** every path that the profile, the invocation or the environment names */
  readonly paths: Readonly<Record<string, PathFact>>;
  /** protected paths of the writable trees, the workspace first */
  readonly protectedPaths: readonly ProtectedTree[];
  /** identity of the index of the workspace's repository, if there is one */
  readonly gitIndex?: string;
  readonly terminal?: Terminal;
  /** the caller's limits of open files before Node raised the lower one */
  readonly openFiles?: { readonly soft: number; readonly hard: number };
  /** variables that lead package clients to the registries of the operator's settings */
  readonly registries: Readonly<Record<string, string>>;
  /** files of accounts and of the network, without links: what the landlock rung shows of /etc as it is */
  readonly sharedFiles: readonly string[];
  /** contents of the host's /etc/resolv.conf and /etc/hosts, for a sandbox that shares the host's network */
  readonly resolvConf: string;
  readonly hosts: string;
}
