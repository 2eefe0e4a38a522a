/**
 * The door of `cfile/emulator`: Azure's endpoints imitated, for other people's tests.
 *
 * @example
 * const emulator = createEmulator()
 * const answer = await emulator.request('/openai/v1/responses', { method: 'POST', body })
 * @module
 */

export { createEmulator, type EmulatorOptions } from './emulator/emulator.ts'
