import { describe, expect, it } from 'vitest'
import { openCallers, refusal } from '../../lib/callers.ts'
import { errorCode, json } from '../../lib/harness.ts'

const prompt = 'Save the numbers as a CSV.'
const madeUp = { container: 'cntr_nobodys', file: `cfile_${'0'.repeat(32)}` }

describe('a file', () => {
  it('is served to its owner only, and others cannot find out whether it exists', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    expect((await gateway.as('ann').ask(`/files/${file.file_id}`)).status).toBe(200)
    await gateway.requests()
    const { container_id, file_id } = file
    const ways = [
      [`/files/${file_id}`, `/files/${madeUp.file}`],
      [
        `/files/${file_id}?container_id=${container_id}`,
        `/files/${madeUp.file}?container_id=${madeUp.container}`,
      ],
      [
        `/containers/${container_id}/files/${file_id}`,
        `/containers/${madeUp.container}/files/${madeUp.file}`,
      ],
      [
        `/containers/${container_id}/files/${file_id}`,
        `/containers/${container_id}/files/${madeUp.file}`,
      ],
      ['/files/file-of-nobody', '/files/assistant-of-nobody'],
    ] as const
    for (const [theirs, nobodys] of ways) {
      const refused = await refusal(await gateway.as('bob').ask(theirs))
      expect(refused).toMatchObject({ status: 404, error: { code: 'file_not_found' } })
      expect(await refusal(await gateway.as('bob').ask(nobodys)), theirs).toEqual(refused)
      expect((await gateway.as('bob').ask(theirs, { method: 'HEAD' })).status).toBe(404)
    }
    expect(await gateway.requests()).toEqual([])
  })

  it('belongs to the caller without a citation if only the caller has the container', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(`${prompt} [uncited]`)
    const list = await gateway.upstream(`/containers/${file.container_id}/files`)
    const { data } = (await list.json()) as { data: { id: string; path: string }[] }
    const scratch = data.find(({ id }) => id !== file.file_id)
    if (scratch === undefined) throw new Error('there is no scratch file')
    const path = `/files/${scratch.id}`
    expect(await errorCode(await gateway.as('ann').ask(path))).toBe('file_not_found')
    const named = `${path}?container_id=${file.container_id}`
    expect((await gateway.as('bob').ask(named)).status).toBe(404)
    expect((await gateway.as('ann').ask(named)).status).toBe(200)
    expect((await gateway.as('ann').ask(path)).status).toBe(200)
  })

  it('in a shared container is seen only by the owner to whom it was cited', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    await gateway.give('bob', 'container', file.container_id)
    const named = `/files/${file.file_id}?container_id=${file.container_id}`
    expect(await errorCode(await gateway.as('bob').ask(named))).toBe('file_not_found')
    const uncited = `/files/${madeUp.file}?container_id=${file.container_id}`
    await gateway.requests()
    expect((await gateway.as('ann').ask(uncited)).status).toBe(404)
    expect(await gateway.requests()).toEqual([])
    expect((await gateway.as('ann').ask(named)).status).toBe(200)
  })

  it('can be read by an admin, who does not become an owner', async () => {
    const gateway = openCallers()
    const { file } = await gateway.as('ann').answer(prompt)
    expect((await gateway.as('admin').ask(`/files/${file.file_id}`)).status).toBe(200)
    const loose = (await gateway.answerDirectly(prompt)).file
    const named = `/files/${loose.file_id}?container_id=${loose.container_id}`
    expect((await gateway.as('admin').ask(named)).status).toBe(200)
    const captured = await gateway.as('bob').ask('/captures', json(toolResult(loose)))
    expect(captured.status).toBe(200)
    expect((await gateway.as('bob').ask(`/files/${loose.file_id}`)).status).toBe(200)
  })
})

describe('CFILE_TRUST_UNRECORDED', () => {
  it('gives a thing without an owner to the first caller who names it, and not to later callers', async () => {
    const gateway = openCallers({ trustUnrecorded: true })
    const { file } = await gateway.answerDirectly(prompt)
    const named = `/files/${file.file_id}?container_id=${file.container_id}`
    expect((await gateway.as('ann').ask(named)).status).toBe(200)
    await gateway.requests()
    for (const path of [named, `/files/${file.file_id}`]) {
      expect((await gateway.as('bob').ask(path)).status).toBe(404)
    }
    const other = `/containers/${file.container_id}/files/${madeUp.file}`
    expect((await gateway.as('bob').ask(other)).status).toBe(404)
    expect(await gateway.requests()).toEqual([])
    expect((await gateway.as('ann').ask(`/files/${file.file_id}`)).status).toBe(200)
  })

  it('does not give a thing that does not exist', async () => {
    const gateway = openCallers({ trustUnrecorded: true })
    const named = `/files/${madeUp.file}?container_id=${madeUp.container}`
    expect(await errorCode(await gateway.as('ann').ask(named))).toBe('file_not_found')
    const { file } = await gateway.answerDirectly(prompt)
    const early = `/containers/${file.container_id}/files/${madeUp.file}`
    expect((await gateway.as('ann').ask(early)).status).toBe(404)
    const late = `/containers/${file.container_id}/files/${file.file_id}`
    expect((await gateway.as('bob').ask(late)).status).toBe(200)
  })
})

function toolResult({ container_id, file_id }: { container_id: string; file_id: string }) {
  const output = { files: [{ container_id, file_id }] }
  return { choices: [], tool_calls: [{ type: 'function', function: { name: 'run', output } }] }
}
