/**
 * The files to deploy with: no container engine, cluster or Azure runs here, so this checks what can be read off them.
 */

import { describe, expect, it } from 'vitest'
import { openHarness } from '../lib/harness.ts'
import { exists, list, parseYaml, read, readYaml } from './files.ts'
import { settings } from './names.ts'

const manifest: { bin: { cfile: string }; scripts: { start: string }; exports: object } =
  JSON.parse(read('package.json'))

/** Instructions of the Dockerfile, without comments and with continued lines joined. */
const instructions = read('Dockerfile')
  .replace(/^\s*#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split('\n')
  .flatMap((line) => {
    const [, name, text = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, text }]
  })
const argumentsOf = (name: string) =>
  instructions.filter((instruction) => instruction.name === name).map(({ text }) => text)

const compose = readYaml('compose.yaml')
const kubernetes = (file: string) => readYaml(`deploy/kubernetes/${file}.yaml`)
const pod = kubernetes('deployment').spec.template.spec
const [container] = pod.containers
const bicep = read('infra/modules/app.bicep')

describe('every YAML file', () => {
  const files = [
    'compose.yaml',
    'azure.yaml',
    ...list('deploy', '.yaml'),
    ...list('.github', '.yml'),
  ]
  it.each(files)('%s parses', (path) => {
    const { documents, faults } = parseYaml(path)
    expect(faults).toEqual([])
    expect(documents.length).toBeGreaterThan(0)
  })
})

describe('a name in the environment is a setting, since cfile reads no other', () => {
  const named: Record<string, string[]> = {
    Dockerfile: argumentsOf('ENV').flatMap((text) =>
      [...text.matchAll(/(\w+)=/g)].map(([, name = '']) => name),
    ),
    'compose.yaml': Object.values<{ environment?: object }>(compose.services).flatMap(
      ({ environment }) => Object.keys(environment ?? {}),
    ),
    'compose.yaml, from .env': [...read('compose.yaml').matchAll(/\$\{(\w+)/g)].map(
      ([, name = '']) => name,
    ),
    'deploy/compose/env.example': [...read('deploy/compose/env.example').matchAll(/^(\w+)=/gm)].map(
      ([, name = '']) => name,
    ),
    'deploy/kubernetes/settings.yaml': Object.keys(kubernetes('settings').data),
    'deploy/kubernetes/secret.example.yaml': Object.keys(kubernetes('secret.example').stringData),
    'infra/modules/app.bicep': [...bicep.matchAll(/\{ name: '([A-Z][A-Z0-9_]+)'/g)].map(
      ([, name = '']) => name,
    ),
  }
  it.each(Object.entries(named))('in %s', (_, names) => {
    expect(names.length).toBeGreaterThan(2)
    // Read by Node's packages, not by cfile.
    expect(names.filter((name) => name !== 'NODE_ENV' && !settings.has(name))).toEqual([])
  })
})

describe('Dockerfile', () => {
  it('copies only what exists and reaches the builder', () => {
    const sent = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
    const sources = argumentsOf('COPY')
      .filter((text) => !text.startsWith('--from='))
      .flatMap((text) => text.split(' ').slice(0, -1))
    expect(sources.length).toBeGreaterThan(3)
    for (const source of sources) {
      expect(exists(source), source).toBe(true)
      expect(sent).toContain(`!${source}`)
    }
  })

  it('runs the binary of the package as process 1, so that SIGTERM reaches it', () => {
    const [entry = ''] = argumentsOf('ENTRYPOINT')
    expect(JSON.parse(entry)).toEqual([
      'node',
      expect.stringMatching(/^--/),
      expect.stringMatching(/^--/),
      manifest.bin.cfile.replace('./', ''),
    ])
    expect(JSON.parse(argumentsOf('CMD').at(-1) ?? '')).toEqual(['serve'])
    expect(argumentsOf('STOPSIGNAL')).toEqual(['SIGTERM'])
  })

  it('sets the size of the young heap of V8, as npm start and npx cfile do', () => {
    const [, ...rest] = JSON.parse(argumentsOf('ENTRYPOINT')[0] ?? '')
    const flags = rest.slice(0, -1).join(' ')
    expect(flags).toMatch(/^--min-semi-space-size=(\d+) --max-semi-space-size=\1$/)
    expect(manifest.scripts.start).toBe(`node ${flags} src/cli.ts serve`)
    expect(read('src/cli.ts').split('\n')[0]).toBe(`#!/usr/bin/env -S node ${flags}`)
  })

  it('runs on Node 24 in each stage', () => {
    expect(argumentsOf('FROM').map((text) => text.split(' ')[0])).toEqual(
      Array(3).fill('node:24-bookworm-slim'),
    )
  })

  it('asks /healthz for its health, without a program that the image lacks', () => {
    const [check = ''] = argumentsOf('HEALTHCHECK')
    const command: string[] = JSON.parse(check.slice(check.indexOf('[')))
    expect(command[0]).toBe('node')
    expect(command.at(-1)).toContain('/healthz')
    expect(() => new Function(command.at(-1) ?? '')).not.toThrow()
  })

  it('is not root, as Kubernetes demands', () => {
    const { runAsUser, runAsGroup, runAsNonRoot } = pod.securityContext
    expect(argumentsOf('USER')).toEqual([`${runAsUser}:${runAsGroup}`])
    expect(runAsNonRoot).toBe(true)
    expect(container.securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
    })
  })
})

describe('ports and probes', () => {
  const port = /PORT=(\d+)/.exec(argumentsOf('ENV').join(' '))?.[1]

  it('agree on one port', () => {
    expect(argumentsOf('EXPOSE')).toEqual([port])
    expect(container.ports).toEqual([{ name: 'http', containerPort: Number(port) }])
    expect(kubernetes('service').spec.ports[0].targetPort).toBe('http')
    expect(kubernetes('deployment').spec.template.metadata.annotations['prometheus.io/port']).toBe(
      port,
    )
    expect(bicep).toContain(`var port = ${port}\n`)
    expect(compose.services.azurite.ports).toEqual([`127.0.0.1:${port}:${port}`])
    // Ports can't be published by a service that shares the interface of another.
    expect(compose.services.cfile.network_mode).toBe('service:azurite')
  })

  it('ask routes that answer', async () => {
    const { startupProbe, livenessProbe, readinessProbe } = container
    const paths = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet.path)
    expect(paths).toEqual(['/healthz', '/healthz', '/readyz'])
    expect([...bicep.matchAll(/httpGet: \{ path: '([^']+)'/g)].map(([, path]) => path)).toEqual(
      paths,
    )
    const { ask } = openHarness()
    for (const path of paths) expect((await ask(path)).status).toBe(200)
  })

  it('select the pods that there are', () => {
    const labels = kubernetes('deployment').spec.template.metadata.labels
    expect(labels).toMatchObject(kubernetes('deployment').spec.selector.matchLabels)
    expect(labels).toMatchObject(kubernetes('service').spec.selector)
    expect(labels).toMatchObject(kubernetes('disruption-budget').spec.selector.matchLabels)
  })
})

describe('a shutdown', () => {
  const milliseconds = (text: string, name: string) =>
    Number(new RegExp(`${name}\\W+(?:value: ')?(\\d+)`).exec(text)?.[1])
  const kubernetesSettings = read('deploy/kubernetes/settings.yaml')
  it.each([
    ['deploy/kubernetes', pod.terminationGracePeriodSeconds, kubernetesSettings],
    ['infra', Number(/terminationGracePeriodSeconds: (\d+)/.exec(bicep)?.[1]), bicep],
  ])('gets the time in %s that the settings promise to downloads', (_, seconds, text) => {
    const delay = milliseconds(text, 'CFILE_SHUTDOWN_DELAY_MS')
    const timeout = milliseconds(text, 'CFILE_SHUTDOWN_TIMEOUT_MS')
    expect(delay).toBeGreaterThan(0)
    expect(seconds * 1000).toBeGreaterThan(delay + timeout)
  })

  it('gets it in compose.yaml', () => {
    const { stop_grace_period: grace, environment } = compose.services.cfile
    expect(Number.parseInt(grace, 10) * 1000).toBeGreaterThan(
      Number(environment.CFILE_SHUTDOWN_TIMEOUT_MS),
    )
  })
})

describe('kustomization.yaml', () => {
  it('applies every manifest but the template of the Secret, whose placeholders would replace real keys', () => {
    const files = list('deploy/kubernetes').map((path) => path.split('/').at(-1) ?? '')
    const left = ['kustomization.yaml', 'secret.example.yaml']
    expect([...kubernetes('kustomization').resources, ...left].sort()).toEqual(files)
  })
})
