/**
 * Describes the files of a container: each with its link for `GET /containers/{container_id}/files`, and with kind,
 * preview and inline link for its HTML page.
 *
 * @module
 */

import { findOriginals, nameInPath } from '../../core/api/container-files.ts'
import { contentTypeOf, isInlineType } from '../../core/http/content-type.ts'
import { startDeadline, untilAborted } from '../../core/time.ts'
import { listCopies } from '../archive/find.ts'
import { openSource } from '../files/source.ts'
import type { Caller, Gateway } from '../gateway.ts'
import { createLinker } from '../links.ts'
import { displayName } from '../upstreams/file.ts'
import type { FileLocation } from '../upstreams/location.ts'
import { type ContainerListing, type ListQuery, locationOf, recordFiles } from './listing.ts'

/** A file of a container in our own API. */
interface PresentedFile {
  readonly container_id: string
  readonly file_id: string
  readonly filename: string
  /** Full path in the container: `/mnt/data/…`. */
  readonly path: string
  readonly bytes: number | null
  /** Unix seconds, as `expires_at`. */
  readonly created_at: number
  /** `assistant`: written by code. `user`: an input file. */
  readonly source: string
  /** On an automatic copy of a plot that code also saved: id of the saved file. */
  readonly duplicate_of?: string
  readonly download_url: string
  readonly expires_at: number
  /** Whether the archive has a copy, which outlives the container. */
  readonly archived: boolean
}

/**
 * Describes the files of a listing and records them for their owner, so that each can be downloaded by its id alone.
 *
 * @param query the container, and the expiry of the link that was followed
 */
export async function describeListing(
  gateway: Gateway,
  caller: Caller,
  query: ListQuery,
  listing: ContainerListing,
): Promise<PresentedFile[]> {
  const { containerId, until } = query
  const records = await recordFiles(gateway, query, listing)
  const owner = listing.holder ?? caller
  const linker = createLinker(gateway, owner, listing.upstream.name, { until })
  const originals = findOriginals(listing.files)
  const copies =
    listing.holder === undefined ? [] : await listCopies(gateway, listing.holder, containerId)
  const archived = new Set(copies.map(({ id }) => id))
  return Promise.all(
    listing.files.map(async ({ id, path, bytes, created_at, source }) => {
      const filename = displayName(records.get(id)?.filename, nameInPath(path)) ?? id
      const duplicate_of = originals.get(id)
      const link = await linker.file({ container_id: containerId, file_id: id, filename })
      return {
        container_id: containerId,
        file_id: id,
        filename,
        path,
        bytes: bytes ?? null,
        created_at,
        source,
        ...(duplicate_of === undefined ? {} : { duplicate_of }),
        ...link,
        archived: archived.has(id),
      }
    }),
  )
}

/** The beginning of a text file. */
export interface TextStart {
  readonly text: string
  /** Whether it is the whole file. */
  readonly isWhole: boolean
}

/** A file as the page shows it. */
export interface PreviewedFile extends PresentedFile {
  readonly kind: FileKind
  /** Link that displays the file inline; absent for types that must not be displayed. */
  readonly view_url?: string
  /** Absent for other files, after the first {@link mostTexts} texts, and when it could not be read in time. */
  readonly start?: TextStart
}

/** Kind of a file, in words of the page. */
type FileKind =
  | 'Picture'
  | 'Table'
  | 'Spreadsheet'
  | 'Text'
  | 'Code'
  | 'Data'
  | 'Document'
  | 'Archive'
  | 'File'

const endings: readonly (readonly [FileKind, RegExp])[] = [
  ['Picture', /^(?:png|jpe?g|gif|webp|avif|bmp|tiff?)$/],
  ['Table', /^[ct]sv$/],
  ['Spreadsheet', /^(?:xlsx?|xlsm|ods)$/],
  ['Text', /^(?:txt|log|md|tex|srt)$/],
  ['Code', /^(?:py|[cm]?[jt]s|sql|r|sh|css|html?|svg|ipynb)$/],
  ['Data', /^(?:json|jsonl|geojson|ya?ml|xml|toml|ini)$/],
  ['Document', /^(?:pdf|docx?|pptx?|odt|rtf)$/],
  ['Archive', /^(?:zip|t?gz|tar|7z)$/],
]
const texts: ReadonlySet<FileKind> = new Set(['Table', 'Text', 'Code', 'Data'])

/** Returns the kind of a file by the extension of its name. */
function kindOf(filename: string): FileKind {
  const ending = /\.(\w+)$/.exec(filename)?.[1]?.toLowerCase() ?? ''
  return endings.find(([, pattern]) => pattern.test(ending))?.[0] ?? 'File'
}

/**
 * Describes what code wrote, without the automatic copies of pictures that were saved too.
 *
 * @param query with HEAD no file is read
 */
export async function previewListing(
  gateway: Gateway,
  caller: Caller,
  query: ListQuery & { readonly method: 'GET' | 'HEAD' },
  listing: ContainerListing,
): Promise<PreviewedFile[]> {
  const described = await describeListing(gateway, caller, query, listing)
  const files = described
    .filter(({ source, duplicate_of }) => source === 'assistant' && duplicate_of === undefined)
    .map((file) => ({ ...file, kind: kindOf(file.filename) }))
  const inline = { disposition: 'inline', until: query.until } as const
  const owner = listing.holder ?? caller
  const linker = createLinker(gateway, owner, listing.upstream.name, inline)
  const starts =
    query.method === 'HEAD' ? new Map() : await readStarts(gateway, query, listing, files)
  return Promise.all(
    files.map(async (file) => {
      const start = starts.get(file.file_id)
      if (!isInlineType(contentTypeOf(file.filename))) return { ...file, start }
      return { ...file, start, view_url: (await linker.file(file)).download_url }
    }),
  )
}

/** Largest number of texts whose beginning is read. */
const mostTexts = 16
const mostBytes = 32 * 1024
// A Worker may have six connections. Two stay free for the rest of the request.
const mostAtOnce = 4
// Time limit for all previews of a page together.
const timeoutMs = 3000

/** Reads the beginnings of the newest texts, by file id. It never fails: a page without previews is still useful. */
async function readStarts(
  gateway: Gateway,
  { containerId, signal: caller }: ListQuery,
  listing: ContainerListing,
  files: readonly (PresentedFile & { readonly kind: FileKind })[],
): Promise<ReadonlyMap<string, TextStart>> {
  const starts = new Map<string, TextStart>()
  const { signal, clear } = startDeadline(gateway.runtime.wait, timeoutMs, caller)
  // The readers take the files from one iterator.
  const rest = files
    .filter(({ kind }) => texts.has(kind))
    .slice(0, mostTexts)
    .values()
  const readOn = async (): Promise<void> => {
    for (const { file_id: id, ...file } of rest) {
      const location = locationOf(containerId, listing, { id, ...file })
      const start = await untilAborted(readStart(gateway, location, signal), signal).catch(
        (error) => gateway.log('debug', 'A file could not be previewed.', { cause: String(error) }),
      )
      if (start) starts.set(id, start)
    }
  }
  await Promise.all(Array.from({ length: mostAtOnce }, readOn))
  clear()
  return starts
}

/** Reads the beginning of a file. `undefined` if it is not text. */
async function readStart(
  gateway: Gateway,
  location: FileLocation,
  signal: AbortSignal,
): Promise<TextStart | undefined> {
  signal.throwIfAborted()
  const size = location.record?.bytes
  if (size === 0) return { text: '', isWhole: true }
  const range = size === undefined ? undefined : { start: 0, end: Math.min(size, mostBytes) - 1 }
  const source = await openSource(gateway, location, { signal })
  const bytes = (await source.open(range)).read(range)
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  try {
    for (let piece = await bytes.read(); piece !== undefined; piece = await bytes.read()) {
      text += decoder.decode(piece.subarray(0, mostBytes - length), { stream: true })
      length += piece.byteLength
      if (length >= mostBytes) break
    }
  } finally {
    await bytes.cancel().catch(() => {})
  }
  if (text.includes('\0')) return undefined
  return { text, isWhole: size === undefined ? length < mostBytes : size <= mostBytes }
}
