/**
 * Limits how many bytes several tasks use together.
 *
 * @module
 */

/** A shared number of bytes. */
export interface Budget {
  /**
   * Takes bytes as soon as enough are free, in the order of the calls. A request above the total takes the total.
   *
   * @returns a function that gives the bytes back
   * @throws the signal's reason
   */
  take(bytes: number, signal?: AbortSignal): Promise<() => void>
}

interface Waiting {
  readonly bytes: number
  readonly start: () => void
}

/**
 * Creates a budget.
 *
 * @param total in bytes
 */
export function createBudget(total: number): Budget {
  let free = total
  const queue: Waiting[] = []

  function startNext(): void {
    for (let next = queue[0]; next !== undefined && next.bytes <= free; next = queue[0]) {
      queue.shift()
      free -= next.bytes
      next.start()
    }
  }

  function giveBackOnce(bytes: number): () => void {
    let isTaken = true
    return () => {
      if (isTaken) free += bytes
      isTaken = false
      startNext()
    }
  }

  return {
    take(wanted, signal) {
      const bytes = Math.min(wanted, total)
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          queue.splice(queue.indexOf(waiting), 1)
          reject(signal?.reason)
          startNext()
        }
        const waiting: Waiting = {
          bytes,
          start() {
            signal?.removeEventListener('abort', leave)
            resolve(giveBackOnce(bytes))
          },
        }
        if (signal?.aborted) return reject(signal.reason)
        signal?.addEventListener('abort', leave, { once: true })
        queue.push(waiting)
        startNext()
      })
    },
  }
}
