/** Files inside that hold certificates, or name one that does. */
export interface TrustFiles {
  /** the session's certificate alone, and what the operator's environment adds */
  readonly authority: string;
  /** the system's certificates, the operator's, and the session's */
  readonly bundle: string;
  /** settings of wget that name the bundle */
  readonly wgetrc: string;
  /** the bundle as Java takes it; absent where there is no Java */
  readonly keyStore?: string;
}

/**
 * The variables by which clients find certificates. Two kinds: Node and Deno add a file to their own list, and read it at every start (one certificate
 * costs a process 17 ms, a full bundle 35 ms); the others replace their list by it, so they get everything. Rust programs with rustls-native-certs, Go
 * and OpenSSL read SSL_CERT_FILE, OpenSSL of Nix its own variable before that, Bun reads NODE_EXTRA_CA_CERTS, wget with GnuTLS its settings alone.
 * Java takes a key store, by a variable that makes every Java program print a line. `passed`: what the command's environment holds already.
 */
export const planTrustVariables = (
  { authority, bundle, wgetrc, keyStore }: TrustFiles,
  passed: Readonly<Record<string, string>>,
): Record<string, string> => ({
  NODE_EXTRA_CA_CERTS: authority,
  DENO_CERT: authority,
  ...Object.fromEntries([...replacing, ...Object.keys(passed).filter(isCaFile)].map((name) => [name, bundle])),
  WGETRC: wgetrc,
  ...(keyStore !== undefined && { JAVA_TOOL_OPTIONS: renderJavaOptions(keyStore, passed['JAVA_TOOL_OPTIONS']) }),
});

/** GNU wget's "Wgetrc Commands"; the system's settings are read besides. */
export const renderWgetrc = (bundle: string): string => `ca_certificate = ${bundle}\n`;

/** Options may be quoted (JVM Tool Interface, "The JAVA_TOOL_OPTIONS Environment Variable"). */
const renderJavaOptions = (keyStore: string, before: string | undefined): string => {
  const options = [`-Djavax.net.ssl.trustStore=${keyStore}`, '-Djavax.net.ssl.trustStoreType=PKCS12'];
  const quoted = options.map((option) => (/\s/.test(option) ? `"${option}"` : option));
  return [...(before ? [before] : []), ...quoted].join(' ');
};

/** A setting of npm's that replaces its list, in any case; where it is not set, npm does as Node does, which is faster. */
const isCaFile = (name: string): boolean => /^npm_config_cafile$/i.test(name);

/** Variables of the operator's environment whose file adds an authority of the network, as in a company. */
export const operatorCaVariables = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'];

/** Where distributions keep their bundle: Debian and Alpine, Fedora, openSUSE, an older place. */
export const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

const replacing = [
  'SSL_CERT_FILE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'CARGO_HTTP_CAINFO',
  'AWS_CA_BUNDLE',
  'NIX_SSL_CERT_FILE',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
];

/** The certificates of PEM texts, each once, in their order; whatever stands around them is left out. */
export const renderBundle = (texts: readonly string[]): string =>
  `${[...new Set(texts.flatMap(certificatesOf))].join('\n')}\n`;

export const certificatesOf = (text: string): string[] =>
  (text.match(certificates) ?? []).map((pem) => pem.replaceAll('\r', ''));

const certificates = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
