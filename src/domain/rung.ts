/** The mechanism that makes a plan true, strongest first. */
export type RungName = 'namespaces' | 'landlock' | 'portable';
export const rungNames: readonly RungName[] = ['namespaces', 'landlock', 'portable'];
