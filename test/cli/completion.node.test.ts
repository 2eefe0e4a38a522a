import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cfile } from '../lib/child.ts'

const shells = ['bash', 'zsh', 'fish'] as const
const isThere = (shell: string) => spawnSync(shell, ['--version']).status === 0
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cfile-completion-'))
  for (const shell of shells) {
    const { code, stdout } = await cfile(['completion', shell])
    expect(code).toBe(0)
    writeFileSync(join(folder, `cfile.${shell}`), stdout)
  }
})
afterAll(() => rmSync(folder, { recursive: true }))

function inShell(shell: string, ...args: string[]): string {
  const { stdout, stderr } = spawnSync(shell, args, { cwd: folder, encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout
}

function inBash(...words: string[]): string[] {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const script = `. ./cfile.bash; COMP_WORDS=(cfile ${quoted}); COMP_CWORD=${words.length}; _cfile; printf '%s\\n' "\${COMPREPLY[@]}"`
  return inShell('bash', '-c', script).trim().split('\n')
}

describe('cfile completion', () => {
  it.each(shells.filter(isThere))('writes a script that %s can read', (shell) => {
    inShell(shell, '-n', `cfile.${shell}`)
  })

  it.runIf(isThere('bash'))('completes commands, options and first words in bash', () => {
    expect(inBash('re')).toEqual(['restore'])
    expect(inBash('')).toEqual(expect.arrayContaining(['get', 'ls', 'completion']))
    expect(inBash('get', '--f')).toEqual(['--force'])
    expect(inBash('webhook', 'c')).toEqual(['create'])
    expect(inBash('completion', '')).toEqual([...shells])
    // An option's value is a file, which bash completes itself.
    expect(inBash('get', '-o', '')).toEqual([''])
  })

  it.runIf(isThere('fish'))('completes commands, options and first words in fish', () => {
    const inFish = (line: string) =>
      inShell('fish', '--no-config', '-c', `source cfile.fish; complete -C '${line}'`)
    expect(inFish('cfile re')).toMatch(/^restore\tMake a new container/m)
    expect(inFish('cfile get --f')).toMatch(/^--force\tReplace files/m)
    expect(inFish('cfile webhook c')).toMatch(/^create/m)
  })

  it.runIf(isThere('zsh'))('defines its function in zsh', () => {
    const script = 'autoload -Uz compinit; compinit -D -u; . ./cfile.zsh; print $_comps[cfile]'
    expect(inShell('zsh', '-f', '-c', script)).toBe('_cfile\n')
  })

  it('lists the supported shells when another one is asked for', async () => {
    const { code, stderr } = await cfile(['completion', 'powershell'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/"powershell" is none of the shells bash, zsh, fish/)
  })
})
