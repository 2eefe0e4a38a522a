import { defineConfig } from 'vitest/config'
import e2e from '../e2e/vitest.config.ts'

export default defineConfig({
  ...e2e,
  test: { ...e2e.test, name: 'load', include: ['test/load/**/*.test.ts'] },
})
