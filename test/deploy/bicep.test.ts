/**
 * infra/: no compiler of Bicep is at hand, so this reads the parts that break most often: modules, parameters, roles.
 */

import { describe, expect, it } from 'vitest'
import { exists, list, read, readYaml } from './files.ts'

const files = list('infra', '.bicep')

/** The parameters that a file declares; those without a default are required. */
function parametersOf(path: string): { name: string; required: boolean }[] {
  return [...read(path).matchAll(/^param (\w+) \w+( =)?/gm)].map(([, name = '', value]) => ({
    name,
    required: value === undefined,
  }))
}

const namesOf = (path: string): string[] => parametersOf(path).map(({ name }) => name)
const requiredOf = (path: string): string[] =>
  parametersOf(path)
    .filter(({ required }) => required)
    .map(({ name }) => name)

interface Module {
  readonly path: string
  readonly passed: string[]
}

/** The modules of main.bicep, each with the parameters that it is passed. */
const modules: Module[] = [
  ...read('infra/main.bicep').matchAll(/^module \w+ '([^']+)' = \{([\s\S]*?)^\}/gm),
].map(([, path = '', body = '']) => {
  // Without the strings, whose braces would end the search.
  const params = /params: \{([^}]*)\}/.exec(body.replace(/'[^']*'/g, ''))?.[1] ?? ''
  return {
    path: `infra/${path}`,
    passed: [...params.matchAll(/(?:^|,)\s*(\w+):/gm)].map(([, name = '']) => name),
  }
})

describe('main.bicep', () => {
  it('uses every module', () => {
    expect(modules.map(({ path }) => path).sort()).toEqual(
      files.filter((path) => path !== 'infra/main.bicep'),
    )
  })

  it.each(modules)('gives $path the parameters that it takes', ({ path, passed }) => {
    expect(exists(path)).toBe(true)
    expect(namesOf(path)).toEqual(expect.arrayContaining(passed))
    expect(passed).toEqual(expect.arrayContaining(requiredOf(path)))
  })

  it('gets its own parameters from main.parameters.json', () => {
    const { parameters } = JSON.parse(read('infra/main.parameters.json'))
    expect(Object.keys(parameters).sort()).toEqual(namesOf('infra/main.bicep').sort())
  })

  it('reads no output that a module does not have', () => {
    const text = read('infra/main.bicep')
    for (const [, name, path] of text.matchAll(/^module (\w+) '([^']+)'/gm)) {
      const outputs = [...read(`infra/${path}`).matchAll(/^output (\w+) /gm)].map(
        ([, output]) => output,
      )
      for (const [, output] of text.matchAll(new RegExp(`\\b${name}\\.outputs\\.(\\w+)`, 'g'))) {
        expect(outputs, `${path} has no output`).toContain(output)
      }
    }
  })
})

describe('the identity', () => {
  /** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
  const roles: Readonly<Record<string, string>> = {
    acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
    cognitiveServicesOpenAIUser: '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd',
    keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6',
    storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  }

  it('gets the four roles that cfile needs, and no other', () => {
    const assigned = files.flatMap((path) =>
      [...read(path).matchAll(/^var (\w+) = '([0-9a-f-]{36})'$/gm)].map(([, name, id]) => [
        name,
        id,
      ]),
    )
    expect(Object.fromEntries(assigned)).toEqual(roles)
    expect(assigned).toHaveLength(4)
  })
})

describe('secrets', () => {
  it('leave no module as an output, since outputs are kept in the history of deployments', () => {
    for (const path of files)
      expect(read(path)).not.toMatch(/^output .*(?:listKeys|secret|password)/im)
  })

  it('reach the app by reference to Key Vault only', () => {
    const app = read('infra/modules/app.bicep')
    const secret = ['CFILE_API_KEYS', 'CFILE_SIGNING_KEYS', 'CFILE_STORE']
    for (const name of secret) expect(app).toContain(`{ name: '${name}', secretRef: `)
    const references = [...app.matchAll(/secrets\/([\w-]+)'/g)].map(([, name]) => name)
    const written = ['vault', 'store'].flatMap((name) =>
      [...read(`infra/modules/${name}.bicep`).matchAll(/name: '(cfile-[\w-]+)'/g)].map(
        ([, found]) => found,
      ),
    )
    expect(references.sort()).toEqual(written.sort())
  })
})

describe('azure.yaml', () => {
  it('names the service by the tag that the app has, and the Dockerfile', () => {
    const { services } = readYaml('azure.yaml')
    expect(read('infra/modules/app.bicep')).toContain(
      `'azd-service-name': '${Object.keys(services)}'`,
    )
    expect(exists(services.cfile.docker.path)).toBe(true)
    expect(services.cfile.host).toBe('containerapp')
  })
})
