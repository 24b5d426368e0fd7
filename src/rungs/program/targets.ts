import { S_IFREG } from '../../syscall/constants.ts';
import type { Data, Program, Slot } from '../../syscall/program.ts';
import { openPath, type Place } from './open-path.ts';

/**
 * The places in a folder that is filled before a command sees it: a new root, or the sandbox's HOME. Targets are absolute as seen from
 * there. What lies in sbox's own tmpfs is made by path; what lies in a tree that the command may have written to is reached step by
 * step, without following a link, so that nothing is ever made outside.
 */
export class TargetTree {
  readonly root: Slot;
  readonly #program: Program;
  readonly #made = new Set<string>(['/']);
  readonly #untrusted: string[] = [];
  /** the sandbox's HOME as a target */
  readonly #ownTree: string | undefined;

  constructor(program: Program, root: Slot, ownTree?: string) {
    this.#ownTree = ownTree;
    this.#program = program;
    this.root = root;
  }

  /** The path relative to the root, as a string of the program. */
  path(target: string): Data {
    return this.#program.string(target.slice(1));
  }

  /** Declares a target to be a link or under the command's control: what lies below it is never reached by path. */
  untrusted(target: string): void {
    this.#untrusted.push(target);
    for (const made of this.#made) if (made !== '/' && made.startsWith(`${target}/`)) this.#made.delete(made);
  }

  /** Makes a directory and its parents, where they are missing. */
  make(target: string): void {
    if (this.#made.has(target)) return;
    this.makeParent(target);
    this.#made.add(target);
    this.#createIn(target, 'dir');
  }

  makeParent(target: string): void {
    this.make(target.slice(0, target.lastIndexOf('/')) || '/');
  }

  /** Makes the target of a mount. */
  mountPoint(target: string, type: 'file' | 'dir'): Place {
    if (this.#ownTree !== undefined && target.startsWith(`${this.#ownTree}/`)) {
      // a link there was made by a run without a mount namespace, or planted: the mount goes before it
      this.makeParent(target);
      this.#inParent(target, (folder, name) => this.#removeLink(folder, name));
    }
    if (type === 'dir') this.make(target);
    else {
      this.makeParent(target);
      this.#createIn(target, 'file');
    }
    if (this.#isTrusted(target)) return { folder: this.root, path: target.slice(1) };
    return { folder: openPath(this.#program, this.root, target.slice(1)), path: '' };
  }

  #isTrusted(target: string): boolean {
    return !this.#untrusted.some((tree) => target.startsWith(`${tree}/`));
  }

  /** Makes an empty file or directory below a folder, the root if not named; does nothing if the name is taken. */
  create(name: Data | Slot, type: 'file' | 'dir', folder: Slot = this.root): void {
    if (type === 'dir') this.#program.call('mkdirat', [folder, name, 0o755], { onFailure: 'ignore' });
    else this.#program.call('mknodat', [folder, name, S_IFREG | 0o644, 0], { onFailure: 'ignore' });
  }

  /** Makes a link and the directories above it; replaces another link, and nothing else. */
  link(target: string, text: string): void {
    this.makeParent(target);
    this.#inParent(target, (folder, name) => {
      if (!this.#isTrusted(target)) this.#removeLink(folder, name);
      this.#program.call('symlinkat', [this.#program.string(text), folder, name]);
    });
    this.untrusted(target);
  }

  #removeLink(folder: Slot, name: Data): void {
    const none = this.#program.label();
    this.#program.call('readlinkat', [folder, name, this.#program.words([0]), 8], { onFailure: none });
    this.#program.call('unlinkat', [folder, name, 0], { onFailure: 'ignore' });
    this.#program.place(none);
  }

  #createIn(target: string, type: 'file' | 'dir'): void {
    this.#inParent(target, (folder, name) => this.create(name, type, folder));
  }

  #inParent(target: string, act: (folder: Slot, name: Data) => void): void {
    if (this.#isTrusted(target)) {
      act(this.root, this.path(target));
      return;
    }
    const at = target.lastIndexOf('/');
    const folder = openPath(this.#program, this.root, target.slice(1, at) || '.');
    act(folder, this.#program.string(target.slice(at + 1)));
    this.#program.call('close', [folder]);
  }
}
