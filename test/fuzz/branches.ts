/**
 * Counts the branches of `src/` that run. A look at V8's own coverage takes about a millisecond, so the modules get
 * counters as Node loads them.
 *
 * @module
 */

import { registerHooks } from 'node:module'
import { parseAst } from 'vitest/node'

/** The branches that ran since the last call, each as one number with the magnitude of its count. */
export type TakeBranches = () => number[]

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const name = '$branches'
const mostBranches = 1 << 14
const magnitudes = 33

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

/** Expressions that run only sometimes when the one around them runs. */
function valuesOf(node: Node): readonly unknown[] {
  switch (node.type) {
    case 'ConditionalExpression':
      return [node.consequent, node.alternate]
    case 'LogicalExpression':
      return [node.right]
    case 'ArrowFunctionExpression':
      return node.expression === true ? [node.body] : []
    default:
      return []
  }
}

/** Statements without braces: the `return` of `if (a) return`. */
function bareStatementsOf(node: Node): readonly unknown[] {
  if (!/^(?:If|While|For|ForOf|ForIn)Statement$/.test(node.type)) return []
  const bodies = [node.consequent, node.alternate, node.body].filter(isNode)
  return bodies.filter(({ type }) => type !== 'BlockStatement')
}

/**
 * The text of a module with a counter in each branch.
 *
 * @param next - Gives the number of the next branch.
 */
export function addCounters(source: string, next: () => number): string {
  const insertions: { readonly at: number; readonly text: string }[] = []
  const count = () => `${name}[${next()}]++`
  const insert = (at: number, text: string) => void insertions.push({ at, text })
  const wrapped = new Map<unknown, readonly [before: string, after: string]>()
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) visit(one)
    if (!isNode(node)) return
    for (const value of valuesOf(node)) wrapped.set(value, [`(${count()},`, ')'])
    for (const statement of bareStatementsOf(node)) wrapped.set(statement, [`{${count()};`, '}'])
    const [before, after] = wrapped.get(node) ?? ['', '']
    insert(node.start, before)
    if (node.type === 'BlockStatement') insert(node.start + 1, `${count()};`)
    if (node.type === 'SwitchCase' && Array.isArray(node.consequent)) {
      for (const first of node.consequent.slice(0, 1)) insert(first.start, `${count()};`)
    }
    for (const child of Object.values(node)) visit(child)
    insert(node.end, after)
  }
  visit(parseAst(source, { lang: 'ts' }))
  let done = 0
  const parts = insertions
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => {
      const part = source.slice(done, at) + text
      done = at
      return part
    })
  return parts.join('') + source.slice(done)
}

/** Gives counters to each module of `src/` that is loaded from now on. */
export function watchBranches(): TakeBranches {
  const counts = new Uint32Array(mostBranches)
  Object.assign(globalThis, { [name]: counts })
  let branches = 0
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.includes('/src/') || !url.endsWith('.ts')) return loaded
      const source = addCounters(String(loaded.source), () => branches++)
      if (branches > mostBranches) throw new Error(`There are more than ${mostBranches} branches.`)
      return { ...loaded, source }
    },
  })
  return () => {
    const ran: number[] = []
    for (let branch = 0; branch < branches; branch += 1) {
      const count = counts[branch] ?? 0
      if (count > 0) ran.push(branch * magnitudes + 32 - Math.clz32(count))
    }
    counts.fill(0, 0, branches)
    return ran
  }
}
