import { expect, it } from 'vitest'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { withLease } from '../../src/gateway/lease.ts'
import { memoryStore } from '../../src/stores/memory.ts'

it('is not taken back by a process that was suspended for longer than its lifetime', async () => {
  let time = 0
  const store = memoryStore({ now: () => time })
  let wake = (): void => {}
  const wait = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  const runtime = { wait, random: Math.random, now: () => time }
  const gateway = { store, runtime } as unknown as Gateway
  let finish = (): void => {}
  const done = withLease(
    gateway,
    'lease/f',
    () =>
      new Promise((resolve) => {
        finish = resolve
      }),
  )
  await new Promise((resolve) => setTimeout(resolve, 0))
  time = 60
  await store.put('lease/f', 'another', { ifAbsent: true, ttl: 30 })
  wake()
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(await store.get('lease/f')).toBe('another')
  finish()
  await done
  expect(await store.get('lease/f')).toBe('another')
})
