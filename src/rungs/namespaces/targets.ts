import { O_CLOEXEC, O_CREAT, O_WRONLY } from '../../syscall/constants.ts';
import type { Data, Slot } from '../../syscall/program.ts';
import type { StepProgram } from '../program/step.ts';
import { openPath } from './mount-calls.ts';

/**
 * The places in the new root. What lies in sbox's own tmpfs is made by path; what lies in a tree that the command may have written
 * to is reached step by step, without following a link, so that nothing is ever made outside the root.
 */
export class TargetTree {
  readonly root: Slot;
  readonly #program: StepProgram;
  readonly #made = new Set<string>(['/']);
  readonly #untrusted: string[] = [];

  constructor(program: StepProgram, root: Slot) {
    this.#program = program;
    this.root = root;
  }

  /** The path relative to the root, as a string of the program. */
  path(target: string): Data {
    return this.#program.string(target.slice(1));
  }

  /** Declares what lies below a target to be under the command's control. */
  untrusted(target: string): void {
    this.#untrusted.push(target);
    for (const made of this.#made) if (made.startsWith(`${target}/`)) this.#made.delete(made);
  }

  /** Makes a directory and its parents, where they are missing. */
  make(target: string): void {
    if (this.#made.has(target)) return;
    this.makeParent(target);
    this.#made.add(target);
    this.#create(target, (folder, name) => {
      this.#program.call('mkdirat', [folder, name, 0o755], { onFailure: 'ignore' });
    });
  }

  makeParent(target: string): void {
    this.make(target.slice(0, target.lastIndexOf('/')) || '/');
  }

  /** Makes the target of a mount and opens it. */
  open(target: string, type: 'file' | 'dir'): Slot {
    if (type === 'dir') this.make(target);
    else {
      this.makeParent(target);
      this.#create(target, (folder, name) => {
        const made = this.#program.call('openat', [folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644], {
          onFailure: 'ignore',
        });
        this.#program.call('close', [made], { onFailure: 'ignore' });
      });
    }
    return openPath(this.#program, `mount "${target}"`, this.root, target.slice(1));
  }

  #create(target: string, create: (folder: Slot, name: Data) => void): void {
    if (!this.#untrusted.some((tree) => target.startsWith(`${tree}/`))) {
      create(this.root, this.path(target));
      return;
    }
    const at = target.lastIndexOf('/');
    const folder = openPath(this.#program, `mount "${target}"`, this.root, target.slice(1, at));
    create(folder, this.#program.string(target.slice(at + 1)));
    this.#program.call('close', [folder]);
  }
}
