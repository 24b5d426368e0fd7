/** What whoever runs the machine or the container can do so that more is enforced. */
export const steps = {
  allowCalls: 'in Docker add --security-opt seccomp=unconfined; in Kubernetes set seccompProfile: { type: Unconfined }',
  showProc:
    'in Docker add --security-opt systempaths=unconfined; in Podman --security-opt unmask=ALL; in Kubernetes set procMount: Unmasked and hostUsers: false',
  /** on Ubuntu, programs that AppArmor leaves unconfined get user namespaces without powers */
  looseAppArmor:
    'in Docker add --security-opt apparmor=unconfined; on Ubuntu ask the administrator, also for a container: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  /** uid 0 can't be mapped without CAP_SETFCAP, which no command has (user_namespaces(7)) */
  leaveSandbox:
    'run sbox outside of it; or give that one "userNamespaces": true, if it is on the namespaces rung and not root\'s',
} as const;
