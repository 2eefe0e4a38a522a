declare const __LONG__: boolean

/** Rounds of a property test: `short` in `npm test`, `long` in `npm run test:long`. */
export function rounds(short: number, long: number = short * 50): number {
  return __LONG__ ? long : short
}
