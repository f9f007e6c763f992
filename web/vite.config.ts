import { svelte } from '@sveltejs/vite-plugin-svelte'
import { env } from 'node:process'
import { defineConfig } from 'vite'

// The server to develop against: `ropewalk up`, or the recorded one of `npm run mock`.
const server = env.ROPEWALK_URL ?? 'http://127.0.0.1:4000'
const prefixes = ['/api', '/v2', '/ajax-api']

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // Files as data: URLs would need a wider content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(prefixes.map((prefix) => [prefix, { target: server, changeOrigin: true }])),
  },
})
