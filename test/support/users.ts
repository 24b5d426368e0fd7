import { describe } from 'vitest';

/** Who a case runs as: `root` is uid 0; `user` an ordinary uid, without an account if the tests themselves run as root. */
export type User = 'root' | 'user';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

const testsAreRoot = process.getuid?.() === 0;
const withoutAccount: Identity = { uid: 31_877, gid: 31_877 };

/** Root and an ordinary user where the tests may become both, else only whoever runs them. */
export const users: readonly User[] = testsAreRoot ? ['root', 'user'] : ['user'];

export const identityOf = (user: User): Identity =>
  testsAreRoot && user === 'user' ? withoutAccount : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Declares the same cases once for each user, in a block of its own. */
export const eachUser = (declare: (as: User) => void): void => {
  describe.each(users)('as %s', (as) => declare(as));
};
