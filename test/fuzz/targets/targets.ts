/**
 * What the fuzzer calls: each target parses bytes, and throws if the result breaks a promise.
 */

import { answerTargets } from './answers.ts'
import type { Targets } from './lib.ts'
import { requestTargets } from './requests.ts'
import { settingTargets } from './settings.ts'

export const targets: Targets = { ...answerTargets, ...requestTargets, ...settingTargets }
