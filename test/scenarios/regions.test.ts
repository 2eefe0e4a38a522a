import { describe, expect, it } from 'vitest'
import { errorCode, json, responseRequest } from '../lib/harness.ts'
import { openRegions, type Regions } from '../lib/regions.ts'
import { rounds } from '../lib/rounds.ts'

type Kind = 'container' | 'response' | 'conversation' | 'upload' | 'file'

/** A thing and the region that made it. */
interface Thing {
  readonly kind: Kind
  readonly id: string
  readonly region: string
  /** Container of a file. */
  readonly container?: string
}

const regionNames = ['east', 'west'] as const

/** Pseudo-random numbers with a fixed seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function upload(): RequestInit {
  const body = new FormData()
  body.set('purpose', 'assistants')
  body.set('file', new File(['a'], 'a.csv'))
  return { method: 'POST', body }
}

/** Requests that create a thing of each kind, below `/openai/v1`. */
const makers: Readonly<Record<Exclude<Kind, 'file'>, () => [path: string, init: RequestInit]>> = {
  container: () => ['/containers', json({ name: 'c' })],
  response: () => ['/responses', json({ model: 'm', input: 'hi' })],
  conversation: () => ['/conversations', json({})],
  upload: () => ['/files', upload()],
}

/** Requests for a thing. */
function uses({ kind, id, container }: Thing): [path: string, init?: RequestInit][] {
  const run = (more: object): [string, RequestInit] => [
    '/responses',
    json(responseRequest('hi', more)),
  ]
  switch (kind) {
    case 'container':
      return [
        [`/containers/${id}`],
        [`/containers/${id}/files`],
        run({ tools: [{ type: 'code_interpreter', container: id }] }),
      ]
    case 'response':
      return [
        [`/responses/${id}`],
        [`/responses/${id}/input_items`],
        run({ previous_response_id: id }),
      ]
    case 'conversation':
      return [[`/conversations/${id}`], run({ conversation: id })]
    case 'upload':
      return [
        [`/files/${id}`],
        [`/files/${id}/content`],
        run({ tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: [id] } }] }),
      ]
    case 'file':
      return [
        [`/containers/${container}/files/${id}`],
        [`/containers/${container}/files/${id}/content`],
      ]
  }
}

function pick<T>(list: readonly T[], index: number): T {
  const one = list[index]
  if (one === undefined) throw new Error('nothing to pick from')
  return one
}

/** Creates things in both regions, some through the gateway and some directly. */
async function furnish(regions: Regions, count: number): Promise<Thing[]> {
  const things: Thing[] = []
  for (const region of regionNames) {
    for (let index = 0; index < count; index += 1) {
      for (const [kind, make] of Object.entries(makers) as [
        keyof typeof makers,
        () => [string, RequestInit],
      ][]) {
        const [path, init] = make()
        const answer = await regions.upstream(region, path, init)
        const { id } = (await answer.json()) as { id: string }
        things.push({ kind, id, region })
        if (kind !== 'container') continue
        const file = await regions.upstream(region, `/containers/${id}/files`, upload())
        things.push({ kind: 'file', id: ((await file.json()) as Thing).id, region, container: id })
      }
    }
  }
  // The gateway sees each object once and records its region.
  for (const thing of things) await regions.ask(`/openai/v1${uses(thing)[0]?.[0]}`)
  return things
}

/** Sends requests until the gateway no longer asks a region that is down. */
async function wearOut(regions: Regions, things: readonly Thing[]): Promise<void> {
  for (const { kind, id } of things) {
    if (kind !== 'response') continue
    const body = json({ model: 'm', input: 'hi', previous_response_id: id })
    for (let index = 0; index < 2; index += 1) {
      expect((await regions.ask('/openai/v1/responses', body)).status).toBe(502)
    }
  }
}

async function seenBy(regions: Regions): Promise<Record<string, number>> {
  const [east, west] = await Promise.all(regionNames.map((name) => regions.requests(name)))
  return { east: east?.length ?? 0, west: west?.length ?? 0 }
}

describe('two regions', () => {
  it('answer each of a thousand random operations in the region of the named thing only', async () => {
    const regions = openRegions(regionNames.map((name) => ({ name })))
    const things = await furnish(regions, 3)
    const random = createRandom(7)
    await seenBy(regions)
    for (let round = 0; round < Math.max(1000, rounds(20)); round += 1) {
      const thing = pick(things, random(things.length))
      const [path, init] = pick(uses(thing), random(uses(thing).length))
      const answer = await regions.ask(`/openai/v1${path}`, init)
      expect(answer.status, `${thing.kind} of ${thing.region}: ${path}`).toBe(200)
      await answer.arrayBuffer()
      const other = thing.region === 'east' ? 'west' : 'east'
      expect(await seenBy(regions)).toEqual({ [thing.region]: 1, [other]: 0 })
    }
  })

  it('stay independent: when one is down, requests for its objects get 502 and requests to the other succeed', async () => {
    const regions = openRegions(regionNames.map((name) => ({ name })))
    const things = await furnish(regions, 3)
    regions.cut('west')
    await wearOut(
      regions,
      things.filter(({ region }) => region === 'west'),
    )
    const random = createRandom(11)
    await seenBy(regions)
    let lost = 0
    for (let round = 0; round < 300; round += 1) {
      const thing = pick(things, random(things.length))
      const [path, init] = pick(uses(thing), random(uses(thing).length))
      const answer = await regions.ask(`/openai/v1${path}`, init)
      if (thing.region === 'east') {
        expect(answer.status, path).toBe(200)
        await answer.arrayBuffer()
        expect(await seenBy(regions)).toEqual({ east: 1, west: 0 })
      } else {
        expect([answer.status, await errorCode(answer)], path).toEqual([502, 'upstream_error'])
        expect(await seenBy(regions)).toEqual({ east: 0, west: 0 })
        lost += 1
      }
    }
    expect(lost).toBeGreaterThan(50)
    for (let index = 0; index < 20; index += 1) {
      expect(
        (await regions.ask('/openai/v1/responses', json({ model: 'm', input: 'hi' }))).status,
      ).toBe(200)
    }
    regions.cut('west', false)
    const [first] = things.filter(({ region }) => region === 'west')
    expect((await regions.ask(`/openai/v1${first && uses(first)[0]?.[0]}`)).status).toBe(200)
  })
})
