declare const __LONG__: boolean

/** How many rounds a property test runs: `short` in `npm test`, fifty times as many in `npm run test:long`. */
export function rounds(short: number): number {
  return __LONG__ ? short * 50 : short
}
