import { serve } from '../../src/deno.ts'

await serve()
