/**
 * In which form an operation takes its body.
 *
 * @module
 */

import { pathSegments } from '../api-operations.ts'

// Collections that take uploads, or pictures and sound.
const uploading = new Set(
  'files containers uploads audio images videos skills realtime content_provenance_checks'.split(
    ' ',
  ),
)

// They take sound or a picture, and name nothing.
const nameless = /^(?:audio\/(?:transcriptions|translations)|images\/variations)$/

/** What a body may be besides JSON. */
export interface BodyTypes {
  /** A form. */
  readonly form: boolean
  /** Whatever has this content type. */
  any(contentType: string): boolean
}

/** Tells it from a path below `/v1`, or below `/openai` where it begins with a deployment. */
export function bodyTypesOf(path: string): BodyTypes {
  const segments = pathSegments(path)
  const [first = '', ...more] = segments[0] === 'deployments' ? segments.slice(2) : segments
  const operation = [first, ...more].join('/')
  return {
    form: uploading.has(first),
    any: (contentType) =>
      nameless.test(operation) ||
      // A session description (RFC 8866), which holds no ids of ours.
      (operation === 'realtime/calls' && /^application\/sdp *$/i.test(contentType)),
  }
}
