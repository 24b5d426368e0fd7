/** One promise of the sandbox. */
export type PropertyName =
  | 'hide'
  | 'read'
  | 'write'
  | 'home'
  | 'env'
  | 'path'
  | 'network'
  | 'sockets'
  | 'process'
  | 'tty'
  | 'limits';
export const propertyNames: readonly PropertyName[] = [
  'hide',
  'read',
  'write',
  'home',
  'env',
  'path',
  'network',
  'sockets',
  'process',
  'tty',
  'limits',
];

/** Whether an undeclared path is absent on the landlock rung, too, at the cost of asking for every path; it always is with namespaces. */
export type HideMode = 'usual' | 'strict';
export const hideModes: readonly HideMode[] = ['usual', 'strict'];

/** `enforced` by the kernel; `partial`: enforced but for the named hole; `advisory`: a cooperating program only; `open`: nothing. */
export type PropertyStatus = 'enforced' | 'partial' | 'advisory' | 'open';

/** What one run promises about one property. */
export interface Property {
  readonly name: PropertyName;
  readonly status: PropertyStatus;
  /** why, in one clause; names the hole if the status is weaker than `enforced` */
  readonly why: string;
}
