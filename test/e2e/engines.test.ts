import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { describeWith, findEngine, freePort } from './engines.ts'

it('finds an engine by its name, and reports a missing one', () => {
  expect(findEngine('wrangler')).toMatch(/\/wrangler$/)
  expect(findEngine('no such engine' as 'curl')).toBeUndefined()
})

it('returns a port that a server can listen on', async () => {
  const port = await freePort()
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  await new Promise((resolve) => server.close(resolve))
})

describeWith(['wrangler', 'curl'], 'a suite that needs engines', (wrangler, curl) => {
  it('gets the path of each engine', () => {
    expect(wrangler).toMatch(/wrangler$/)
    expect(curl).toMatch(/curl$/)
  })
})
