import type { Placement, Provider } from './credential.ts';

const bearer: Placement = { kind: 'header', header: 'authorization', scheme: 'Bearer' };
const apiKey: Placement = { kind: 'header', header: 'x-api-key' };

/** A service with one key in one variable, sent as a bearer token. */
const bearerProvider = (name: string, description: string, variable: string, host: string, keys: string): Provider => ({
  name,
  description,
  sources: [{ kind: 'env', name: variable }],
  present: [{ kind: 'env', name: variable }],
  uses: [{ hosts: [host], placements: [bearer], body: 'pass' }],
  fix: `export ${variable}=..., from ${keys}`,
});

const gitHosts = ['github.com', 'gist.github.com'];

/** What sbox knows without a profile; a profile adds others of the same shape. */
export const providers: readonly Provider[] = [
  {
    name: 'anthropic',
    description: 'a key of the Anthropic API, or a long-lived token of Claude Code',
    sources: [{ kind: 'env', name: 'ANTHROPIC_API_KEY' }],
    present: [{ kind: 'env', name: 'ANTHROPIC_API_KEY' }],
    // what an agent has seen goes back to its model: a placeholder in a body is never injected
    uses: [{ hosts: ['api.anthropic.com'], placements: [apiKey, bearer], body: 'pass' }],
    fix: 'export ANTHROPIC_API_KEY=..., from https://console.anthropic.com/settings/keys',
  },
  {
    name: 'claude-token',
    description: 'the token that `claude setup-token` prints',
    sources: [{ kind: 'env', name: 'CLAUDE_CODE_OAUTH_TOKEN' }],
    present: [{ kind: 'env', name: 'CLAUDE_CODE_OAUTH_TOKEN' }],
    uses: [{ hosts: ['api.anthropic.com'], placements: [bearer], body: 'pass' }],
    fix: 'claude setup-token, then export CLAUDE_CODE_OAUTH_TOKEN=...',
  },
  {
    ...bearerProvider(
      'openai',
      'a key of the OpenAI API',
      'OPENAI_API_KEY',
      'api.openai.com',
      'https://platform.openai.com/api-keys',
    ),
    // `codex exec` reads the second; a key in its own file is a login (token-documents.ts)
    present: [
      { kind: 'env', name: 'OPENAI_API_KEY' },
      { kind: 'env', name: 'CODEX_API_KEY' },
    ],
  },
  {
    name: 'google',
    description: 'a key of the Gemini API',
    sources: [
      { kind: 'env', name: 'GEMINI_API_KEY' },
      { kind: 'env', name: 'GOOGLE_API_KEY' },
      { kind: 'env', name: 'GOOGLE_GENERATIVE_AI_API_KEY' },
    ],
    present: [
      { kind: 'env', name: 'GEMINI_API_KEY' },
      { kind: 'env', name: 'GOOGLE_GENERATIVE_AI_API_KEY' },
    ],
    uses: [
      {
        hosts: ['generativelanguage.googleapis.com'],
        // clients of the OpenAI dialect send the same key as a bearer token
        placements: [{ kind: 'header', header: 'x-goog-api-key' }, { kind: 'query', name: 'key' }, bearer],
        body: 'pass',
      },
    ],
    fix: 'export GEMINI_API_KEY=..., from https://aistudio.google.com/apikey',
  },
  {
    name: 'github',
    description: 'a token of GitHub: REST, GraphQL, uploads and git over https',
    sources: [
      { kind: 'env', name: 'GH_TOKEN' },
      { kind: 'env', name: 'GITHUB_TOKEN' },
      { kind: 'command', command: ['gh', 'auth', 'token', '--hostname', 'github.com'] },
    ],
    present: [
      { kind: 'env', name: 'GH_TOKEN' },
      { kind: 'env', name: 'GITHUB_TOKEN' },
      { kind: 'git', login: 'x-access-token', hosts: gitHosts },
    ],
    uses: [
      {
        hosts: ['api.github.com', 'uploads.github.com'],
        placements: [bearer, { kind: 'header', header: 'authorization', scheme: 'token' }, { kind: 'basic' }],
      },
      { hosts: gitHosts, placements: [{ kind: 'basic' }, bearer] },
    ],
    fix: 'gh auth login, or export GH_TOKEN=..., from https://github.com/settings/tokens',
  },
  {
    name: 'npm',
    description: 'a token of the registry that the npm configuration names',
    sources: [
      { kind: 'env', name: 'NPM_TOKEN' },
      { kind: 'env', name: 'NODE_AUTH_TOKEN' },
      { kind: 'file', path: '~/.npmrc', format: 'npmrc' },
    ],
    present: [{ kind: 'env', name: 'NPM_TOKEN' }, { kind: 'env', name: 'NODE_AUTH_TOKEN' }, { kind: 'npmrc' }],
    // tarballs and git-like packs are large and never hold a placeholder, yet what is published could
    uses: [{ hosts: ['registry:npm'], placements: [bearer, { kind: 'basic' }] }],
    fix: 'npm login, or export NPM_TOKEN=...',
  },
  {
    name: 'pypi',
    description: 'a token of the index that the pip configuration names',
    sources: [
      { kind: 'env', name: 'UV_PUBLISH_TOKEN' },
      { kind: 'env', name: 'TWINE_PASSWORD' },
      { kind: 'file', path: '~/.pypirc', format: 'ini', section: 'pypi', key: 'password' },
      { kind: 'file', path: '~/.netrc', format: 'netrc' },
    ],
    present: [
      { kind: 'env', name: 'TWINE_USERNAME', value: '__token__' },
      { kind: 'env', name: 'TWINE_PASSWORD' },
      { kind: 'env', name: 'UV_PUBLISH_TOKEN' },
      { kind: 'netrc', login: '__token__' },
    ],
    uses: [{ hosts: ['registry:pip'], placements: [{ kind: 'basic' }] }],
    fix: 'export TWINE_PASSWORD=..., a token of the index',
  },
  {
    name: 'huggingface',
    description: 'a token of the Hugging Face hub',
    sources: [
      { kind: 'env', name: 'HF_TOKEN' },
      { kind: 'env', name: 'HUGGING_FACE_HUB_TOKEN' },
      { kind: 'file', path: '~/.cache/huggingface/token', format: 'text' },
      { kind: 'file', path: '~/.huggingface/token', format: 'text' },
    ],
    present: [{ kind: 'env', name: 'HF_TOKEN' }],
    uses: [
      {
        hosts: ['huggingface.co', 'router.huggingface.co', 'api-inference.huggingface.co'],
        placements: [bearer, { kind: 'basic' }],
        // its client goes on with a download where it stopped
        ranges: 'pass',
      },
    ],
    fix: 'export HF_TOKEN=..., from https://huggingface.co/settings/tokens',
  },
  bearerProvider(
    'openrouter',
    'a key of OpenRouter',
    'OPENROUTER_API_KEY',
    'openrouter.ai',
    'https://openrouter.ai/keys',
  ),
  bearerProvider(
    'mistral',
    'a key of the Mistral API',
    'MISTRAL_API_KEY',
    'api.mistral.ai',
    'https://console.mistral.ai/api-keys',
  ),
  bearerProvider('groq', 'a key of the Groq API', 'GROQ_API_KEY', 'api.groq.com', 'https://console.groq.com/keys'),
];
