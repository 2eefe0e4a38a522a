/**
 * The HTTP suite: what each runtime must do, in words of what a user would lose.
 */

import { answers } from './answers.ts'
import { callers } from './callers.ts'
import { downloads } from './downloads.ts'
import { pages } from './pages.ts'
import type { Row } from './world.ts'

export const suite: readonly Row[] = [...downloads, ...answers, ...callers, ...pages]
