import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { describeWith, findEngine, freePort } from './engines.ts'

it('finds an engine by its name, and says so when there is none', () => {
  expect(findEngine('wrangler')).toMatch(/\/wrangler$/)
  expect(findEngine('no such engine' as 'curl')).toBeUndefined()
})

it('gives a port that can be listened on', async () => {
  const port = await freePort()
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  await new Promise((resolve) => server.close(resolve))
})

describeWith(['wrangler', 'curl'], 'a suite that needs engines', (wrangler, curl) => {
  it('is given the path of each', () => {
    expect(wrangler).toMatch(/wrangler$/)
    expect(curl).toMatch(/curl$/)
  })
})
