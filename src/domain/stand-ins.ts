/**
 * Addresses that stand for something inside the sandbox and are never on a wire: 198.18.0.0/15 is kept for benchmarks (RFC 2544), so no
 * network has it. The rest of that network stands for the names that may be reached.
 */
export const proxyAddress = '198.18.0.1';
export const proxyPort = 3128;
/** Where no broker leads to the proxy: a port where nobody listens (RFC 863), until a session puts the proxy's own in its place. */
export const unservedProxy = 'http://127.0.0.1:9';
/** where the sandbox's name server listens on its own loopback */
export const resolverAddress = '127.0.0.53';
