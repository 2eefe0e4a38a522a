#!/usr/bin/env -S node --min-semi-space-size=4 --max-semi-space-size=4
/**
 * Entry point of the command line: the `cfile` binary.
 *
 * Its first line sets the size of V8's young heap, as `npm start` and the Dockerfile do: docs/capacity.md has the figures.
 *
 * @module
 */

import { toErrorLine } from './cli/failure.ts'
import { runCommand, startsServer } from './cli/run.ts'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    toErrorLine(`Node ${process.versions.node} is too old: use Node 22.19 or newer.`),
  )
  process.exit(1)
}

const args = process.argv.slice(2)
const isServer = startsServer(args)

// A reader that has seen enough closes the pipe: `cfile ls … | head -1`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: Error & { readonly code?: string }) => {
    if (isServer) return
    if (error.code === 'EPIPE') process.exit(0)
    process.stderr.write(toErrorLine(error.message))
    process.exit(1)
  })
}

process.exitCode = await runCommand(args, {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt(act) {
    process.on('SIGINT', act)
    return () => void process.off('SIGINT', act)
  },
})
// Connections that were given up may keep the process alive.
if (process.exitCode === 130) process.exit()
