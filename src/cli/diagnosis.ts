/**
 * Examines the settings of this machine for `cfile doctor`: tries each as the server would.
 *
 * @module
 */

import { readFile } from 'node:fs/promises'
import type { Endpoint } from '../azure/endpoint.ts'
import { type CfileError, isCfileError } from '../core/errors.ts'
import { type Runtime, webRuntime } from '../runtime.ts'
import { refuseToBeOpen } from '../start/serve.ts'
import { parseEnv, type Settings } from '../start/settings/settings.ts'
import { examine, type Finding, failed } from './examine.ts'
import { examineCallers } from './examine-callers.ts'
import { examineStorage } from './examine-storage.ts'
import { formatFindings } from './table.ts'
import type { Output } from './terminal.ts'

/** One part of the diagnosis. */
interface Section {
  readonly title: string
  readonly findings: readonly Finding[]
}

/** The result of an examination. */
export interface Diagnosis {
  readonly isWell: boolean
  readonly sections: readonly Section[]
}

type Env = Readonly<Record<string, string | undefined>>

/** Examines everything that an environment names. */
export async function diagnose(env: Env, runtime: Partial<Runtime> = {}): Promise<Diagnosis> {
  const sections: Section[] = []
  const settings = readSettings(env)
  if (isCfileError(settings)) {
    sections.push({ title: 'Settings', findings: [failed('settings', settings)] })
  } else {
    sections.push({ title: 'Settings', findings: settingsFindings(settings, env) })
    const means = { ...webRuntime, readFile: (path: string) => readFile(path, 'utf8'), ...runtime }
    for (const upstream of settings.upstreams) {
      const { name, endpoint } = upstream
      const where = typeof endpoint === 'string' ? endpoint : formEndpoint(endpoint)
      const findings = await examine(upstream, means)
      sections.push({ title: `Upstream ${name}: ${where}`, findings })
    }
    sections.push({ title: 'Callers', findings: await examineCallers(settings.callers, means) })
    sections.push({ title: 'Store and archive', findings: await examineStorage(settings, means) })
  }
  return { isWell: failuresOf(sections) === 0, sections }
}

/** An endpoint as the title of its section. */
function formEndpoint({ kind, base, agent }: Endpoint): string {
  return agent === undefined ? `${kind} ${base}` : `hosted agent ${agent}`
}

function failuresOf(sections: readonly Section[]): number {
  return sections.flatMap(({ findings }) => findings).filter(({ state }) => state === 'failed')
    .length
}

/** Writes a diagnosis for a person, in lines of at most `width` columns. */
export function formatDiagnosis(
  { sections, isWell }: Diagnosis,
  width: number,
  paint: Output['paint'],
): string {
  const parts = sections.map(
    ({ title, findings }) => `${paint('bold', title)}\n${formatFindings(findings, width, paint)}`,
  )
  const end = isWell ? 'All is well.' : `To mend: ${failuresOf(sections)}.`
  return [...parts, end].join('\n\n')
}

/** The settings, or why the server would not start with them. */
function readSettings(env: Env): Settings | CfileError {
  try {
    const settings = parseEnv(env)
    if (settings.upstreams.length > 0) refuseToBeOpen(settings)
    return settings
  } catch (error) {
    if (isCfileError(error)) return error
    throw error
  }
}

function settingsFindings({ upstreams, warnings }: Settings, env: Env): Finding[] {
  const read: Finding =
    upstreams.length > 0
      ? { state: 'ok', what: 'settings', found: 'read' }
      : {
          state: 'failed',
          what: 'settings',
          found: 'no upstream is set: the built-in emulator would answer',
          cure: 'Set AZURE_OPENAI_ENDPOINT, and AZURE_OPENAI_API_KEY or an identity of Entra ID.',
        }
  const remarks = env.CFILE_URL
    ? [
        ...warnings,
        'CFILE_URL is for the other commands: cfile doctor tries this machine as a server.',
      ]
    : warnings
  return [read, ...remarks.map((found): Finding => ({ state: 'note', what: 'warning', found }))]
}
