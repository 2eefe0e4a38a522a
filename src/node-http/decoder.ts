/**
 * Decoders of content codings: those of the web's standards, and Brotli and zstd of `node:zlib`.
 *
 * @module
 */

import { Duplex } from 'node:stream'
import * as zlib from 'node:zlib'
import { type CreateDecoder, createWebDecoder, type Decoder } from '../core/http/content-coding.ts'

/** Makes a decoder for any format. */
export const createNodeDecoder: CreateDecoder = (format) => {
  if (format === 'brotli') return toDecoder(zlib.createBrotliDecompress())
  // Node has it since 22.15.
  if (format === 'zstd') return zlib.createZstdDecompress && toDecoder(zlib.createZstdDecompress())
  return createWebDecoder(format)
}

function toDecoder(decompress: Duplex): Decoder {
  return Duplex.toWeb(decompress) as Decoder
}
