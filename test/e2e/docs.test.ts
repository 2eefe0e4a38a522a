/** Runs the code blocks of README and docs, page by page, against a gateway on the emulator. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Running, serve } from '../../src/node.ts'
import { type Block, blocksOf, pages, settingsOf } from '../docs/blocks.ts'
import { run } from '../lib/child.ts'
import { describeWith, root } from './engines.ts'

const told = 'http://127.0.0.1:8787'

/** The blocks of a page that are run, by their language. */
function blocksIn(page: string, language: string): Block[] {
  return blocksOf(page).filter((block) => block.reason === undefined && block.language === language)
}

describeWith(['curl'], 'the code blocks', () => {
  const withBlocks = pages.filter(
    (page) => blocksIn(page, 'sh').length + blocksIn(page, 'ts').length > 0,
  )

  describe.each(withBlocks)('of %s', (page) => {
    let folder: string
    let gateway: Running
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'cfile-docs-'))
      const { CFILE_ARCHIVE: archive, ...settings } = settingsOf(page)
      gateway = await serve({
        PORT: '0',
        LOG_LEVEL: 'silent',
        CFILE_DATA_DIR: folder,
        CFILE_ARCHIVE: archive?.replace('fs:', `fs:${folder}/`) ?? 'off',
        ...settings,
      })
    })
    afterAll(async () => {
      await gateway.close()
      await rm(folder, { recursive: true, force: true })
    })

    // One shell for all of a page, since a block may use what one before it set.
    const script = blocksIn(page, 'sh')
      .map(({ code }) => code)
      .join('\n')
    it.each(script === '' ? [] : [script])('run in a shell', async (script) => {
      const text = script.replaceAll(told, gateway.url)
      const { code, stderr } = await run('bash', ['-euo', 'pipefail', '-c', text], { cwd: folder })
      expect(code, stderr).toBe(0)
    })

    it.each(blocksIn(page, 'ts'))('run on Node: line $line', async ({ code, line }) => {
      // Within the repository, where `cfile` and its packages are found. Git ignores the folder.
      const file = join(root, `.cfile/docs/${page.replace(/\W/g, '-')}-${line}.ts`)
      await mkdir(join(root, '.cfile/docs'), { recursive: true })
      await writeFile(file, code.replaceAll(told, gateway.url))
      const ended = await run(process.execPath, ['--conditions=@cfile/source', file])
      await rm(file)
      expect(ended.code, ended.stderr).toBe(0)
    })
  })
})
