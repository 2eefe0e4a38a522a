/**
 * Headers of Node's messages, which are plain records.
 *
 * @module
 */

import type { IncomingHttpHeaders } from 'node:http'

// The standard headers trim, join or refuse all others.
const plainName = /^[a-z0-9-]+$/i
const plainValue = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/

/**
 * Headers over a plain record with lower-case names. They become standard headers when more is asked than to read or set
 * one: filling and sorting those takes a tenth of the memory of a small download.
 */
export class PlainHeaders extends Headers {
  #plain: IncomingHttpHeaders | undefined

  constructor(plain: IncomingHttpHeaders) {
    super()
    this.#plain = plain
  }

  /** Returns the headers as Node writes them. */
  static plainOf(headers: Headers): IncomingHttpHeaders {
    if (headers instanceof PlainHeaders && headers.#plain !== undefined) return headers.#plain
    const plain: IncomingHttpHeaders = Object.fromEntries(headers)
    const cookies = headers.getSetCookie()
    return cookies.length > 0 ? { ...plain, 'set-cookie': cookies } : plain
  }

  override get(name: string): string | null {
    if (this.#plain === undefined) return super.get(name)
    const lower = name.toLowerCase()
    const value = Object.hasOwn(this.#plain, lower) ? this.#plain[lower] : undefined
    return Array.isArray(value) ? value.join(', ') : (value ?? null)
  }
  override has(name: string): boolean {
    return this.get(name) !== null
  }
  override set(name: string, value: string): void {
    if (this.#plain !== undefined && plainName.test(name) && plainValue.test(value)) {
      this.#plain[name.toLowerCase()] = value
    } else {
      this.#fill()
      super.set(name, value)
    }
  }

  /** Fills the standard headers. */
  #fill(): void {
    const plain = this.#plain ?? {}
    this.#plain = undefined
    for (const [name, values = []] of Object.entries(plain)) {
      for (const value of [values].flat()) super.append(name, value)
    }
  }
  override append(name: string, value: string): void {
    this.#fill()
    super.append(name, value)
  }
  override delete(name: string): void {
    this.#fill()
    super.delete(name)
  }
  override getSetCookie(): string[] {
    this.#fill()
    return super.getSetCookie()
  }
  override forEach(...call: Parameters<Headers['forEach']>): void {
    this.#fill()
    super.forEach(...call)
  }
  override keys(): ReturnType<Headers['keys']> {
    this.#fill()
    return super.keys()
  }
  override values(): ReturnType<Headers['values']> {
    this.#fill()
    return super.values()
  }
  override entries(): ReturnType<Headers['entries']> {
    this.#fill()
    return super.entries()
  }
  override [Symbol.iterator](): ReturnType<Headers['entries']> {
    return this.entries()
  }
}
