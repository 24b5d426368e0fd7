const wanted =
  /^(NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|SSL_CERT_DIR|https?_proxy|no_proxy|npm_config_(cafile|https?_proxy|proxy|noproxy|registry))$/i;

/** What a package client needs to reach its registry from this machine: proxies and certificates, no secret. */
export const networkEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => wanted.test(entry[0]) && entry[1] !== undefined,
    ),
  );

/** The options that take these variables over into a run that shares the host's network. */
export const networkFlags = (): readonly string[] => [
  '--net',
  'full',
  ...Object.keys(networkEnvironment()).flatMap((name) => ['--env', name]),
];
