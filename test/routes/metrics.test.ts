import { expect, it } from 'vitest'
import { openHarness } from '../harness.ts'

it('counts requests by family and class of status, and names no id and no owner', async () => {
  const { ask, respond } = openHarness({
    authenticate: async () => ({ owner: 'somebody', admin: false }),
  })
  const [file] = await respond('Draw a chart')
  await (await ask(`/files/${file?.file_id}`)).arrayBuffer()
  await ask('/files/cfile_nobodys')
  const answer = await ask('/metrics')
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await answer.text()
  expect(text).toContain('cfile_requests_total{family="openai",status="2xx"} 1\n')
  expect(text).toContain('cfile_requests_total{family="files",status="2xx"} 1\n')
  expect(text).toContain('cfile_requests_total{family="files",status="4xx"} 1\n')
  expect(text).not.toMatch(/cfile_nobodys|cntr_|somebody/)
  expect(text).not.toContain(`${file?.file_id}`)
})

it('counts for each app alone', async () => {
  const [one, other] = [openHarness(), openHarness()]
  await one.ask('/healthz')
  expect(await (await other.ask('/metrics')).text()).not.toContain('family="healthz"')
})
