/** The whole gateway as it is served, its callers known by keys. */

import { serve } from '../../src/node.ts'

await serve(process.env)
