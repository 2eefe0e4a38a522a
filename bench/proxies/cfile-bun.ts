import { serve } from '../../src/bun.ts'

await serve()
