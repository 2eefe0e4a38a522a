/**
 * Balances requests that any upstream can serve, by load, weight and recent failures.
 *
 * The upstream with the fewest requests in flight for its weight comes first. Ties are broken by smooth weighted round
 * robin. A circuit breaker keeps requests away from an upstream for ten seconds after five failures in a row; then one
 * request tries it.
 *
 * @module
 */

/** The parts of an upstream that the balance uses. */
interface Member {
  readonly name: string
  /** Share of the balanced requests, relative to the weights of the others. */
  readonly weight: number
}

/** Load and health of the upstreams, as this process sees them. */
export interface Balance {
  /** Sorts upstreams for a request: those that cool down last, then by requests in flight divided by weight. */
  order<M extends Member>(members: readonly M[]): M[]
  /** Counts a request as in flight. */
  begin(member: Member): InFlight
  /** Whether an upstream has just failed {@link mostFailures} times in a row and gets no requests for a while. */
  isCoolingDown(member: Member): boolean
}

/** A request in flight. */
export interface InFlight {
  /** Records whether the upstream answered without a failure of its own. */
  setHealth(isHealthy: boolean): void
  /** Ends the request, after its last byte. Further calls have no effect. */
  end(): void
}

interface State {
  inFlight: number
  /** Credit of the smooth weighted round robin. */
  credit: number
  failures: number
  /** Unix second; 0 when it is healthy. */
  cooldownUntil: number
}

const mostFailures = 5
const cooldownSeconds = 10

/**
 * Creates the balance, with all upstreams idle and healthy.
 *
 * @param now unix seconds
 */
export function createBalance(now: () => number): Balance {
  const states = new Map<string, State>()
  const stateOf = ({ name }: Member): State => {
    const known = states.get(name) ?? { inFlight: 0, credit: 0, failures: 0, cooldownUntil: 0 }
    states.set(name, known)
    return known
  }
  const isCoolingDown = (member: Member): boolean => stateOf(member).cooldownUntil > now()

  return {
    isCoolingDown,
    order(members) {
      const ranked = members.map((member) => {
        const state = stateOf(member)
        const load = state.inFlight / member.weight
        return { member, state, load, coolsDown: isCoolingDown(member) }
      })
      ranked.sort(
        (a, b) =>
          Number(a.coolsDown) - Number(b.coolsDown) ||
          a.load - b.load ||
          b.state.credit - a.state.credit,
      )
      const [first] = ranked
      // Smooth weighted round robin among equals: each gains its weight, and the first pays the sum of the weights.
      const equals = ranked.filter(
        ({ load, coolsDown }) => load === first?.load && coolsDown === first.coolsDown,
      )
      for (const { member, state } of equals) {
        state.credit += member.weight
        if (first !== undefined) first.state.credit -= member.weight
      }
      return ranked.map(({ member }) => member)
    },
    begin(member) {
      const state = stateOf(member)
      let isUnderWay = true
      state.inFlight += 1
      // The first request after a cooldown is a trial. The cooldown continues for all others until the trial succeeds.
      if (state.cooldownUntil > 0 && !isCoolingDown(member))
        state.cooldownUntil = now() + cooldownSeconds
      return {
        setHealth(isHealthy) {
          state.failures = isHealthy ? 0 : state.failures + 1
          if (isHealthy) state.cooldownUntil = 0
          else if (state.failures >= mostFailures) state.cooldownUntil = now() + cooldownSeconds
        },
        end() {
          if (isUnderWay) state.inFlight -= 1
          isUnderWay = false
        },
      }
    },
  }
}
