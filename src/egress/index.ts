import { ERRNO } from '../syscall/constants.ts';
import type { Route } from './broker/broker.ts';

export { openBroker } from './broker/broker.ts';
export { openBrokerLink } from './broker/link.ts';
export const refuseAll = async (): Promise<Route> => ({ kind: 'refuse', error: ERRNO.EACCES });
