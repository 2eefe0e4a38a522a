/**
 * Half copies: the names under which a process writes what is not whole yet, so that what a dead one left is known.
 *
 * @module
 */

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { basename } from 'node:path'
import { codeOf, modifiedAt } from './disk.ts'

const host = hostname().replace(/[^\w-]/g, '_')
const start = randomUUID()

/** A name that tells which process writes the file; in a container each has the same pid. */
export function halfCopyName(): string {
  return [host, process.pid, start, randomUUID()].join('.')
}

/**
 * Whether nobody writes a file on any more: its process of this machine is dead, or it was last changed before a unix
 * second.
 */
export async function isLeftOver(path: string, before: number): Promise<boolean> {
  const [writtenAt, pid, begun] = basename(path).split('.')
  if (begun === start) return false
  const isDead = Number(pid) === process.pid || !isAlive(Number(pid))
  return (writtenAt === host && isDead) || (await modifiedAt(path)) < before
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is there, but somebody else's.
    return codeOf(error) === 'EPERM'
  }
}
