/**
 * Azure's refusals, in the shapes that were seen on the wire.
 *
 * @module
 */

import { json } from './json.ts'

/** A refusal that a route throws and the emulator answers with. */
export class Refusal extends Error {
  readonly status: number
  readonly body: object
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, body: object, headers: Readonly<Record<string, string>> = {}) {
    super(`refused with ${status}`)
    this.status = status
    this.body = body
    this.headers = headers
  }

  toResponse(): Response {
    return json(this.body, this.status, this.headers)
  }
}

/** The envelope of the OpenAI API. */
export function invalidRequest(
  status: number,
  message: string,
  param: string | null = null,
  code: string | null = null,
): Refusal {
  return new Refusal(status, { error: { message, type: 'invalid_request_error', param, code } })
}

/** Azure's own envelope, which has no type and no param. */
export function azureRefusal(
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Refusal {
  return new Refusal(status, { error: { code, message } }, headers)
}

/** A parameter that a request lacks. */
export function missingParameter(param: string): Refusal {
  const message = `Missing required parameter: '${param}'.`
  return invalidRequest(400, message, param, 'missing_required_parameter')
}

/** A container, a response, a conversation. */
export function notFound(what: string, id: string): Refusal {
  return invalidRequest(404, `${what} with id '${id}' not found.`)
}

/** A file id that the container does not hold. */
export function fileNotFound(containerId: string, fileId: string): Refusal {
  return invalidRequest(404, `File ${fileId} not found on container ${containerId}.`)
}

/** What the Files API says of an id that is not its own. */
export function entityNotFound(): Refusal {
  return azureRefusal(404, 'notFound', 'The specified entity cannot be found.')
}

/** What API Management says of a path that it does not route. */
export function resourceNotFound(): Refusal {
  return azureRefusal(404, '404', 'Resource not found')
}

/** What running code in an expired container answers. */
export function containerExpired(): Refusal {
  return invalidRequest(400, 'Container is expired.')
}

/** What a wrong or missing key answers. */
export function invalidKey(): Refusal {
  return azureRefusal(
    401,
    '401',
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
  )
}
