import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../lib/rounds.ts'
import { foreign, hostile, openTarget } from './hostile-bodies.ts'
import { foreignIds, parseLeniently, type Wins } from './lenient-json.ts'

describe('a body in which some parser finds an id of another owner', () => {
  it('is refused, and nothing of it goes upstream', async () => {
    const send = await openTarget()
    let found = 0
    let passed = 0
    await fc.assert(
      fc.asyncProperty(hostile, async (body) => {
        const isFound = (wins: Wins) =>
          foreignIds(parseLeniently(body.bytes, wins), foreign).length > 0
        const { status, isSent } = await send(body)
        if (isSent) passed += 1
        if (!isFound('first') && !isFound('last')) return
        found += 1
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
        expect(isSent).toBe(false)
      }),
      { numRuns: rounds(400, 40_000), seed: rounds(1, Date.now()) },
    )
    // Both cases must occur often enough for the property to mean something.
    expect(found).toBeGreaterThan(20)
    expect(passed).toBeGreaterThan(5)
  })
})
