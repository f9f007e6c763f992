import type { Incident, ReportStatus, RunStatus } from '../api/types'
import type { Tone } from './story'

export const runTone: Record<RunStatus, Tone> = {
  RUNNING: 'info',
  SCHEDULED: 'plain',
  FINISHED: 'ok',
  FAILED: 'bad',
  KILLED: 'warn',
}

export const reportTone: Record<ReportStatus, Tone> = { ok: 'ok', warning: 'warn', alert: 'bad', too_few: 'plain' }

export const reportWord: Record<ReportStatus, string> = {
  ok: 'no drift',
  warning: 'something moved',
  alert: 'drift',
  too_few: 'too few rows',
}

export const incidentTone: Record<Incident['status'], Tone> = { triggered: 'bad', acknowledged: 'warn', resolved: 'ok' }

export const priorityTone: Record<Incident['priority'], Tone> = { P1: 'bad', P2: 'warn', P3: 'info', P4: 'plain' }
