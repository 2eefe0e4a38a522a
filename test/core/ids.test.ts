import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isCfileError } from '../../src/core/errors.ts'
import {
  idCreatedAt,
  isContainerFileId,
  isContainerId,
  isFileId,
  isId,
  parseContainerId,
  parseFileId,
} from '../../src/core/ids.ts'
import {
  assistantFileId,
  chartId,
  containerId,
  conversationId,
  responseId,
  uploadId,
} from '../fixtures/ids.ts'
import { rounds } from '../lib/rounds.ts'

/** Characters that could change a URL's path, a header or a log line. */
const hostile = [
  'cfile_a/b',
  'cfile_a/../b',
  'cfile_..',
  'cfile_a%2Fb',
  'cfile_a?b',
  'cfile_a#b',
  'cfile_a b',
  'cfile_a\n',
  '\ncfile_a',
  'cfile_é',
  'cfile_\0',
  ' cfile_a',
]

function thrownBy(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}

describe('parseFileId', () => {
  it('sends each spelling to the API that has the file', () => {
    for (const id of [chartId, 'cfile_68c9ddf5', 'cfile-68c9ddf5']) {
      expect(parseFileId(id)).toEqual({ id, kind: 'container_file' })
    }
    for (const id of [
      uploadId,
      assistantFileId,
      'file_a',
      'assistant_a',
      'file-a',
      'assistant-a',
    ]) {
      expect(parseFileId(id)).toEqual({ id, kind: 'file' })
    }
  })

  it('accepts ids of up to 128 characters and no character that could change a URL’s path', () => {
    expect(parseFileId(`cfile_${'a'.repeat(122)}`).id).toHaveLength(128)
    const others = ['cfile_', 'cfile', '', 'file-', 'CFILE_a', 'resp_a', 'xcfile_a', containerId]
    for (const id of [`cfile_${'a'.repeat(123)}`, ...others, ...hostile]) {
      expect(() => parseFileId(id), id).toThrow(/is not a file id; it starts with cfile_/)
    }
  })

  it('describes the fault in one line of visible ASCII that cannot forge a log entry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const error = thrownBy(() => parseFileId(`${text}!`))
        if (!isCfileError(error)) throw new Error('it was taken')
        expect(error).toMatchObject({ code: 'invalid_id', details: { param: 'file_id' } })
        expect(error.message).toMatch(/^[\x20-\x7e…]{0,300}$/)
      }),
      { seed: 1, numRuns: rounds(200) },
    )
  })
})

describe('parseContainerId', () => {
  it('accepts every spelling of a container id and returns it unchanged', () => {
    for (const id of [containerId, 'cntr_a', 'cntr-a', 'container_a', 'container-a']) {
      expect(parseContainerId(id)).toBe(id)
    }
  })

  it('refuses everything else and names the parameter', () => {
    for (const id of [chartId, 'cntr_', 'container', '', ...hostile]) {
      expect(
        thrownBy(() => parseContainerId(id)),
        id,
      ).toMatchObject({
        code: 'invalid_id',
        status: 400,
        details: { param: 'container_id' },
      })
    }
  })
})

describe('isId, isContainerId, isContainerFileId, isFileId', () => {
  it('distinguish the kinds, so that the right API is asked', () => {
    const kinds = [isContainerId, isContainerFileId, isFileId]
    const told = [containerId, chartId, uploadId, assistantFileId, responseId].map((id) =>
      kinds.map((isKind) => isKind(id)),
    )
    expect(told).toEqual([
      [true, false, false],
      [false, true, false],
      [false, false, true],
      [false, false, true],
      [false, false, false],
    ])
  })

  it('accept a response id, a conversation id and any other id of the grammar as an id', () => {
    for (const id of [responseId, conversationId, 'a', '-_', 'a'.repeat(128)]) {
      expect(isId(id), id).toBe(true)
    }
    for (const id of ['', 'a'.repeat(129), ...hostile]) expect(isId(id), id).toBe(false)
  })

  it('refuse values that are not strings, even if they print like an id', () => {
    for (const value of [[chartId], { toString: () => chartId }, null, undefined, 7]) {
      expect([isId, isContainerFileId, isFileId].some((isKind) => isKind(value))).toBe(false)
    }
  })
})

describe('idCreatedAt', () => {
  it('reads the second in which Azure created the id', () => {
    expect(idCreatedAt(containerId)).toBe(0x68b0f001)
    expect(idCreatedAt(chartId)).toBe(0x68b0f011)
  })

  it('returns nothing for an id of another form', () => {
    for (const id of ['cntr_short', `cntr_${'x'.repeat(48)}`, uploadId, assistantFileId, '']) {
      expect(idCreatedAt(id), id).toBeUndefined()
    }
  })
})
