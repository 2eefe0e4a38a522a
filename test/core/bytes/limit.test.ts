import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cutStream } from '../../../src/core/bytes/limit.ts'
import { rounds } from '../../lib/rounds.ts'

describe('a part cut out of a whole body', () => {
  it('is exactly the bytes of the range, however the body comes', async () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), {
      minLength: 1,
      maxLength: 9,
    })
    const property = fc.asyncProperty(chunks, fc.nat(), fc.nat(), async (pieces, a, b) => {
      const whole = Uint8Array.from(pieces.flatMap((piece) => [...piece]))
      const [start = 0, end = 0] = [a % whole.length, b % whole.length].toSorted((x, y) => x - y)
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece)
          controller.close()
        },
      }).pipeThrough(cutStream({ start, end }))
      expect(new Uint8Array(await new Response(body).arrayBuffer())).toEqual(
        whole.slice(start, end + 1),
      )
    })
    await fc.assert(property, { seed: 1, numRuns: rounds(50) })
  })
})
