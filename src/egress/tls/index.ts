/** What a session loads when its plan names credentials: it ends TLS for the hosts that they are bound to. */
export { type Authority, openAuthority } from './authority.ts';
export { type InterceptorOptions, openInterceptor } from './interceptor.ts';
export { operatorCaVariables, planTrustVariables, renderBundle, systemBundles } from './trust-variables.ts';
