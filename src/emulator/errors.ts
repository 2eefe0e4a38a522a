/**
 * Azure's error answers, in the forms seen on the wire.
 *
 * @module
 */

import { json } from './json.ts'

/** An error that a route throws; the emulator answers with its response. */
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

/** An error in the envelope of the OpenAI API. */
export function invalidRequest(
  status: number,
  message: string,
  param: string | null = null,
  code: string | null = null,
): Refusal {
  return new Refusal(status, { error: { message, type: 'invalid_request_error', param, code } })
}

/** An error in Azure's own envelope, which has no type and no param. */
export function azureRefusal(
  status: number,
  code: string,
  message: string,
  headers?: Readonly<Record<string, string>>,
): Refusal {
  return new Refusal(status, { error: { code, message } }, headers)
}

/** The error for a missing parameter. */
export function missingParameter(param: string): Refusal {
  const message = `Missing required parameter: '${param}'.`
  return invalidRequest(400, message, param, 'missing_required_parameter')
}

/** The error for an unknown container, response or conversation. */
export function notFound(what: string, id: string): Refusal {
  return invalidRequest(404, `${what} with id '${id}' not found.`)
}

/** The error for a file id that is not in the container. */
export function fileNotFound(containerId: string, fileId: string): Refusal {
  return invalidRequest(404, `File ${fileId} not found on container ${containerId}.`)
}

/** The Files API's error for an id that is not its own. */
export function entityNotFound(): Refusal {
  return azureRefusal(404, 'notFound', 'The specified entity cannot be found.')
}

/** API Management's error for an unknown path. */
export function resourceNotFound(): Refusal {
  return azureRefusal(404, '404', 'Resource not found')
}

/** The error for running code in an expired container. */
export function containerExpired(): Refusal {
  return invalidRequest(400, 'Container is expired.')
}

/** The error for a wrong or missing key. */
export function invalidKey(): Refusal {
  return azureRefusal(
    401,
    '401',
    'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource.',
  )
}
