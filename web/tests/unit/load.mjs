/** The app's modules, read through Vite, which knows TypeScript. */
import { createServer } from 'vite'

const vite = await createServer({ root: new URL('../..', import.meta.url).pathname, server: { middlewareMode: true, hmr: false, ws: false }, appType: 'custom', logLevel: 'error' })

/** A module by its path below src. */
export const load = (path) => vite.ssrLoadModule(`/src/${path}`)
export const close = () => vite.close()
