/**
 * What cfile remembers, behind four methods. `memory.ts` is the reference; `test/stores/contract.ts` is the judge of
 * every engine.
 *
 * @module
 */

/** Any value that survives JSON. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** How a value is written. */
export interface PutOptions {
  /** Seconds until the value is gone; without it, it stays. */
  readonly ttl?: number
  /** Write only where there is no value yet: the way to claim something among several instances. */
  readonly ifAbsent?: boolean
}

/** One page of a {@link Store.list}. */
export interface ListOptions {
  /** The last key of the page before. */
  readonly after?: string
  /** Entries a page, 1 to 1000. @default 100 */
  readonly limit?: number
}

/** A key and its value. */
export interface StoreEntry {
  readonly key: string
  readonly value: Json
}

/** A map from keys (up to 400 bytes of ASCII) to JSON values with lifetimes. */
export interface Store {
  get(key: string): Promise<Json | undefined>
  /** Resolves to whether the value was written: `false` only with `ifAbsent`, where there was one already. */
  put(key: string, value: Json, options?: PutOptions): Promise<boolean>
  delete(key: string): Promise<void>
  /** The entries whose key starts with the prefix, in the order of their keys. */
  list(prefix: string, options?: ListOptions): Promise<readonly StoreEntry[]>
}
