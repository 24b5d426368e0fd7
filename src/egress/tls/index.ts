/** What a session loads when its plan names credentials: it ends TLS for the hosts that they are bound to. */
export { type Authority, openAuthority } from './authority.ts';
export { type InterceptorOptions, openInterceptor } from './interceptor.ts';
export { renderKeyStore } from './key-store.ts';
export {
  certificatesOf,
  operatorCaVariables,
  planTrustVariables,
  renderBundle,
  renderWgetrc,
  systemBundles,
} from './trust-variables.ts';
