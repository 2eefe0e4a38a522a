/**
 * Entry point `cfile/emulator`: an emulator of Azure's endpoints for tests.
 *
 * @example
 * const emulator = createEmulator()
 * const answer = await emulator.request('/openai/v1/responses', { method: 'POST', body })
 * @module
 */

export { createEmulator, type EmulatorOptions } from './emulator/emulator.ts'
