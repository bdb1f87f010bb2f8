import tseslint from 'typescript-eslint';
import hooks from 'eslint-plugin-react-hooks';

const size = (lines) => ({
  'max-lines': ['error', { max: lines, skipBlankLines: true, skipComments: true }],
});
const noSpawn = { name: 'node:child_process', message: 'Only packages/runtime/src/host/ spawns processes.' };
const noPrisma = {
  group: ['@prisma/*', '**/store/generated/**'],
  message: 'Only apps/server/src/store imports Prisma.',
};

export default tseslint.config(
  {
    ignores: [
      '**/node_modules/',
      '**/dist/',
      '**/.next/',
      '**/out/',
      '**/generated/',
      '**/next-env.d.ts',
      'test-results/',
    ],
  },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.{ts,tsx,mjs}'],
    plugins: { 'react-hooks': hooks },
    rules: {
      ...size(400),
      'max-params': ['error', 5],
      'max-lines-per-function': ['error', { max: 120, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 25],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'no-control-regex': 'off',
      eqeqeq: 'error',
    },
  },
  {
    files: ['packages/contract/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['@stapes/*', 'node:*'], message: 'contract imports nothing of ours and nothing of Node.' },
          ],
        },
      ],
    },
  },
  {
    files: ['packages/runtime/**'],
    ignores: ['packages/runtime/src/host/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [noSpawn],
          patterns: [noPrisma, { group: ['@stapes/server/*', '@stapes/web/*'], message: 'runtime knows no app.' }],
        },
      ],
    },
  },
  {
    files: ['apps/server/src/**'],
    ignores: ['apps/server/src/store/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [noSpawn], patterns: [noPrisma, { group: ['@stapes/web/*'], message: 'server knows no web.' }] },
      ],
    },
  },
  {
    files: ['apps/server/src/{rest,trpc,ws}/**'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [noSpawn],
          patterns: [
            noPrisma,
            { group: ['**/store/**', '**/sagas/**'], message: 'Doors call services only.' },
            { group: ['@stapes/runtime/*'], allowTypeImports: true, message: 'Doors call services only.' },
          ],
        },
      ],
    },
  },
  {
    files: ['apps/web/**'],
    rules: {
      ...hooks.configs.recommended.rules,
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['@stapes/runtime/*', 'node:*'], message: 'web imports contract and type AppRouter only.' },
            { group: ['@stapes/server/*'], allowTypeImports: true, message: 'web imports type AppRouter only.' },
          ],
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', '**/*.spec.ts', '**/*.contract.ts', 'test/**'],
    rules: { ...size(500), 'max-lines-per-function': 'off', 'no-restricted-imports': 'off' },
  },
  {
    files: ['apps/web/**', '*.config.{ts,mjs}', 'eslint.config.mjs'],
    rules: { 'no-restricted-exports': 'off', 'max-lines-per-function': ['error', 250] },
  },
  { files: ['scripts/**', 'test/**'], rules: { 'no-restricted-imports': 'off' } },
);
