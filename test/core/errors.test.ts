import { describe, expect, it } from 'vitest'
import { CfileError, isCfileError, toErrorBody } from '../../src/core/errors.ts'

describe('CfileError', () => {
  it.each([
    ['invalid_id', 400],
    ['invalid_request', 400],
    ['unauthorized', 401],
    ['signature_invalid', 403],
    ['link_expired', 403],
    ['container_unknown', 404],
    ['file_not_found', 404],
    ['container_not_found', 404],
    ['not_found', 404],
    ['method_not_allowed', 405],
    ['container_expired', 410],
    ['payload_too_large', 413],
    ['range_not_satisfiable', 416],
    ['rate_limited', 429],
    ['upstream_throttled', 429],
    ['upstream_auth', 502],
    ['upstream_invalid', 502],
    ['upstream_error', 502],
    ['file_too_large', 502],
    ['not_ready', 503],
    ['upstream_timeout', 504],
  ] as const)('answers %s with %i, as the contract promises clients', (code, status) => {
    expect(new CfileError(code, 'no')).toMatchObject({ code, status, message: 'no' })
  })

  it('is distinguished from every other error, and keeps its cause for the log', () => {
    const cause = new Error('socket')
    const error = new CfileError('upstream_error', 'no', { cause })
    expect(isCfileError(error)).toBe(true)
    expect(error.cause).toBe(cause)
    for (const other of [cause, { code: 'invalid_id', status: 400 }, null, 'invalid_id']) {
      expect(isCfileError(other)).toBe(false)
    }
  })
})

describe('toErrorBody', () => {
  it('writes the envelope that makes OpenAI’s SDKs raise their typed errors', () => {
    expect(toErrorBody(new CfileError('invalid_id', 'no', { param: 'file_id' }), 'req_1')).toEqual({
      error: {
        message: 'no',
        type: 'invalid_request_error',
        param: 'file_id',
        code: 'invalid_id',
        request_id: 'req_1',
      },
    })
  })

  it('contains the hint and the upstream’s answer, if there are any', () => {
    const upstream = { status: 401, code: 'PermissionDenied', request_id: null }
    const { error } = toErrorBody(
      new CfileError('upstream_auth', 'no', { hint: 'Give it a role.', upstream }),
      'req_1',
    )
    expect(error).toMatchObject({
      type: 'server_error',
      hint: 'Give it a role.',
      upstream,
      param: null,
    })
  })

  it.each([
    ['unauthorized', 'authentication_error'],
    ['link_expired', 'permission_error'],
    ['rate_limited', 'rate_limit_error'],
    ['not_found', 'invalid_request_error'],
    ['not_ready', 'server_error'],
  ] as const)('gives %s the type %s', (code, type) => {
    expect(toErrorBody(new CfileError(code, 'no'), 'req_1').error.type).toBe(type)
  })

  it('reveals no cause, headers or stack', () => {
    const headers = { 'retry-after': '5' }
    const error = new CfileError('not_ready', 'no', { cause: new Error('secret'), headers })
    expect(JSON.stringify(toErrorBody(error, 'req_1'))).not.toMatch(/secret|retry-after|stack|at /)
  })
})
