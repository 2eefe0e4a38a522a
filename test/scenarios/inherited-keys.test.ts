import { describe, expect, it } from 'vitest'
import { openCallers } from '../lib/callers.ts'
import { json, responseRequest } from '../lib/harness.ts'

// Keys of Object.prototype, which a lookup table must not find.
const inherited = [
  ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', 'isPrototypeOf'],
  ...[
    '__defineGetter__',
    '__lookupSetter__',
    'toLocaleString',
    'propertyIsEnumerable',
    'prototype',
  ],
]

/** JSON with such keys at several levels. Only JSON.parse creates `__proto__` as an own key. */
function body(key: string, more: object = {}): RequestInit {
  const nested = `{"${key}":{"${key}":["${key}",{"${key}":null}]}}`
  const text = JSON.stringify({ ...responseRequest('hi'), ...more })
  return {
    ...json({}),
    body: `${text.slice(0, -1)},"${key}":${nested},"include":[${nested}],"metadata":{"${key}":"x"}}`,
  }
}

describe.each(inherited)('an inherited key, %s', (key) => {
  it('is treated like any other in a body', async () => {
    const gateway = openCallers()
    const ann = gateway.as('ann')
    expect((await ann.ask('/openai/v1/responses', body(key))).status).toBe(200)
    const item = { type: key, id: 'x_1', role: key, content: [{ type: key, text: key }] }
    expect((await ann.ask('/openai/v1/responses', body(key, { input: [item] }))).status).toBe(200)
    for (const path of [
      '/captures',
      '/links',
      '/openai/v1/containers',
      '/openai/v1/conversations',
    ]) {
      expect((await ann.ask(path, body(key, { kind: key }))).status, path).toBeLessThan(500)
    }
    const fault = await gateway.emulator.request('/emulator/faults', body(key))
    expect(fault.status).toBeLessThan(500)
  })

  it('is treated like any other in a path, a query and a header', async () => {
    const gateway = openCallers()
    const paths = [
      '/openai/v1/',
      '/openai/v1/containers/',
      '/openai/v1/files/',
      '/files/',
      '/containers/',
    ]
    for (const base of ['/openai/', '/openai/deployments/', '/s/', '/owners/', ...paths]) {
      for (const path of [`${base}${key}`, `${base}${key}/${key}`, `${base}cntr_1?${key}=${key}`]) {
        const answer = await gateway.as('admin').ask(path, { headers: { [key]: key } })
        expect(answer.status, path).toBeLessThan(500)
        await answer.body?.cancel()
      }
    }
    for (const path of [`/openai/v1/${key}`, `/openai/v1/containers/${key}/files/${key}`]) {
      const headers = { 'api-key': 'a-secret-key' }
      expect((await gateway.emulator.request(path, { headers })).status, path).toBeLessThan(500)
    }
  })
})
