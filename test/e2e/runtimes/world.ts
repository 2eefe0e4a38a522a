/**
 * What the HTTP suite knows: a gateway by its URL, and the Azure behind it.
 */

import { expect } from 'vitest'
import { patient } from '../../lib/child.ts'
import { type CitedFile, citedFiles, json, responseRequest } from '../../lib/harness.ts'
import type { Azure } from '../azure.ts'
import type { Runtime } from './doors.ts'

/** One test of the suite. */
export interface Row {
  readonly title: string
  /** Runtimes that fail it, each with the reason. The run expects them to fail. */
  readonly gaps?: Partial<Readonly<Record<Runtime, string>>>
  run(world: World): Promise<unknown>
}

export type Caller = 'ann' | 'bob' | 'admin' | 'nobody'

/** An answer of the model, and the file that was asked for. */
export interface Answered {
  readonly id: string
  /** The body as it came. */
  readonly text: string
  readonly file: CitedFile
  readonly link: string
}

export interface World {
  readonly url: string
  readonly azure: Azure
  /** Sends a request to a path or link; as ann, unless somebody else is named. */
  ask(path: string, init?: RequestInit, caller?: Caller): Promise<Response>
  /** Has ann ask the model for a file. */
  answer(prompt?: string, more?: object): Promise<Answered>
  /** Resolves when the archive has a file. */
  copied(file: CitedFile): Promise<void>
}

export const keys = {
  ann: 'a-key-of-ann-for-tests',
  bob: 'a-key-of-bob-for-tests',
  admin: 'a-key-of-an-admin',
} as const

export const page = 'https://app.example'
export const webhookKey: Uint8Array<ArrayBuffer> = new Uint8Array(32).fill(7)
export const mostBodyBytes = 1_000_000

/** The settings of every gateway under test. */
export const settings: Readonly<Record<string, string>> = {
  CFILE_API_KEYS: `ann:${keys.ann},bob:${keys.bob},*:${keys.admin}`,
  CFILE_SIGNING_KEYS: `one:${'k'.repeat(40)}`,
  CFILE_LINKS: 'rewrite',
  CFILE_HEAL: '1',
  CFILE_CORS_ORIGINS: page,
  CFILE_WEBHOOK_SECRETS: `whsec_${btoa(String.fromCharCode(...webhookKey))}`,
  CFILE_MAX_BODY_BYTES: String(mostBodyBytes),
  LOG_LEVEL: 'silent',
}

export function createWorld(url: string, azure: Azure): World {
  const ask: World['ask'] = (path, init = {}, caller = 'ann') => {
    const headers = new Headers(init.headers)
    if (caller !== 'nobody') headers.set('authorization', `Bearer ${keys[caller]}`)
    return fetch(new URL(path, url), { redirect: 'manual', ...init, headers })
  }
  return {
    url,
    azure,
    ask,
    async answer(prompt = 'Save a CSV', more = {}) {
      const answer = await ask('/openai/v1/responses', json(responseRequest(prompt, more)))
      const text = await answer.text()
      expect(answer.status, text).toBe(200)
      const body = JSON.parse(text)
      const file = citedFiles(body).at(-1) as (CitedFile & { download_url: string }) | undefined
      if (file === undefined) throw new Error(`nothing was cited: ${text}`)
      return { id: body.id, text, file, link: file.download_url }
    },
    async copied({ file_id }) {
      const digest = async () =>
        (await ask(`/files/${file_id}`, { method: 'HEAD' })).headers.get('repr-digest')
      await expect.poll(digest, patient).toMatch(/^sha-256=/)
    },
  }
}

/** The body of an error, and its status. */
export async function refused(answer: Response): Promise<[number, string]> {
  const { error } = (await answer.json()) as { error: { code: string } }
  return [answer.status, error.code]
}

export async function bytesOf(answer: Response): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await answer.arrayBuffer())
}
