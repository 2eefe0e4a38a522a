/**
 * What a client would rather have (RFC 9110 §12.5.1, `Accept`).
 *
 * @module
 */

/**
 * Whether HTML is wanted more than JSON, as by a browser that opens a page. The wildcard of curl and fetch wants both alike.
 *
 * @param accept the header as it came
 */
export function prefersHtml(accept = ''): boolean {
  const ranges = parseRanges(accept)
  return qualityOf(ranges, 'text/html') > qualityOf(ranges, 'application/json')
}

/** Media ranges and their weights from 0 to 1. */
type Ranges = ReadonlyMap<string, number>

function parseRanges(accept: string): Ranges {
  return new Map(
    accept.split(',').map((range): [string, number] => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
      return [type, weight === undefined ? 1 : Number(weight) || 0]
    }),
  )
}

/** The most specific range that matches decides. */
function qualityOf(ranges: Ranges, type: string): number {
  const [main] = type.split('/')
  return ranges.get(type) ?? ranges.get(`${main}/*`) ?? ranges.get('*/*') ?? 0
}
