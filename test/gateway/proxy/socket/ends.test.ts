/**
 * The ends of a WebSocket: who closes it, with which code and reason, and what is left behind.
 */

import { describe, expect, it } from 'vitest'
import { createSocketPair, type Socket } from '../../../../src/core/http/websocket.ts'
import type { Wait } from '../../../../src/core/time.ts'
import { webRuntime } from '../../../../src/runtime.ts'
import { openHarness } from '../../../lib/harness.ts'
import { askSocket, createMessage, openScriptedUpstream, openSocket } from '../../../lib/sockets.ts'

/** Opens a socket and sends a message, and returns both ends. */
async function openBusy(options: Parameters<typeof openHarness>[0] = {}) {
  const { upstream, ends } = openScriptedUpstream()
  const gateway = openHarness({ ...options, upstreams: [upstream] })
  const client = await openSocket(gateway)
  await client.send(JSON.stringify(createMessage('hi')))
  await expect.poll(() => ends.length).toBe(1)
  const far = ends[0] as Socket
  await far.next()
  return { gateway, client, far, ends }
}

const created = '{"type":"response.created","response":{"id":"resp_1","output":[]}}'
const delta = '{"type":"response.output_text.delta","delta":"a","item_id":"msg_1","output_index":0}'
const completed = '{"type":"response.completed","response":{"id":"resp_1","output":[]}}'
const hour = 3_600_000

/** A clock for waits of an hour or more; shorter ones use the runtime's timers. */
function createLongClock() {
  const due: { readonly ms: number; readonly act: () => void }[] = []
  const wait: Wait = (ms, signal) =>
    ms < 500_000
      ? webRuntime.wait(ms, signal)
      : new Promise((resolve, reject) => {
          due.push({ ms, act: resolve })
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
        })
  const pass = (ms: number) => {
    for (const timer of due.filter((entry) => entry.ms === ms)) timer.act()
  }
  return { wait, pass, due }
}

describe('a WebSocket ends', () => {
  it('at the upstream when the client closes', async () => {
    const { client, far } = await openBusy()
    client.close({ code: 1000, reason: 'done' })
    expect(await far.next()).toBeUndefined()
    expect(far.ended).toEqual({ code: 1000, reason: 'done' })
  })

  it('at the client when an idle upstream closes, with the code and reason of the upstream', async () => {
    const { client, far } = await openBusy()
    for (const event of [created, completed]) await far.send(event)
    expect([await client.next(), await client.next()]).toEqual([created, completed])
    far.close({ code: 1012, reason: 'maintenance' })
    expect(await client.next()).toBeUndefined()
    expect(client.ended).toEqual({ code: 1012, reason: 'maintenance' })
  })

  it.each([
    [
      { code: 1006, reason: '' },
      { code: 1011, reason: 'The upstream broke the connection.' },
    ],
    [
      { code: 1000, reason: '' },
      { code: 1011, reason: 'The upstream broke the connection.' },
    ],
    [
      { code: 1012, reason: 'maintenance' },
      { code: 1012, reason: 'maintenance' },
    ],
  ])(
    'with an error event and a reason when the upstream disconnects in the middle of an answer, %j',
    async (end, seen) => {
      const { client, far } = await openBusy()
      for (const event of [created, delta]) await far.send(event)
      expect([await client.next(), await client.next()]).toEqual([created, delta])
      far.close(end)
      expect(JSON.parse(String(await client.next()))).toMatchObject({
        type: 'error',
        status: 502,
        error: { code: 'upstream_error', hint: expect.stringContaining('send the message again') },
      })
      expect(await client.next()).toBeUndefined()
      expect(client.ended).toEqual(seen)
    },
  )

  it('with an error event when the upstream disconnects before the answer has begun', async () => {
    const { client, far } = await openBusy()
    far.close({ code: 1006, reason: '' })
    expect(String(await client.next())).toContain('"upstream_error"')
    expect(await client.next()).toBeUndefined()
    expect(client.ended?.code).toBe(1011)
  })

  it('with one error event when the upstream stops sending in the middle of an answer', async () => {
    const { client, far } = await openBusy({ streamIdleTimeoutMs: 40 })
    expect(JSON.parse(String(await client.next()))).toMatchObject({
      type: 'error',
      status: 504,
      error: { code: 'upstream_timeout' },
    })
    expect(await client.next()).toBeUndefined()
    expect(client.ended?.reason).toBe('The upstream stopped sending.')
    expect(far.ended).toBeDefined()
  })

  it('not when the upstream sends nothing between two answers', async () => {
    const { client, far } = await openBusy({ streamIdleTimeoutMs: 300 })
    // A message without an answer of its own, as in multi-agent answers.
    await far.send(created)
    await client.send('{"type":"response.inject","response_id":"resp_1","input":[]}')
    expect(await far.next()).toContain('response.inject')
    await far.send(completed)
    expect([await client.next(), await client.next()]).toEqual([created, completed])
    await webRuntime.wait(500)
    expect(client.ended).toBeUndefined()
  })

  it('after 60 minutes, with the error event of Azure and a reason', async () => {
    const { wait, pass } = createLongClock()
    const { client, far } = await openBusy({ wait })
    for (const event of [created, completed]) await far.send(event)
    expect([await client.next(), await client.next()]).toEqual([created, completed])
    pass(hour)
    expect(JSON.parse(String(await client.next()))).toMatchObject({
      type: 'error',
      status: 400,
      error: { type: 'invalid_request_error', code: 'websocket_connection_limit_reached' },
    })
    expect(await client.next()).toBeUndefined()
    expect(client.ended).toEqual({
      code: 1001,
      reason: 'The socket was open for 60 minutes, the longest time; open a new one.',
    })
    expect(far.ended?.code).toBe(1001)
  })

  it('after 60 minutes only when the answer under way is complete, and takes no further message', async () => {
    const { wait, pass } = createLongClock()
    const { client, far } = await openBusy({ wait })
    await far.send(created)
    expect(await client.next()).toBe(created)
    pass(hour)
    const [refused] = await askSocket(client, createMessage('late'))
    expect(refused?.error?.code).toBe('websocket_connection_limit_reached')
    await far.send(completed)
    expect(await client.next()).toBe(completed)
    expect(String(await client.next())).toContain('websocket_connection_limit_reached')
    expect(await client.next()).toBeUndefined()
    expect(far.ended?.code).toBe(1001)
  })

  it('after 60 minutes also without any message', async () => {
    const { wait, pass } = createLongClock()
    const client = await openSocket(openHarness({ wait }))
    pass(hour)
    expect(String(await client.next())).toContain('websocket_connection_limit_reached')
    expect(await client.next()).toBeUndefined()
  })

  it('without sending a message upstream that was unread when the client left', async () => {
    const [own, far] = createSocketPair()
    let open = (): void => {}
    const opened = new Promise<void>((resolve) => {
      open = resolve
    })
    const { upstream } = openScriptedUpstream()
    const connect = async () => {
      await opened
      return own
    }
    const client = await openSocket(openHarness({ upstreams: [{ ...upstream, connect }] }))
    for (const text of ['one', 'two']) await client.send(JSON.stringify(createMessage(text)))
    client.close({ code: 1001, reason: 'left' })
    open()
    expect(await far.next()).toBeUndefined()
  })

  it('while the upstream is being connected, and the attempt ends too', async () => {
    const { upstream } = openScriptedUpstream()
    let signal: AbortSignal | undefined
    const connect = (_: URL, options: { readonly signal?: AbortSignal }) => {
      signal = options.signal
      return new Promise<Socket>((_, reject) => {
        options.signal?.addEventListener('abort', () => reject(options.signal?.reason))
      })
    }
    const gateway = openHarness({ upstreams: [{ ...upstream, connect }] })
    const client = await openSocket(gateway)
    await client.send(JSON.stringify(createMessage('hi')))
    await expect.poll(() => signal).toBeDefined()
    client.close({ code: 1001, reason: 'left' })
    await expect.poll(() => signal?.aborted).toBe(true)
  })
})
