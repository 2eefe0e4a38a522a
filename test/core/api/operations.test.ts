import { describe, expect, it } from 'vitest'
import { namesInPath } from '../../../src/core/api/names/named-ids.ts'
import { operationOf } from '../../../src/core/api/operations.ts'
import { wasNeverSent } from '../../../src/core/bytes/failures.ts'

describe('operationOf', () => {
  const kinds: [request: string, answerKind: string, kind?: string][] = [
    ['POST /responses', 'answer'],
    ['GET /responses/resp_1', 'answer'],
    ['POST /responses/resp_1/cancel', 'answer'],
    ['GET /responses/resp_1/input_items', 'history', 'thing'],
    ['DELETE /responses/resp_1', 'deletion', 'response'],
    ['POST /containers', 'thing', 'container'],
    ['GET /containers', 'list', 'container'],
    ['GET /containers/', 'list', 'container'],
    ['GET /CONTAINERS', 'list', 'container'],
    ['GET /%63ontainers', 'list', 'container'],
    ['GET /containers/cntr_1', 'thing', 'container'],
    ['GET /containers/cntr_1/files', 'list', 'file'],
    ['POST /containers/cntr_1/files', 'thing', 'file'],
    ['GET /containers/cntr_1/files/cfile_1', 'thing', 'file'],
    ['GET /containers/cntr_1/files/cfile_1/content', 'nothing'],
    ['GET /files', 'list', 'file'],
    ['GET /files/file-1/content', 'nothing'],
    ['GET /conversations/conv_1/items', 'history', 'thing'],
    ['POST /conversations', 'thing', 'conversation'],
    ['POST /chat/completions', 'completion', 'thing'],
    ['GET /chat/completions', 'list', 'thing'],
    ['HEAD /chat/completions', 'list', 'thing'],
    ['GET /models', 'nothing'],
    ['GET /vector_stores', 'list', 'thing'],
    ['POST /fine_tuning/jobs', 'thing', 'thing'],
    ['GET /vector_stores/vs_1/files', 'rows', 'file'],
    ['POST /threads/runs', 'answer', 'thing'],
    ['GET /threads/thread_1/messages', 'answer', 'thing'],
    ['POST /uploads/upload_1/complete', 'thing', 'thing'],
    ['POST /files/import', 'thing', 'file'],
  ]
  it.each(kinds)('reads that the answer to %s contains %s', (request, answerKind, kind) => {
    const [method = '', path = ''] = request.split(' ')
    const operation = operationOf(method, path)
    expect(operation.answerKind).toBe(answerKind)
    if (kind !== undefined) expect(operation.kind).toBe(kind)
  })
})

describe('the ids in a path', () => {
  it('are found in any spelling of the path', () => {
    const names = (path: string) => namesInPath(operationOf('GET', path))
    expect(names('/containers/cntr%5F1/Files/cfile_2/content')).toMatchObject({
      container: ['cntr_1'],
      file: ['cfile_2'],
    })
    expect(namesInPath(operationOf('POST', '/responses/compact')).response).toEqual([])
    expect(names('/models/gpt-4.1').thing).toEqual([])
    expect(names('/vector_stores/vs_1/files/file-1')).toMatchObject({
      thing: ['vs_1'],
      file: ['file-1'],
    })
    expect(() => names('/containers/cntr%255f1')).toThrow('container id')
  })
})

describe('wasNeverSent', () => {
  it('recognises a refused connection on every runtime, and no other failure', () => {
    const failed = (cause: unknown) => new TypeError('fetch failed', { cause })
    expect(wasNeverSent(failed({ code: 'ECONNREFUSED' }))).toBe(true)
    expect(wasNeverSent({ code: 'ConnectionRefused' })).toBe(true)
    expect(
      wasNeverSent(failed(new Error('tcp connect error: Connection refused (os error 111)'))),
    ).toBe(true)
    expect(wasNeverSent(failed({ code: 'ECONNRESET' }))).toBe(false)
    expect(wasNeverSent(new Error('other side closed'))).toBe(false)
    expect(wasNeverSent(undefined)).toBe(false)
  })
})
