/**
 * The interface of stores. `memory.ts` is the reference; `test/stores/contract.ts` tests every engine.
 *
 * @module
 */

/** Any value that JSON can represent. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** Options for writing a value. */
export interface PutOptions {
  /** Lifetime in seconds. @default unlimited */
  readonly ttl?: number
  /** Writes only if the key has no value. Instances use it to claim a task. */
  readonly ifAbsent?: boolean
}

/** Options for one page of {@link Store.list}. */
export interface ListOptions {
  /** The last key of the previous page. */
  readonly after?: string
  /** Entries per page, 1 to 1000. @default 100 */
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
  /** Resolves to whether the value was written: `false` only with `ifAbsent`, if the key had a value. */
  put(key: string, value: Json, options?: PutOptions): Promise<boolean>
  delete(key: string): Promise<void>
  /** The entries whose key starts with the prefix, in the order of their keys. */
  list(prefix: string, options?: ListOptions): Promise<readonly StoreEntry[]>
}
