import type { CredentialUse, TokenDocument } from './credential.ts';

const bearerAt = (...hosts: string[]): CredentialUse[] => [
  { hosts, placements: [{ kind: 'header', header: 'authorization', scheme: 'Bearer' }], body: 'pass' },
];

/** The refresh token goes to the token endpoint alone, in the body. */
const refreshAt = ({ hosts, path }: TokenDocument['endpoint']): CredentialUse[] => [
  { hosts, placements: [{ kind: 'body', path, field: 'refresh_token' }] },
];

const claude = { hosts: ['console.anthropic.com', 'platform.claude.com'], path: '/v1/oauth/token' };
const codex = { hosts: ['auth.openai.com'], path: '/oauth/token' };
const gemini = { hosts: ['oauth2.googleapis.com'], path: '/token' };

/** The files in which clients keep what a login gave them. */
export const tokenDocuments: readonly TokenDocument[] = [
  {
    provider: 'claude-login',
    path: '~/.claude/.credentials.json',
    tokens: [
      { keys: ['claudeAiOauth', 'accessToken'], field: 'access_token', uses: bearerAt('api.anthropic.com') },
      { keys: ['claudeAiOauth', 'refreshToken'], field: 'refresh_token', uses: refreshAt(claude) },
    ],
    shown: ['expiresAt', 'scopes', 'subscriptionType', 'rateLimitTier'].map((key) => ['claudeAiOauth', key]),
    expiry: { keys: ['claudeAiOauth', 'expiresAt'], unit: 'ms' },
    scope: ['claudeAiOauth', 'scopes'],
    endpoint: claude,
  },
  {
    provider: 'codex-login',
    path: '~/.codex/auth.json',
    tokens: [
      { keys: ['tokens', 'access_token'], field: 'access_token', uses: bearerAt('chatgpt.com', 'api.openai.com') },
      { keys: ['tokens', 'refresh_token'], field: 'refresh_token', uses: refreshAt(codex) },
      { keys: ['tokens', 'id_token'], field: 'id_token', uses: [] },
      { keys: ['OPENAI_API_KEY'], field: 'openai_api_key', uses: bearerAt('api.openai.com') },
    ],
    shown: [['auth_mode'], ['last_refresh'], ['tokens', 'account_id']],
    endpoint: codex,
  },
  {
    provider: 'gemini-login',
    path: '~/.gemini/oauth_creds.json',
    tokens: [
      {
        keys: ['access_token'],
        field: 'access_token',
        uses: bearerAt('cloudcode-pa.googleapis.com', 'www.googleapis.com', 'oauth2.googleapis.com'),
      },
      { keys: ['refresh_token'], field: 'refresh_token', uses: refreshAt(gemini) },
      { keys: ['id_token'], field: 'id_token', uses: [] },
    ],
    shown: [['scope'], ['token_type'], ['expiry_date']],
    expiry: { keys: ['expiry_date'], unit: 'ms' },
    scope: ['scope'],
    endpoint: gemini,
  },
];
