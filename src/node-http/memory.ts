/**
 * The memory of a Node server.
 *
 * @module
 */

import { setFlagsFromString } from 'node:v8'

/**
 * Keeps V8's young heap at its first size of about 1 MB instead of 16 MB and more. Many slow downloads fill it with buffers
 * that are long gone, and V8 gives the memory back late. The flag holds for the whole process, so a library must not set it.
 */
export function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
