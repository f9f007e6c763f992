/** What a run's tags say about where it comes from. */
import type { RunDetail, RunSummary } from '../api/types'

export interface Source {
  /** The script, notebook or project that was run. */
  name?: string
  commit?: string
  branch?: string
  /** The repository's address as a browser opens it. */
  repository?: string
  /** Changes that were not committed. */
  diff?: string
}

export function sourceOf({ tags }: RunSummary): Source {
  const remote = tags['mlflow.source.git.repoURL'] ?? tags['mlflow.gitRepoURL']
  return {
    name: tags['mlflow.source.name'],
    commit: tags['mlflow.source.git.commit'] ?? tags['ropewalk.git.commit'],
    branch: tags['mlflow.source.git.branch'] ?? tags['mlflow.gitBranch'] ?? tags['ropewalk.git.branch'],
    repository: remote === undefined ? undefined : browsable(remote),
    diff: tags['mlflow.source.git.diff'] ?? tags['ropewalk.git.diff'],
  }
}

/** `git@host:owner/name.git` and `ssh://…` as https; anything that no browser opens is left out. */
export function browsable(remote: string): string | undefined {
  const plain = remote.trim().replace(/\.git$/, '')
  const short = /^(?:ssh:\/\/)?git@([^:/]+)[:/](.+)$/.exec(plain)
  if (short) return `https://${short[1]}/${short[2]}`
  return /^https?:\/\//.test(plain) ? plain.replace(/\/\/[^/@]*@/, '//') : undefined
}

/** A command that runs it again. */
export function reproduction(run: RunDetail): { command: string; note: string } {
  const { name, commit } = sourceOf(run)
  if (run.prepared || run.tags['ropewalk.recipe'] || run.params.recipe) {
    return { command: `ropewalk run reproduce ${run.run_id}`, note: 'runs it again from its record and compares the metrics' }
  }
  if (!name) return { command: `ropewalk run show ${run.run_id}`, note: 'the client did not say which program ran' }
  const at = commit ? `git checkout ${commit.slice(0, 12)} && ` : ''
  const entry = /\.py$/.test(name) ? `python ${quote(name)}` : quote(name)
  return { command: `${at}${entry}`, note: commit ? 'the code as it was committed; parameters are below' : 'the program as the client named it' }
}

const quote = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** Where a dataset's description points, if that is a page. */
export function sourceLink(source: string): { text: string; href?: string } {
  try {
    const value: unknown = JSON.parse(source)
    if (value && typeof value === 'object') {
      const given = value as Record<string, unknown>
      const found = [given.url, given.uri, given.path, given.name].find((one): one is string => typeof one === 'string')
      if (found) return { text: found, href: /^https?:\/\//.test(found) ? found : undefined }
    }
  } catch {
    // Not JSON: shown as it stands.
  }
  return { text: source, href: /^https?:\/\//.test(source) ? source : undefined }
}
