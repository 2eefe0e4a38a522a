import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formBoundary, watchField } from '../../src/core/form-fields.ts'
import { rounds } from '../rounds.ts'

/** Sends a form through, cut at these places; tells what came out and which values were seen. */
async function through(
  bytes: Uint8Array,
  boundary: string,
  cuts: readonly number[],
  approve: (value: string) => Promise<void> = async () => {},
) {
  const seen: string[] = []
  const places = [0, ...cuts.map((cut) => Math.floor(cut * bytes.length)), bytes.length]
  places.sort((a, b) => a - b)
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const [index, end] of places.slice(1).entries()) {
        if (end > (places[index] ?? 0)) controller.enqueue(bytes.slice(places[index], end))
      }
      controller.close()
    },
  })
  const passed = body.pipeThrough(
    watchField(boundary, 'file_id', async (value) => {
      seen.push(value)
      await approve(value)
    }),
  )
  return { bytes: new Uint8Array(await new Response(passed).arrayBuffer()), seen }
}

async function encode(form: FormData): Promise<{ bytes: Uint8Array; boundary: string }> {
  const request = new Request('http://form.localhost', { method: 'POST', body: form })
  const boundary = formBoundary(request.headers.get('content-type')) ?? ''
  return { bytes: new Uint8Array(await request.arrayBuffer()), boundary }
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 })

describe('watchField', () => {
  it('passes every byte and sees the field, wherever it stands and however the form is cut', async () => {
    const field = fc.constantFrom<[string, string | File]>(
      ['file_id', 'assistant-1'],
      ['purpose', 'assistants'],
      ['file', new File(['\r\n--x\r\n\r\nname="file_id"\r\n\r\nno'], 'my_file_id.csv')],
      ['file', new File([new Uint8Array(3000)], 'b.bin')],
    )
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 5 }), cuts, async (fields, places) => {
        const form = new FormData()
        for (const [name, value] of fields) form.append(name, value)
        const { bytes, boundary } = await encode(form)
        const passed = await through(bytes, boundary, places)
        expect(passed.bytes).toEqual(bytes)
        expect(passed.seen).toEqual(form.getAll('file_id'))
      }),
      { numRuns: rounds(60) },
    )
  })

  it('lets no form end whose field was refused', async () => {
    const form = new FormData()
    form.set('file_id', 'foreign')
    const { bytes, boundary } = await encode(form)
    const refuse = async () => {
      throw new Error('not yours')
    }
    await expect(through(bytes, boundary, [0.2, 0.9], refuse)).rejects.toThrow('not yours')
  })

  it.each([
    ['Content-Disposition: form-data; name=file_id', '\r\n'],
    ['content-disposition:form-data;NAME="FILE_ID"', '\r\n'],
    ["Content-Disposition: form-data; name*=utf-8''file%5Fid", '\r\n'],
    ['X: y\nContent-Disposition: form-data; name="file_id"; filename="a"', '\n'],
  ])('sees through another spelling: %s', async (head, end) => {
    const text = `--b${end}${head}${end}${end}the-id${end}--b--${end}`
    expect((await through(new TextEncoder().encode(text), 'b', [0.5])).seen).toEqual(['the-id'])
  })

  it('holds no more than a head of a form', async () => {
    const text = `--b\r\n${'x'.repeat(20_000)}`
    await expect(through(new TextEncoder().encode(text), 'b', [])).rejects.toThrow('too long')
  })
})
