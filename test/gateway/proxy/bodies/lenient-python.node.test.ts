import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { rounds } from '../../../lib/rounds.ts'
import { foreign, hostile, openTarget } from './hostile-bodies.ts'
import { foreignIds } from './lenient-json.ts'

// Python's parser accepts NaN, UTF-16, UTF-32 and, with strict=False, control characters. The last of equal keys counts.
const program = `
import base64, json, sys
for line in sys.stdin:
    try:
        value = json.loads(base64.b64decode(line), strict=False, parse_constant=str)
        print(json.dumps(value), flush=True)
    except Exception:
        print("null", flush=True)
`

/** Starts Python. Returns what it parses from some bytes; `null` when they are not JSON to it. */
function startPython(): (bytes: Uint8Array) => Promise<unknown> {
  const child = spawn('python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return async (bytes) => {
    child.stdin.write(`${Buffer.from(bytes).toString('base64')}\n`)
    const { value } = await lines.next()
    return JSON.parse(String(value))
  }
}

const hasPython = spawnSync('python3', ['--version']).status === 0

describe('a body in which Python finds an id of another owner', () => {
  it.skipIf(!hasPython)('is refused, and nothing of it goes upstream', async () => {
    const [send, read] = [await openTarget(), startPython()]
    let found = 0
    await fc.assert(
      fc.asyncProperty(hostile, async (body) => {
        if (foreignIds(await read(body.bytes), foreign).length === 0) return
        found += 1
        const { status, isSent } = await send(body)
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
        expect(isSent).toBe(false)
      }),
      { numRuns: rounds(200, 40_000), seed: rounds(1, Date.now()) },
    )
    expect(found).toBeGreaterThan(10)
  })
})
