/**
 * The `sandbox:` links of a text that comes in pieces, found as in the whole text.
 *
 * @module
 */

import { createJsonPrefix } from '../json/prefix.ts'
import { findSandboxLinks, lookBehind, mayHoldLink, type SandboxLink } from './sandbox-links.ts'

/** Finds links in a growing text; their places are those in the whole of it. */
export interface LinkScanner {
  /** Takes the next piece, and gives the links that are decided with it. */
  push(piece: string): readonly SandboxLink[]
  /** The text is whole: gives the links that its end decides. */
  end(): readonly SandboxLink[]
  /** No link goes on or begins in what came so far. */
  settle(): void
  /** From here on a longer text may have a link that was not given yet. */
  open(): number
}

/** Begins a text. */
export function createLinkScanner({ isTail = false }: { readonly isTail?: boolean }): LinkScanner {
  // The text from `offset` on: what is open, and what stands before it as far as that matters.
  let text = ''
  let offset = 0
  let open = 0
  const json = createJsonPrefix()
  let jsonRead = 0

  /** Reads the text up to a place of the window, to know whether it may be JSON. */
  function isInJson(at: number): boolean {
    const piece = text.slice(jsonRead - offset, at)
    jsonRead = offset + at
    return json.read(piece)
  }

  function scan(isGrowing: boolean): readonly SandboxLink[] {
    const found = findSandboxLinks(text, {
      from: open - offset,
      isGrowing,
      isTail: isTail && offset === 0,
      isInJson,
    })
    open = offset + found.open
    return found.links.map(({ start, end, path }) => ({
      start: start + offset,
      end: end + offset,
      path,
    }))
  }

  return {
    push(piece) {
      const isSettled = open === offset + text.length
      text += piece
      const surplus = open - offset - lookBehind
      if (surplus > lookBehind) {
        isInJson(Math.max(surplus, jsonRead - offset))
        text = text.slice(surplus)
        offset += surplus
      }
      if (!isSettled || mayHoldLink(piece)) return scan(true)
      open = offset + text.length
      return []
    },
    end: () => scan(false),
    settle() {
      open = offset + text.length
    },
    open: () => open,
  }
}
