/** What the fuzzer found to reach each block of the parsers, run once. */

import { describe, expect, it } from 'vitest'
import { readCorpus, toInput } from './corpus.ts'
import { seeds } from './seeds.ts'
import { targets } from './targets/targets.ts'

describe.each(Object.entries(targets))('the target %s', (name, target) => {
  it('keeps its promises for each input of its corpus', async () => {
    const inputs = [...(seeds[name] ?? []), ...readCorpus(name)]
    expect(inputs.length).toBeGreaterThan(1)
    for (const input of inputs) await target(toInput(input))
  })
})
