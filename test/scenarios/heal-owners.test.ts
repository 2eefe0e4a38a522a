/**
 * Owners and strangers on restore and healing, with copies of both: no container ever holds the copies of two owners.
 */

import { describe, expect, it } from 'vitest'
import { memoryArchive } from '../../src/archives/memory.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { testSha256 } from '../archives/contract.ts'
import { type CallersHarness, openCallers } from '../lib/callers.ts'
import { codeInterpreter, json } from '../lib/harness.ts'
import { askSocket, createMessage, openSocket } from '../lib/sockets.ts'
import { followWork } from '../lib/work.ts'

type Owner = 'ann' | 'bob'
type Actor = Owner | 'admin' | 'nobody'

/** Things that a request can name. */
interface Things {
  readonly container: string
  readonly response: string
  readonly conversation: string
}

const responses = '/openai/v1/responses'
const tool = (container: string) => ({ type: 'code_interpreter', container })
const request = (input: string, more: object = {}) =>
  json({ model: 'gpt-4.1', input, tools: codeInterpreter, ...more })

function ask(gateway: CallersHarness, actor: Actor, path: string, init: RequestInit) {
  return actor === 'nobody' ? gateway.ask(path, init) : gateway.as(actor).ask(path, init)
}

/** An answer to a request, whatever carried it. */
interface Answered {
  readonly status: number
  readonly text: string
}

type Form = (gateway: CallersHarness, actor: Actor, things: Things) => Promise<Answered>

const byTurn =
  (more: (things: Things) => object): Form =>
  async (gateway, actor, things) => {
    const answer = await ask(gateway, actor, responses, request('[list]', more(things)))
    return { status: answer.status, text: await answer.text() }
  }

const forms: Readonly<Record<string, Form>> = {
  'POST /containers/{id}/restore': async (gateway, actor, { container }) => {
    const answer = await ask(gateway, actor, `/containers/${container}/restore`, { method: 'POST' })
    return { status: answer.status, text: await answer.text() }
  },
  'tools[].container': byTurn(({ container }) => ({ tools: [tool(container)] })),
  'two tools': byTurn(({ container }) => ({ tools: [tool(container), tool(container)] })),
  previous_response_id: byTurn(({ response }) => ({ previous_response_id: response })),
  conversation: byTurn(({ conversation }) => ({ conversation })),
  stream: byTurn(({ response }) => ({ previous_response_id: response, stream: true })),
  WebSocket: async (gateway, actor, { container }) => {
    const headers: Record<string, string> =
      actor === 'nobody' ? {} : { authorization: `Bearer ${gateway.keyOf(actor)}` }
    const opened = await openSocket(gateway, headers).catch((error) => error as { status: number })
    if (!('next' in opened)) return { status: opened.status, text: '' }
    const [last] = (
      await askSocket(opened, createMessage('[list]', { tools: [tool(container)] }))
    ).slice(-1)
    opened.close({ code: 1000, reason: '' })
    return { status: last?.status ?? 200, text: JSON.stringify(last) }
  },
}

/** A gateway where ann and bob each have a conversation with a file, and a container that both used. */
async function openOwners() {
  const { waitUntil, settle } = followWork()
  const now = () => 1_790_000_000
  const gateway = openCallers({
    heal: true,
    store: memoryStore({ now }),
    archive: memoryArchive({ createSha256: testSha256, now }),
    waitUntil,
  })
  const turn = async (owner: Owner, input: string, more: object = {}) => {
    const answer = await gateway.as(owner).ask(responses, request(input, more))
    const body = (await answer.json()) as { id: string; output: { container_id?: string }[] }
    const container = body.output.find(({ container_id }) => container_id)?.container_id ?? ''
    return { response: body.id, container }
  }
  const begin = async (owner: Owner): Promise<Things> => {
    const made = await gateway.as(owner).ask('/openai/v1/conversations', json({}))
    const { id: conversation } = (await made.json()) as { id: string }
    return { conversation, ...(await turn(owner, `Save "of-${owner}.txt".`, { conversation })) }
  }
  const own = { ann: await begin('ann'), bob: await begin('bob') }
  const shared = (await turn('ann', 'Save "shared-of-ann.txt".')).container
  // The upstream's answer to bob cites the container, so both share it.
  await gateway.give('bob', 'container', shared)
  const tools = [tool(shared)]
  const both = {
    ann: { ...own.ann, container: shared },
    bob: { ...(await turn('bob', 'Save "shared-of-bob.txt".', { tools })), conversation: '' },
  }
  await settle()
  return { gateway, settle, own, both }
}

/** The names in all containers that run, read at the upstream. */
async function namesByContainer({ upstream }: CallersHarness): Promise<string[][]> {
  const { data } = (await (await upstream('/containers?limit=100')).json()) as {
    data: { id: string; status: string }[]
  }
  const running = data.filter(({ status }) => status === 'running')
  return Promise.all(
    running.map(async ({ id }) => {
      const list = await (await upstream(`/containers/${id}/files?limit=100`)).json()
      return (list as { data: { path: string }[] }).data.map(({ path }) => path)
    }),
  )
}

async function expectNoMixture(gateway: CallersHarness): Promise<void> {
  for (const names of await namesByContainer(gateway)) {
    const owners = new Set(names.map((name) => /of-(ann|bob)/.exec(name)?.[1]))
    expect(owners.size, names.join()).toBeLessThanOrEqual(1)
  }
}

describe.each(Object.entries(forms))('an expired container, by %s', (name, form) => {
  it.each<[Owner, Owner]>([
    ['ann', 'bob'],
    ['bob', 'ann'],
  ])('gives %s the own copies, and nobody else', async (owner, stranger) => {
    const { gateway, settle, own } = await openOwners()
    gateway.advance(3600)
    await gateway.requests()
    const { status } = await form(gateway, stranger, own[owner])
    expect(status).toBe(404)
    expect((await form(gateway, 'nobody', own[owner])).status).toBe(401)
    expect(await gateway.requests()).toEqual([])
    const healed = await form(gateway, owner, own[owner])
    await settle()
    expect([healed.status, healed.text]).toEqual([200, expect.stringContaining(`of-${owner}.txt`)])
    expect(healed.text).not.toContain(`of-${stranger}`)
    await expectNoMixture(gateway)
    // The new container belongs to its owner alone, and is no way to the old one's files.
    const [made = ''] = [...healed.text.matchAll(/cntr_[0-9a-f]{48}/g)].map(([id]) => id)
    expect((await gateway.as(stranger).ask(`/containers/${made}/files`)).status).toBe(404)
    expect((await gateway.as(owner).ask(`/containers/${made}/files`)).status).toBe(200)
  })

  it.runIf(!/response|conversation|stream/.test(name))(
    'gives each of two owners who share it only the own copies, one after the other and at once',
    async () => {
      const { gateway, settle, both } = await openOwners()
      for (const isAtOnce of [false, true]) {
        gateway.advance(3600)
        const acts = (['ann', 'bob'] as const).map(
          (owner) => () => form(gateway, owner, both[owner]),
        )
        const answers = isAtOnce
          ? await Promise.all(acts.map((act) => act()))
          : [await acts[0]?.(), await acts[1]?.()]
        await settle()
        const [ann, bob] = answers.map((answer) => answer?.text ?? '')
        expect(ann).toContain('shared-of-ann.txt')
        expect(ann).not.toContain('of-bob')
        expect(bob).toContain('shared-of-bob.txt')
        expect(bob).not.toContain('of-ann')
        await expectNoMixture(gateway)
      }
    },
  )

  it('heals no turn of an admin with copies of others, and restores only for the owner', async () => {
    const { gateway, settle, own } = await openOwners()
    gateway.advance(3600)
    const { status, text } = await form(gateway, 'admin', own.ann)
    await settle()
    if (name.startsWith('POST')) {
      expect(status).toBe(200)
      const { container_id } = JSON.parse(text) as { container_id: string }
      const statuses = (['ann', 'bob'] as const).map(
        async (who) => (await gateway.as(who).ask(`/containers/${container_id}/files`)).status,
      )
      expect(await Promise.all(statuses)).toEqual([200, 404])
    } else {
      expect(status).toBe(400)
      expect(text).not.toContain('of-')
    }
    await expectNoMixture(gateway)
  })
})
