import { env } from 'cloudflare:workers'
import { kvStore } from '../../src/stores/cloudflare-kv.ts'
import { testClock } from './clock.ts'
import { storeContract } from './contract.ts'

storeContract('Cloudflare KV in workerd', async () => {
  const { now, advance } = testClock()
  return { store: kvStore({ namespace: env.FILES_KV, now }), advance }
})
