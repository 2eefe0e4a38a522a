/**
 * Balances requests that any upstream can serve, by load, weight and recent failures.
 *
 * The upstream with the fewest requests in flight for its weight comes first. Ties are broken by smooth weighted round
 * robin. After five failures in a row an upstream rests for ten seconds; then one request tries it.
 *
 * @module
 */

/** The parts of an upstream that matter here. */
interface Member {
  readonly name: string
  /** Share of the balanced requests, relative to the weights of the others. */
  readonly weight: number
}

/** Load and health of the upstreams, as this process sees them. */
export interface Balance {
  /** Sorts upstreams for a request: resting ones last, then by requests in flight divided by weight. */
  order<M extends Member>(members: readonly M[]): M[]
  /** Counts a request as in flight. */
  begin(member: Member): Turn
  /** Whether an upstream has failed {@link mostFailures} times in a row and gets no requests for a while. */
  isResting(member: Member): boolean
}

/** A request in flight. */
export interface Turn {
  /** Records whether the upstream answered without a failure of its own. */
  answered(isWell: boolean): void
  /** Ends the request, after its last byte. Further calls have no effect. */
  end(): void
}

interface State {
  inFlight: number
  /** Credit of the smooth weighted round robin. */
  credit: number
  failures: number
  /** Unix second; 0 when it is healthy. */
  restsUntil: number
}

const mostFailures = 5
const restSeconds = 10

/**
 * Creates the balance, with all upstreams idle and healthy.
 *
 * @param now unix seconds
 */
export function createBalance(now: () => number): Balance {
  const states = new Map<string, State>()
  const stateOf = ({ name }: Member): State => {
    const known = states.get(name) ?? { inFlight: 0, credit: 0, failures: 0, restsUntil: 0 }
    states.set(name, known)
    return known
  }
  const isResting = (member: Member): boolean => stateOf(member).restsUntil > now()

  return {
    isResting,
    order(members) {
      const ranked = members.map((member) => {
        const state = stateOf(member)

        return { member, state, load: state.inFlight / member.weight, rests: isResting(member) }
      })
      ranked.sort(
        (a, b) =>
          Number(a.rests) - Number(b.rests) || a.load - b.load || b.state.credit - a.state.credit,
      )
      const [first] = ranked
      // Smooth weighted round robin among equals: each gains its weight, and the first pays the sum of the weights.
      const equals = ranked.filter(
        ({ load, rests }) => load === first?.load && rests === first.rests,
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
      // The first request after a rest is a trial; the rest continues for all others until it has succeeded.
      if (state.restsUntil > 0 && !isResting(member)) state.restsUntil = now() + restSeconds
      return {
        answered(isWell) {
          state.failures = isWell ? 0 : state.failures + 1
          if (isWell) state.restsUntil = 0
          else if (state.failures >= mostFailures) state.restsUntil = now() + restSeconds
        },
        end() {
          if (isUnderWay) state.inFlight -= 1
          isUnderWay = false
        },
      }
    },
  }
}
