/**
 * Balance: how busy and how well the upstreams are. It decides only where requests go that may go anywhere.
 *
 * @module
 */

/** What must be known of an upstream. */
interface Member {
  readonly name: string
  /** Its share of what may go anywhere, against that of others. */
  readonly weight: number
}

/** What is known of the upstreams' state in this process. */
export interface Balance {
  /** The upstreams in the order in which to try them: those that rest last, else the least busy for its weight first. */
  order<M extends Member>(members: readonly M[]): M[]
  /** Counts a request as under way. */
  begin(member: Member): Turn
  /** Whether an upstream kept failing and is left alone for a while. */
  isResting(member: Member): boolean
}

/** A request under way. */
export interface Turn {
  /** Says how the upstream did. */
  answered(isWell: boolean): void
  /** The last byte has passed. Doing it again changes nothing. */
  end(): void
}

interface State {
  inFlight: number
  /** What it is owed of the requests that any could have taken. */
  credit: number
  failures: number
  /** Unix second; 0: it is well. */
  restsUntil: number
}

const mostFailures = 5
const restSeconds = 10

/** Starts with all upstreams idle and well. */
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
      // Among equals each is owed its weight and the first has been paid: smooth weighted round robin.
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
      // The first request after a rest is the trial; until it has succeeded, the others stay away.
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
