import { describe, it } from 'vitest'
import { openArchived, outliveContainer } from '../archived.ts'

describe('files whose container is gone', () => {
  it('are downloaded in every way there is, as before, from memory', async () => {
    await outliveContainer(openArchived({ linkTtl: 7 * 86_400 }), 2 * 3600)
  })
})
