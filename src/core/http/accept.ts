/**
 * Reads a client's preferences in `Accept` (RFC 9110 §12.5.1).
 *
 * @module
 */

/**
 * Whether a client prefers HTML to JSON, as a browser does when it opens a page. Under the wildcard of curl and fetch
 * both are equal.
 *
 * @param accept value of the header
 */
export function prefersHtml(accept = ''): boolean {
  const ranges = parseRanges(accept)
  return qualityOf(ranges, 'text/html') > qualityOf(ranges, 'application/json')
}

/** Media ranges with their weights from 0 to 1. */
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

/** The weight of a type, by the most specific range that matches. */
function qualityOf(ranges: Ranges, type: string): number {
  const [main] = type.split('/')
  return ranges.get(type) ?? ranges.get(`${main}/*`) ?? ranges.get('*/*') ?? 0
}
