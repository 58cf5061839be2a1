// Builds into DROVER_WEB_OUT (default: dist), each file packed beside itself: the servers send the
// packed one. `npm run dev` serves the sources and hands the API to DROVER_WEB_TARGET.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

function packed(): Plugin {
  return {
    name: 'packed',
    // Only what is written is final: other plugins still change the bundle before that.
    writeBundle(options, bundle) {
      for (const name of Object.keys(bundle)) {
        if (!/\.(js|css|html|svg)$/.test(name)) continue;
        const path = join(options.dir!, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

const target = process.env.DROVER_WEB_TARGET ?? 'https://localhost:8443';
const proxied = ['/sdk', '/folder', '/screen', '/ticket', '/console'];

export default defineConfig({
  base: './',
  plugins: [react(), packed()],
  build: {
    outDir: process.env.DROVER_WEB_OUT ?? 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    target: 'es2022',
  },
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(
      proxied.map((path) => [path, { target, secure: false, ws: true, changeOrigin: false }]),
    ),
  },
});
