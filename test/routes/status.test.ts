import { expect, it } from 'vitest'
import { citedFiles, json, openHarness, responseRequest } from '../lib/harness.ts'
import { openRegions } from '../lib/regions.ts'

it('counts requests by family and status class, without ids and owners', async () => {
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

it('counts separately for each app', async () => {
  const [one, other] = [openHarness(), openHarness()]
  await one.ask('/healthz')
  expect(await (await other.ask('/metrics')).text()).not.toContain('_total{family="healthz"')
})

it('counts sent bytes and downloads under way', async () => {
  const { ask, respond } = openHarness()
  const counts = async () => {
    const text = await (await ask('/metrics')).text()
    const read = (name: string) => Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
    return [
      read('cfile_in_flight{family="files"}'),
      read('cfile_delivered_bytes_total{from="upstream"}'),
    ]
  }
  const [file] = await respond('Save a 1 MB binary file')
  const path = `/files/${file?.file_id}`
  expect(await counts()).toEqual([0, 0])
  const download = await ask(path)
  expect((await counts())[0]).toBe(1)
  await download.arrayBuffer()
  expect(await counts()).toEqual([0, 1_000_000])
  await (await ask(path, { headers: { range: 'bytes=0-9' } })).arrayBuffer()
  await ask(path, { method: 'HEAD' })
  expect(await counts()).toEqual([0, 1_000_010])
  await (await ask(path)).body?.cancel()
  expect((await counts())[0]).toBe(0)
})

it('counts containers by upstream, from zero', async () => {
  const regions = openRegions([{ name: 'east' }, { name: 'west', models: ['gpt-west'] }])
  const count = async () => {
    const text = await (await regions.ask('/metrics')).text()
    return text.split('\n').filter((line) => line.startsWith('cfile_containers_total'))
  }
  expect(await count()).toEqual([
    'cfile_containers_total{upstream="east"} 0',
    'cfile_containers_total{upstream="west"} 0',
  ])
  const body = json(responseRequest('Draw a chart', { model: 'gpt-west' }))
  for (const _ of [1, 2]) await (await regions.ask('/openai/v1/responses', body)).text()
  const direct = await regions.upstream('east', '/responses', json(responseRequest('Draw a chart')))
  const answer = await direct.json()
  expect(citedFiles(answer)).not.toEqual([])
  await regions.ask('/captures', json(answer))
  expect(await count()).toEqual([
    'cfile_containers_total{upstream="east"} 0',
    'cfile_containers_total{upstream="west"} 2',
    'cfile_containers_total{upstream="unknown"} 1',
  ])
})
