/** The command line on a version of Node that is too old. */

import { expect, it } from 'vitest'
import { root, run } from '../lib/child.ts'

it('prints one line that names the required version', async () => {
  // The version of this process is another, so it is replaced before the program starts.
  const old = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.18.0'})`
  const { code, stdout, stderr } = await run(process.execPath, [
    '--import',
    old,
    `${root}src/cli.ts`,
    'serve',
  ])
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toBe('cfile: Node 22.18.0 is too old: use Node 22.19 or newer.\n')
})
