import { SboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Invocation } from '../domain/invocation.ts';
import type { Mechanism } from '../domain/plan.ts';

/**
 * The facts as the command is to see them: with the ids that were asked for, which a user namespace shows in place of the caller's
 * own. Throws SBOX_E_RUNG where there is none: another user's processes are closed to a launcher without CAP_SYS_PTRACE, which could
 * not decide on their connections.
 */
export const planPerson = ({ user }: Invocation, mechanism: Mechanism, facts: Facts): Facts => {
  if (user === undefined) return facts;
  const { uid, gid } = facts.user;
  if (mechanism.kind === 'namespaces' || (mechanism.kind === 'landlock' && mechanism.namespaces))
    return { ...facts, user: { ...facts.user, ...user, ...nameOf(user.uid) } };
  if (user.uid === uid && user.gid === gid) return facts;
  throw new SboxError({
    code: 'SBOX_E_RUNG',
    message: `cannot run the command as uid ${user.uid} on rung "${mechanism.kind}"`,
    cause: 'it takes a user namespace, which is not to be had here',
    fix: `leave --user out, or name who you are: --user ${uid}:${gid}; what would give user namespaces tells: sbox doctor`,
  });
};

const nameOf = (uid: number): { readonly name: string; readonly group: string } =>
  uid === 0 ? { name: 'root', group: 'root' } : { name: 'user', group: 'user' };
