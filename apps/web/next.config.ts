import type { NextConfig } from 'next';

/** A static export: the server hands out `out/` as files, there is no web process. */
const config: NextConfig = {
  output: 'export',
  images: { unoptimized: true },
  transpilePackages: ['@stapes/contract'],
  reactStrictMode: true,
  poweredByHeader: false,
  // `npm run check:types` checks the types, with the server's among them.
  typescript: { ignoreBuildErrors: true },
  devIndicators: false,
  turbopack: { root: new URL('../..', import.meta.url).pathname },
};
export default config;
