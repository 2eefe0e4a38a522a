/**
 * Controls for tests and people: clock, faults, request log. Azure has none of them.
 *
 * @module
 */

import { Hono } from 'hono'
import { readJson } from './body.ts'
import { invalidRequest } from './errors.ts'
import { type FaultList, faultKinds } from './faults.ts'
import { json, parseJson } from './json.ts'
import type { RequestLog } from './log.ts'
import { directives } from './plan.ts'

/** An adjustable clock in unix seconds. */
export interface Clock {
  now(): number
  advance(seconds: number): void
}

/** Creates a clock that runs like another one, from any time it was set to. */
export function createClock(base: () => number): Clock {
  let offset = 0
  return {
    now: () => base() + offset,
    advance(seconds) {
      offset += seconds
    },
  }
}

/** The routes below `/emulator`. */
export function controlRoutes(clock: Clock, faults: FaultList, log: RequestLog): Hono {
  const routes = new Hono()
  routes.get('/', () =>
    json({
      object: 'emulator',
      message:
        "cfile's emulator of the Azure OpenAI endpoints. No model and no Python runs here; the files are real.",
      now: clock.now(),
      playground: '/emulator/playground',
      controls: ['/emulator/clock', '/emulator/faults', '/emulator/requests'],
      fault_kinds: Object.keys(faultKinds),
      prompts: directives.map((directive) => `[${directive}]`),
    }),
  )
  routes.get('/clock', () => json({ now: clock.now() }))
  routes.post('/clock', async (c) => {
    const { advance, now } = await readJson(c)
    const seconds = typeof now === 'number' ? now - clock.now() : advance
    if (!Number.isInteger(seconds)) throw invalidRequest(400, 'Give "advance" or "now" in seconds.')
    clock.advance(Number(seconds))
    return json({ now: clock.now() })
  })
  routes.get('/faults', () => json({ object: 'list', data: faults.list() }))
  routes.post('/faults', async (c) => {
    faults.add(parseJson(await c.req.text()))
    return json({ object: 'list', data: faults.list() })
  })
  routes.delete('/faults', () => {
    faults.clear()
    return json({ object: 'list', data: [] })
  })
  routes.get('/requests', () => json({ object: 'list', data: log.entries }))
  routes.delete('/requests', () => {
    log.clear()
    return json({ object: 'list', data: [] })
  })
  return routes
}
