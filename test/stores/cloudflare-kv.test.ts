import { describe, expect, it } from 'vitest'
import { kvStore } from '../../src/stores/cloudflare-kv.ts'
import type { Json, Store } from '../../src/stores/store.ts'
import { testClock } from './clock.ts'
import { storeContract } from './contract.ts'
import { type KvWorld, openKvWorld } from './kv-world.ts'

storeContract('Cloudflare KV, as documented,', async () => {
  const { now, advance } = testClock()
  const world = openKvWorld(now, { showsOwnWrites: true })
  return { store: kvStore({ namespace: world.at('FRA'), now }), advance }
})

interface Opened {
  readonly here: Store
  readonly there: Store
  readonly world: KvWorld
  advance(seconds: number): void
}

function openTwoLocations(): Opened {
  const { now, advance } = testClock()
  const world = openKvWorld(now)
  const at = (location: string) => kvStore({ namespace: world.at(location), now })
  return { here: at('FRA'), there: at('SYD'), world, advance }
}

const record: Json = { container_id: 'cntr_0', filename: 'chart.png' }
const large: Json = { files: Array.from({ length: 100 }, (_, index) => `file-${index}.csv`) }

describe('a store in Cloudflare KV, where each location caches a miss for a minute', () => {
  it.each([
    ['a record', record],
    ['a record too large for metadata', large],
    ['null', null],
  ])('finds %s at once even if a read missed it a moment before', async (_, value) => {
    const { here, there } = openTwoLocations()
    expect(await there.get('file/1')).toBeUndefined()
    expect(await here.get('file/1')).toBeUndefined()
    await here.put('file/1', value, { ttl: 3600 })
    expect(await there.get('file/1')).toEqual(value)
    expect(await here.get('file/1')).toEqual(value)
    expect(await there.list('file/')).toEqual([{ key: 'file/1', value }])
  })

  it('finds a large record while a miss is cached and afterwards', async () => {
    const { here, there, world, advance } = openTwoLocations()
    await there.get('file/1')
    await here.put('file/1', large)
    for (let passed = 0; passed < 600; passed += 59) {
      expect(await there.get('file/1')).toEqual(large)
      advance(59)
    }
    expect(world.names()).toEqual(['file/1'])
  })

  it('leaves no cached miss after a claim, so that the first read finds the claim', async () => {
    const { here, there, world } = openTwoLocations()
    await here.put('lease/1', 'a', { ifAbsent: true, ttl: 60 })
    expect(await there.put('lease/1', 'b', { ifAbsent: true, ttl: 60 })).toBe(false)
    expect(world.lookups).toEqual([])
  })

  it('ends a lease after seconds although KV keeps every value for a minute', async () => {
    const { here, there, advance } = openTwoLocations()
    await here.put('lease/1', 'a', { ifAbsent: true, ttl: 5 })
    advance(5)
    expect(await there.put('lease/1', 'b', { ifAbsent: true, ttl: 5 })).toBe(true)
  })

  it('does not list the second keys of large records', async () => {
    const { here } = openTwoLocations()
    await here.put('a', large)
    await here.put('b', record)
    expect((await here.list('')).map(({ key }) => key)).toEqual(['a', 'b'])
  })

  it('reads a known record with one lookup', async () => {
    const { here, world } = openTwoLocations()
    await here.put('file/1', record)
    await here.get('file/1')
    expect(world.lookups).toEqual(['file/1'])
  })
})
