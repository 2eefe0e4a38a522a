/** Checks the alerts and the dashboard's queries with Prometheus' own tool. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { run } from '../lib/child.ts'
import { openHarness } from '../lib/harness.ts'
import { describeWith, root } from './engines.ts'

/** Every metric of the contract with operators; dashboards and alerts go by these names. */
const published = {
  cfile_requests_total: 'counter',
  cfile_request_duration_seconds: 'histogram',
  cfile_first_byte_seconds: 'histogram',
  cfile_delivered_bytes_total: 'counter',
  cfile_in_flight: 'gauge',
  cfile_upstream_requests_total: 'counter',
  cfile_upstream_retries_total: 'counter',
  cfile_resumptions_total: 'counter',
  cfile_captured_files_total: 'counter',
  cfile_containers_total: 'counter',
  cfile_archive_pending: 'gauge',
  cfile_archive_copies_total: 'counter',
  cfile_archive_errors_total: 'counter',
  cfile_healed_total: 'counter',
}

describeWith(['promtool'], 'Prometheus', (promtool) => {
  it('finds a help text, a type and valid values for every metric', async () => {
    const { ask, respond } = openHarness()
    const [file] = await respond('Draw a chart')
    await (await ask(`/files/${file?.file_id}`)).arrayBuffer()
    await ask('/files/cfile_nobodys')
    const stdin = await (await ask('/metrics')).text()
    expect(await run(promtool, ['check', 'metrics'], { stdin })).toMatchObject({
      code: 0,
      stderr: '',
    })
    const names = [...stdin.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [
      name,
      type,
    ])
    expect(Object.fromEntries(names)).toEqual(published)
  })

  it('accepts the alerts', async () => {
    const args = ['check', 'rules', join(root, 'deploy/prometheus/alerts.yaml')]
    expect(await run(promtool, args)).toMatchObject({ code: 0, stderr: '' })
  })

  it('fires each alert for its fault, and none for a healthy instance', async () => {
    const args = ['test', 'rules', join(root, 'deploy/prometheus/alerts.test.yaml')]
    expect(await run(promtool, args)).toMatchObject({ code: 0, stderr: '' })
  })

  it("accepts the dashboard's queries", async () => {
    const text = await readFile(join(root, 'deploy/grafana/cfile-dashboard.json'), 'utf8')
    const { panels }: { panels: { targets?: { expr: string }[] }[] } = JSON.parse(text)
    // Grafana fills these in.
    const fill = (expr: string) =>
      expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*')
    const rules = panels
      .flatMap(({ targets = [] }) => targets)
      .map(({ expr }, index) => ({ record: `dashboard:query${index}`, expr: fill(expr) }))
    const folder = await mkdtemp(join(tmpdir(), 'cfile-dashboard-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    // JSON is YAML.
    await writeFile(
      join(folder, 'rules.yaml'),
      JSON.stringify({ groups: [{ name: 'all', rules }] }),
    )
    const ended = await run(promtool, ['check', 'rules', join(folder, 'rules.yaml')])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toContain(`${rules.length} rules found`)
  })
})
