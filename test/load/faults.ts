/**
 * Makes the asynchronous methods of a store or an archive fail now and then, as a network does.
 */

/** Wraps an object: each call of a method rejects, or waits 200 ms, with the given odds (0 to 1). */
export function failSometimes<T extends object>(target: T, odds: number): T {
  return new Proxy(target, {
    get(object, name) {
      const value = Reflect.get(object, name)
      // `list` of an archive is an iterator, which has no promise to reject.
      if (typeof value !== 'function' || name === 'list') return value
      return async (...args: unknown[]) => {
        const lot = Math.random()
        if (lot < odds) throw new Error(`An injected failure of ${String(name)}.`)
        if (lot < 2 * odds) await new Promise((resolve) => setTimeout(resolve, 200))
        return value.apply(object, args)
      }
    },
  })
}
